"""What a guest plugs a port into. A network driver says it, a hypervisor renders it, Neutron's API shows its type."""

from typing import Final, Literal, NotRequired, TypedDict


class BridgeBinding(TypedDict):
    """A Linux bridge: the hypervisor makes the tap and puts it in."""

    vif_type: Literal["bridge"]
    bridge: str
    device: str  # the tap's name


class TapBinding(TypedDict):
    """A tap that the network driver made and connected."""

    vif_type: Literal["tap"]
    device: str


class OvsBinding(TypedDict):
    """An Open vSwitch bridge: the hypervisor makes the tap and adds it as a port with this id."""

    vif_type: Literal["ovs"]
    bridge: str
    device: str
    interface_id: str


class VhostUserBinding(TypedDict):
    """A socket on which a switch in user space moves frames through the guest's memory."""

    vif_type: Literal["vhostuser"]
    socket: str
    mode: Literal["client", "server"]  # QEMU's part


VifBinding = BridgeBinding | TapBinding | OvsBinding | VhostUserBinding


class VifDetails(TypedDict):
    """What Neutron's API shows beside the type (`binding:vif_details`)."""

    port_filter: bool  # whether the driver filters what the port sends and gets
    connectivity: Literal["l2", "l3"]
    ovs_hybrid_plug: NotRequired[bool]


class Vif(TypedDict):
    """How a network driver binds ports, the same for all of a host."""

    vif_type: str  # a VifBinding's
    vif_details: VifDetails


#: How an agent binds ports that does not say it: all such agents had Linux bridges.
OLDER: Final[Vif] = {"vif_type": "bridge", "vif_details": {"port_filter": True, "connectivity": "l2"}}
