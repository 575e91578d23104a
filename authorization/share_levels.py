"""The levels of a share, weakest first; each includes those before it. And the policy check `share:<level>`."""

from typing import Any, Final

from django.utils.translation import pgettext
from oslo_policy import _checks

VIEW, CONSOLE, OPERATE, FULL = "view", "console", "operate", "full"
LEVELS: Final = (VIEW, CONSOLE, OPERATE, FULL)
RANK: Final = {level: rank for rank, level in enumerate(LEVELS, start=1)}
#: Under this name policy puts the level at which the target itself is shared with the caller.
TARGET: Final = "share_level"


def word(level: str) -> str:
    """Return a level as people read it: its own name in English, so that it is what the API takes."""
    words = {
        VIEW: pgettext("share level", "view"),
        CONSOLE: pgettext("share level", "console"),
        OPERATE: pgettext("share level", "operate"),
        FULL: pgettext("share level", "full"),
    }
    return words[level]


def reaches(held: str | None, wanted: str) -> bool:
    """Whether a share at `held` (None: no share) includes `wanted`."""
    return RANK.get(held or "", 0) >= RANK[wanted]


def highest(levels: Any) -> str | None:
    return max(levels, key=RANK.__getitem__, default=None)


@_checks.register("share")
class ShareCheck(_checks.Check):
    """`share:operate` in a rule: the target is shared with the caller, for operating or more."""

    def __init__(self, kind: str, match: str) -> None:
        if match not in RANK:
            raise ValueError(f"a share is one of {', '.join(LEVELS)}, not {match}")
        super().__init__(kind, match)

    def __call__(self, target: Any, creds: Any, enforcer: Any, current_rule: str | None = None) -> bool:
        return reaches(target.get(TARGET), self.match)
