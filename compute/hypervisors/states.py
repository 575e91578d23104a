"""Nova's words for hosts and for the services on them: what an operator allows, and whether they are heard."""

from typing import Final

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"
UP: Final = "up"
DOWN: Final = "down"

#: Values of `status` in PUT /os-hosts, as verbs.
ENABLE: Final = "enable"
HOST_VERBS: Final = (ENABLE, "disable")


def status_of(is_enabled: bool) -> str:
    return ENABLED if is_enabled else DISABLED


def state_of(is_up: bool) -> str:
    return UP if is_up else DOWN


def is_enabled(status: object) -> bool:
    return status == ENABLED


def is_disabled(status: object) -> bool:
    return status == DISABLED


def is_up(state: object) -> bool:
    return state == UP


def enables(verb: str) -> bool:
    """Whether a verb of HOST_VERBS, in any spelling of Nova's, enables a host."""
    return verb.strip().lower() == ENABLE
