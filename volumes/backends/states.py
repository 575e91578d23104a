"""Cinder's words for backends: what an operator allows, and whether they are heard."""

from typing import Final

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"
UP: Final = "up"
DOWN: Final = "down"
#: Verbs of PUT /os-services, and whether the backend takes volumes after each.
VERBS: Final = {"enable": True, "disable": False, "disable-log-reason": False}


def status_of(is_enabled: bool) -> str:
    return ENABLED if is_enabled else DISABLED


def state_of(is_up: bool) -> str:
    return UP if is_up else DOWN
