"""Bindings of ports as libvirt's XML."""

from typing import Any

from lxml.builder import E

from hostagent.contract.binding import VifBinding

#: Type of a binding → that of libvirt's <interface>.
TYPES = {"bridge": "bridge", "tap": "ethernet", "ovs": "bridge", "vhostuser": "vhostuser"}


def elements(binding: VifBinding) -> list[Any]:
    """What an <interface> of type TYPES says of what it is plugged into."""
    if binding["vif_type"] == "bridge":
        return [E.source(bridge=binding["bridge"]), E.target(dev=binding["device"])]
    if binding["vif_type"] == "tap":
        return [E.target(dev=binding["device"], managed="no")]
    if binding["vif_type"] == "ovs":
        port = E.virtualport(E.parameters(interfaceid=binding["interface_id"]), type="openvswitch")
        return [E.source(bridge=binding["bridge"]), port, E.target(dev=binding["device"])]
    return [E.source(type="unix", path=binding["socket"], mode=binding["mode"])]
