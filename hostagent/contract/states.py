"""States of a server's domain on its host, as agents report them, and what verbs of power do to them."""

from typing import Final

from hostagent.contract.server import (
    SERVER_PAUSE,
    SERVER_REBOOT,
    SERVER_RESUME,
    SERVER_STOP,
    SERVER_SUSPEND,
    SERVER_UNPAUSE,
)
from hostagent.contract.verb import AnyVerb

RUNNING: Final = "running"
PAUSED: Final = "paused"
SHUTOFF: Final = "shutoff"
SAVED: Final = "saved"  # its memory is on the disk
CRASHED: Final = "crashed"
ABSENT: Final = "absent"

STATES: Final = (RUNNING, PAUSED, SHUTOFF, SAVED, CRASHED, ABSENT)

#: Verb of power → (states in which it may be used, state in which it ends; it may be used there too, since verbs are repeated).
POWER: Final[dict[AnyVerb, tuple[frozenset[str], str]]] = {
    SERVER_STOP: (frozenset({RUNNING, PAUSED, CRASHED, SAVED}), SHUTOFF),
    SERVER_REBOOT: (frozenset({RUNNING, PAUSED, CRASHED, SHUTOFF}), RUNNING),
    SERVER_PAUSE: (frozenset({RUNNING}), PAUSED),
    SERVER_UNPAUSE: (frozenset({PAUSED}), RUNNING),
    SERVER_SUSPEND: (frozenset({RUNNING, PAUSED}), SAVED),
    SERVER_RESUME: (frozenset({SAVED, SHUTOFF}), RUNNING),
}


def of_power(power: str) -> str:
    """Return the state of a domain that is made with `power` "on" or "off"."""
    return SHUTOFF if power == "off" else RUNNING


def may(verb: AnyVerb, state: str) -> bool:
    """Whether this verb of power may be used in that state."""
    allowed, after = POWER[verb]
    return state == after or state in allowed


def is_active(state: str) -> bool:
    """Whether the guest has a QEMU."""
    return state in (RUNNING, PAUSED)


def is_running(state: str) -> bool:
    return state == RUNNING


def is_paused(state: str) -> bool:
    return state == PAUSED


def is_absent(state: str) -> bool:
    return state == ABSENT


def is_shut_off(state: str) -> bool:
    return state == SHUTOFF
