"""Bindings of ports as libvirt's XML."""

from hostagent.contract.binding import VifBinding
from hostagent.drivers.hypervisor.libvirt_types import E, Element

#: Type of a binding → that of libvirt's <interface>.
TYPES = {"bridge": "bridge", "tap": "ethernet", "ovs": "bridge", "vhostuser": "vhostuser"}


def elements(binding: VifBinding) -> list[Element]:
    """Make the elements of an <interface> of type TYPES that say what it is plugged into."""
    if binding["vif_type"] == "bridge":
        return [E.source(bridge=binding["bridge"]), E.target(dev=binding["device"])]
    if binding["vif_type"] == "tap":
        return [E.target(dev=binding["device"], managed="no")]
    if binding["vif_type"] == "ovs":
        port = E.virtualport(E.parameters(interfaceid=binding["interface_id"]), type="openvswitch")
        return [E.source(bridge=binding["bridge"]), port, E.target(dev=binding["device"])]
    return [E.source(type="unix", path=binding["socket"], mode=binding["mode"])]
