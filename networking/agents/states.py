"""States of an availability zone of the network service, as Neutron names them."""

from typing import Final

AVAILABLE: Final = "available"
UNAVAILABLE: Final = "unavailable"


def of_zone(*, has_host: bool) -> str:
    """Tell the state of a zone: it is available while a host in it answers."""
    return AVAILABLE if has_host else UNAVAILABLE
