"""States of a host, by the age of its last report in seconds."""

from django.db import models


class HostState(models.TextChoices):
    NEW = "new"  # enrolled, never heard
    UP = "up"
    UNREACHABLE = "unreachable"  # nothing new is placed there
    DOWN = "down"  # DHCP and routers move


UNREACHABLE_AFTER = 20.0
DOWN_AFTER = 30.0
#: States in which a host may be chosen for something new.
USABLE = (HostState.UP,)
#: States in which a host that was heard before is not.
SILENT = (HostState.UNREACHABLE, HostState.DOWN)


def is_up(state: str) -> bool:
    """Whether a host answers: it may be chosen for something new."""
    return state in USABLE


def is_unreachable(state: str) -> bool:
    """Whether a host has been silent for so long that it is given nothing new, and may come back as it was."""
    return state == HostState.UNREACHABLE


def is_down(state: str) -> bool:
    """Whether a host has been silent for so long that others take what it carries."""
    return state == HostState.DOWN


def state_after(silence: float) -> str:
    """Return the state of a host that was last heard `silence` seconds ago."""
    if silence >= DOWN_AFTER:
        return HostState.DOWN
    return HostState.UNREACHABLE if silence >= UNREACHABLE_AFTER else HostState.UP
