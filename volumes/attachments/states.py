"""Statuses of an attachment. Names are Cinder's own."""

from typing import Final

RESERVED: Final = "reserved"
ATTACHING: Final = "attaching"
ATTACHED: Final = "attached"
DETACHING: Final = "detaching"

#: In these a server has the volume open, or may have.
OPEN: Final = (ATTACHING, ATTACHED, DETACHING)


def is_reserved(status: str) -> bool:
    return status == RESERVED


def is_attaching(status: str) -> bool:
    return status == ATTACHING


def is_detaching(status: str) -> bool:
    return status == DETACHING
