"""Floating IPs, and what leads to a server."""

from authorization.context import RequestContext
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from portal.servers.dialogs import NEW
from portal.showas.kinds import SAME, Arg, Kind, Terraform, Use

FLOATING = "openstack_networking_floatingip_v2"
_IPS = "/v2.0/floatingips"

CREATE_IP = Kind(
    name="floatingip.create", service="network", method="POST", path=_IPS, wrap="floatingip", cli="floating ip create", sdk="create_ip",
    gives="floating_ip", tf=Terraform(FLOATING),
    args=(
        Arg("floating_network_id", cli="<>"),
        Arg("pool", tf=SAME, wire=None),
        Arg("floating_ip_address", cli="--floating-ip-address", tf="address"),
        Arg("port_id", cli="--port", tf=SAME),
        Arg("fixed_ip_address", cli="--fixed-ip-address", tf="fixed_ip"),
        Arg("description", cli="--description", tf=SAME),
        Arg("dns_name", cli="--dns-name", tf=SAME),
        Arg("dns_domain", cli="--dns-domain", tf=SAME),
        Arg("project_id", cli="--project", tf="tenant_id"),
    ),
)  # fmt: skip
POINT = Kind(
    name="floatingip.associate", service="network", method="PUT", path=_IPS + "/{id}", wrap="floatingip", cli="floating ip set",
    sdk="update_ip", tf=Terraform("openstack_networking_floatingip_associate_v2"),
    args=(
        Arg("id", cli="<>"),
        Arg("floating_ip", tf=SAME, wire=None),
        Arg("port_id", cli="--port", tf=SAME),
        Arg("fixed_ip_address", cli="--fixed-ip-address"),
    ),
)  # fmt: skip
#: The port of a server: what an address leads to.
PORT_OF = Kind(
    name="port.of-server", service="network", method="GET", path="/v2.0/ports?device_id={device_id}", wrap="ports", cli="port list", sdk="ports",
    gives="port", picks=True, tf=Terraform("openstack_networking_port_v2", "data"),
    args=(Arg("device_id", cli="--device-id", sdk="device_id", tf=SAME),),
)  # fmt: skip


def point_at_port(actor: RequestContext, floating: str, port: str, fixed: str = "", end: str = "") -> list[Use]:
    """Point an address at a port: one that is there, or a new one where its id begins so."""
    where = {"port_id": port, "fixed_ip_address": fixed}
    if floating.startswith(NEW):
        network_id = floating.removeprefix(NEW)
        pool = (
            Network.objects.visible_to(actor).filter(pk=network_id).values_list("name", flat=True).first() or network_id
        )
        return [Use(CREATE_IP, {"floating_network_id": network_id, "pool": pool, **where}, f"floating_ip{end}")]
    address = (
        FloatingIP.objects.visible_to(actor).filter(pk=floating).values_list("floating_ip_address", flat=True).first()
    )
    return [Use(POINT, {"id": floating, "floating_ip": address, **where})]


def point(actor: RequestContext, floating: str, server: str, end: str = "") -> list[Use]:
    """Point an address at the one port of a server."""
    port = Use(PORT_OF, {"device_id": server}, f"port{end}")
    return [port, *point_at_port(actor, floating, port.made, end=end)]
