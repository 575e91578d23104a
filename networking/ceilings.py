"""Bounds of the network service's tables that users can grow."""

from common.ceilings import elsewhere, hold
from networking.models import AddressScope, Change, FixedIP, HostPiece, PortGroup, Probe, Tag


def register() -> None:
    hold(AddressScope, "project_id", 100)
    hold(FixedIP, "port_id", 64)  # an IPv6 subnet has no end of addresses
    elsewhere(Tag, "networking.tags.api.MOST of one resource")
    elsewhere(Probe, "the quota of ports: each has one, of port 22")
    elsewhere(PortGroup, "the quota of security groups: each of them once a port")
    for model in (Change, HostPiece):
        elsewhere(model, "the quotas of ports, networks, groups and routers: a row a piece and host")
