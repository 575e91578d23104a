"""A router's gateway port: its interface on an external network."""

from typing import NotRequired, TypedDict

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from networking.desired.changes import touch_port
from networking.errors import AttributeForbidden, InvalidInput, NetworkNotFound
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import allocation
from networking.ports.models import ROUTER_GATEWAY, Port
from networking.ports.services import insert_with_mac, remove
from networking.ports.updates import set_addresses
from networking.routers.models import Router
from networking.subnets.models import Subnet


class RouterExternalGatewayInUseByFloatingIp(Conflict):
    template = _(
        "Gateway cannot be updated for router %(id)s, since a gateway to external network %(network)s is required by one or "
        "more floating IPs."
    )


class NotExternal(Invalid):
    wire_type = "BadRequest"
    template = _("Bad router request: Network %(network)s is not an external network.")


class GatewayInfo(TypedDict):
    """`external_gateway_info` of a request."""

    network_id: str
    enable_snat: NotRequired[bool]
    external_fixed_ips: NotRequired[list[dict[str, str]] | None]
    qos_policy_id: NotRequired[str | None]


def set_gateway(actor: RequestContext, router: Router, info: GatewayInfo) -> None:
    """Make the gateway as asked. Within a transaction.

    Raises: NetworkNotFound, NotExternal, AttributeForbidden, RouterExternalGatewayInUseByFloatingIp, those of allocation.
    """
    unknown = set(info) - {"network_id", "enable_snat", "external_fixed_ips", "qos_policy_id"}
    if unknown or not info.get("network_id") or info.get("qos_policy_id"):
        raise InvalidInput(reason=_("external_gateway_info %(info)s is not valid"), info=info)
    network = Network.objects.visible_to(actor).filter(pk=info["network_id"]).first()
    if network is None:
        raise NetworkNotFound(id=info["network_id"])
    if not network.external:
        raise NotExternal(network=network.id)
    asked = info.get("external_fixed_ips")
    if not actor.is_admin:
        for attribute in ("enable_snat", "external_fixed_ips"):
            if attribute in info and not (attribute == "enable_snat" and info.get("enable_snat") is True):
                raise AttributeForbidden(attribute=f"external_gateway_info:{attribute}")
    snat = bool(info.get("enable_snat", True))
    if router.gateway_port is not None and router.gateway_port.network_id == network.id:
        if asked:
            set_addresses(router.gateway_port, asked)
        port = router.gateway_port
    else:
        clear_gateway(router)
        port = _make_gateway_port(router, network, asked)
    router.enable_snat = snat
    router.gateway_port = port
    router.save(update_fields=["enable_snat", "gateway_port"])
    touch_port(port.id, network.id, (), router_ids=[router.id])


def _make_gateway_port(router: Router, network: Network, asked: list[dict[str, str]] | None) -> Port:
    """The port on the external network. It belongs to no project, as in Neutron: users do not see it."""
    port = Port(network=network, project_id="", role=ROUTER_GATEWAY, router=router, host=router.host)
    port.device_owner, port.device_id = ROUTER_GATEWAY, router.id
    port.port_security_enabled = False
    insert_with_mac(port, None)
    subnets = list(Subnet.objects.filter(network=network).order_by("created_at", "id"))
    if asked:
        allocation.allocate_asked(port, subnets, asked)
    else:
        allocation.allocate_any(port, subnets)
    return port


def clear_gateway(router: Router) -> None:
    """Take the gateway away. Within a transaction. Raises: RouterExternalGatewayInUseByFloatingIp."""
    port = router.gateway_port
    if port is None:
        return
    if FloatingIP.objects.filter(router=router).exists():
        raise RouterExternalGatewayInUseByFloatingIp(id=router.id, network=port.network_id)
    router.gateway_port = None
    router.enable_snat = True
    router.save(update_fields=["gateway_port", "enable_snat"])
    remove(port)
