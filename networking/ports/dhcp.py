"""The port of a network's DHCP server, and the host on which the server lives."""

from uuid import NAMESPACE_URL, uuid5

from authorization.context import RequestContext
from networking import scheduling
from networking.desired.changes import touch_port
from networking.networks.models import Network
from networking.ports import allocation
from networking.ports.models import DHCP, FixedIP, Port
from networking.ports.services import insert_with_mac, remove
from networking.standard import Tag
from networking.subnets.models import Subnet

INTERNAL = RequestContext.internal("dhcp")


def device_id(network_id: str) -> str:
    """Return the id of a DHCP port's device, in Neutron's form: dhcp<uuid>-<network>."""
    return f"dhcp{uuid5(NAMESPACE_URL, network_id)}-{network_id}"


def reconcile(network: Network) -> None:
    """Make DHCP of a network as its subnets say: a port with an address in each that has DHCP, a host; or none at all.

    Within a transaction. Raises: IpAddressGenerationFailure when a subnet has no address left for its DHCP.
    """
    served = list(Subnet.objects.filter(network=network, enable_dhcp=True).order_by("created_at", "id"))
    port = Port.objects.filter(network=network, role=DHCP).first()
    if not served:
        if port is not None:
            remove(port)
            Tag.objects.filter(resource_id=port.id).delete()
        if network.dhcp_host:
            Network.objects.filter(pk=network.id).update(dhcp_host="")
        return
    if port is None:
        port = Port(
            network=network,
            project_id=network.project_id,
            role=DHCP,
            device_owner=DHCP,
            device_id=device_id(network.id),
        )
        port.port_security_enabled = False
        port.host = network.dhcp_host
        insert_with_mac(port, None)
    held = dict(FixedIP.objects.filter(port=port).values_list("subnet_id", "pk"))
    wanted = {subnet.id for subnet in served}
    FixedIP.objects.filter(pk__in=[pk for subnet, pk in held.items() if subnet not in wanted]).delete()
    for subnet in served:
        if subnet.id not in held:
            allocation.allocate(port, subnet)
    if not network.dhcp_host:
        scheduling.assign_dhcp(network)
    touch_port(port.id, network.id, ())
