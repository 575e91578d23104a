"""Status words of hosts."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from hosts import states as host_states
from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "up": ("ok", _("Up")), "unreachable": ("warn", _("Silent")), "down": ("bad", _("Down")),
    "new": ("busy", _("Joining")),
}  # fmt: skip


def host(state: str, *, enabled: bool, forced_down: bool, since: datetime | None = None) -> Status:
    if forced_down:
        return Status("bad", _("Forced down"), "forced_down")
    if host_states.is_up(state) and not enabled:
        return Status("off", _("Off for upkeep"), "disabled")
    kind, word = STATES.get(state, ("off", state))
    return Status(kind, word, state, since=since if kind in ("bad", "warn") else None)
