"""Booleans in texts that somebody sent. Source: oslo_utils.strutils.bool_from_string."""

from typing import Final

TRUE: Final = frozenset({"1", "t", "true", "on", "y", "yes"})
FALSE: Final = frozenset({"0", "f", "false", "off", "n", "no"})


def truth(value: object) -> bool | None:
    """Whether it says yes, in any spelling of OpenStack's; None for what says neither yes nor no."""
    text = str(value).strip().lower()
    return True if text in TRUE else False if text in FALSE else None
