"""Making, pointing and removing floating IPs."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid, NotFound
from common.live import announce
from networking.desired.changes import touch
from networking.errors import AttributeForbidden, FloatingIPNotFound, NetworkNotFound
from networking.floatingips import states
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import allocation
from networking.ports import services as ports
from networking.ports import states as port_states
from networking.ports.models import FLOATING_IP, ROUTER_INTERFACE, FixedIP, Port
from networking.routers.models import Router
from networking.standard import Tag
from networking.subnets.models import Subnet
from openstackapi import resource
from quota import services as quota


class NotExternalNetwork(Invalid):
    wire_type = "BadRequest"
    formerly = ("BadRequest",)
    template = _("Bad floatingip request: Network %(network)s is not a valid external network.")


class BadFloatingIPRequest(Invalid):
    wire_type = "BadRequest"
    formerly = ("BadRequest",)
    template = _("Bad floatingip request: %(reason)s.")


class FloatingIPPortAlreadyAssociated(Conflict):
    template = _(
        "Cannot associate floating IP %(ip)s (%(id)s) with port %(port)s using fixed IP %(fixed)s, as that fixed IP already "
        "has a floating IP on external network %(network)s."
    )


class ExternalGatewayForFloatingIPNotFound(NotFound):
    template = _(
        "External network %(network)s is not reachable from subnet %(subnet)s. Therefore, cannot associate Port %(port)s with "
        "a Floating IP."
    )


def find(actor: RequestContext, floating_id: str, *, lock: bool = False) -> FloatingIP:
    """Raises: FloatingIPNotFound, also for another project's."""
    return resource.find(FloatingIP.objects.visible_to(actor), floating_id, FloatingIPNotFound, lock=lock)


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    network_id: str,
    project_id: str | None = None,
    description: str = "",
    floating_ip_address: str | None = None,
    subnet_id: str | None = None,
    port_id: str | None = None,
    fixed_ip_address: str | None = None,
    dns_name: str = "",
    dns_domain: str = "",
) -> FloatingIP:
    """Create an address of an external network, leading to a port if one is named.

    Raises: NotExternalNetwork, NetworkNotFound, OverLimit, Forbidden, those of allocation and of _point.
    """
    project = project_id or actor.project_id or ""
    policy.require(actor, "create_floatingip", project)
    network = Network.objects.visible_to(actor).filter(pk=network_id).first()
    if network is None:
        raise NetworkNotFound(id=network_id)
    if not network.external:
        raise NotExternalNetwork(network=network_id)
    if floating_ip_address and not actor.is_admin:
        raise AttributeForbidden(attribute="floating_ip_address")
    quota.require(project, "network", {"floatingip": 1})
    floating = FloatingIP(project_id=project, network=network, description=description)
    floating.dns_name, floating.dns_domain = dns_name, dns_domain
    floating.floating_port, floating.floating_ip_address = _take(network, floating.id, floating_ip_address, subnet_id)
    floating.save(force_insert=True)
    if port_id:
        _point(actor, floating, port_id, fixed_ip_address)
    elif fixed_ip_address:
        raise BadFloatingIPRequest(reason=_("fixed_ip_address cannot be specified without a port_id"))
    announce("floatingip", floating.id, project)
    return floating


def _take(network: Network, floating_id: str, ip: str | None, subnet_id: str | None) -> tuple[Port, str]:
    """The port that holds the outer address, and the address: IPv4 only, as NAT here is."""
    subnets = list(Subnet.objects.filter(network=network, ip_version=4).order_by("created_at", "id"))
    if not subnets:
        raise BadFloatingIPRequest(reason=_("Network %(network)s does not contain any IPv4 subnet"), network=network.id)
    port = Port(network=network, project_id="", role=FLOATING_IP, status=port_states.NOT_BOUND)
    port.device_owner, port.device_id = FLOATING_IP, floating_id
    port.port_security_enabled = False
    ports.insert_with_mac(port, None)
    if ip or subnet_id:
        asked = {key: value for key, value in (("ip_address", ip), ("subnet_id", subnet_id)) if value}
        held = allocation.allocate_asked(port, subnets, [asked])
    else:
        held = allocation.allocate_any(port, subnets)
    return port, held[0].ip_address


@transaction.atomic
def update(actor: RequestContext, floating_id: str, **changes: Any) -> FloatingIP:
    """Point a floating IP elsewhere (`port_id`, null = nowhere; `fixed_ip_address`), or describe it."""
    floating = find(actor, floating_id, lock=True)
    policy.require(actor, "update_floatingip", floating)
    if "port_id" in changes:
        port_id, fixed = changes.pop("port_id"), changes.pop("fixed_ip_address", None)
        if port_id:
            _point(actor, floating, port_id, fixed)
        else:
            _unpoint(floating)
    elif changes.get("fixed_ip_address"):
        if floating.port_id is None:
            raise BadFloatingIPRequest(reason=_("fixed_ip_address cannot be specified without a port_id"))
        _point(actor, floating, floating.port_id, changes["fixed_ip_address"])
    changes.pop("fixed_ip_address", None)
    floating.save_changes(changes)
    announce("floatingip", floating.id, floating.project_id)
    return floating


@transaction.atomic
def delete(actor: RequestContext, floating_id: str) -> None:
    floating = find(actor, floating_id, lock=True)
    policy.require(actor, "delete_floatingip", floating)
    remove(floating)


def remove(floating: FloatingIP) -> None:
    """Remove the row and give its address back. Within a transaction; no questions asked."""
    _unpoint(floating)
    outer = floating.floating_port
    Tag.objects.filter(resource_id=floating.id).delete()
    floating_id = floating.id
    FloatingIP.objects.filter(pk=floating_id).delete()
    ports.remove(outer)
    announce("floatingip", floating_id, floating.project_id)


def _unpoint(floating: FloatingIP) -> None:
    if floating.router_id:
        touch(f"router:{floating.router_id}")
    if floating.port_id:
        announce("port", floating.port_id, floating.project_id)
    floating.port, floating.fixed_ip_address, floating.router, floating.status = None, "", None, states.DOWN
    floating.save(update_fields=["port", "fixed_ip_address", "router", "status"])


def _point(actor: RequestContext, floating: FloatingIP, port_id: str, fixed_ip: str | None) -> None:
    """Lead the floating IP to a port's address.

    Raises: PortNotFound, BadFloatingIPRequest, FloatingIPPortAlreadyAssociated, ExternalGatewayForFloatingIPNotFound.
    """
    port = ports.find(actor, port_id)
    fixed = _inner_address(port, fixed_ip)
    others = FloatingIP.objects.filter(port=port, fixed_ip_address=fixed.ip_address).exclude(pk=floating.pk)
    if others.exists():
        raise FloatingIPPortAlreadyAssociated(
            ip=floating.floating_ip_address,
            id=floating.id,
            port=port.id,
            fixed=fixed.ip_address,
            network=floating.network_id,
        )
    router = _router_between(fixed.subnet, floating.network_id, port)
    if floating.router_id and floating.router_id != router.id:
        touch(f"router:{floating.router_id}")
    before = (floating.port_id, floating.fixed_ip_address, floating.router_id)
    floating.port, floating.fixed_ip_address, floating.router = port, fixed.ip_address, router
    if before != (port.id, fixed.ip_address, router.id):
        floating.status = (
            states.DOWN
        )  # until the router's host says that it leads there: networking/desired/floating.py
    floating.save(update_fields=["port", "fixed_ip_address", "router", "status"])
    touch(f"router:{router.id}")
    announce("port", port.id, port.project_id)


def _inner_address(port: Port, asked: str | None) -> FixedIP:
    held = list(FixedIP.objects.filter(port=port, subnet__ip_version=4).select_related("subnet"))
    if asked:
        match = next((row for row in held if row.ip_address == asked), None)
        if match is None:
            raise BadFloatingIPRequest(
                reason=_("Port %(port)s does not have fixed ip %(asked)s"), port=port.id, asked=asked
            )
        return match
    if not held:
        raise BadFloatingIPRequest(
            reason=_("Cannot add floating IP to port %(port)s that has no fixed IPv4 addresses"), port=port.id
        )
    if len(held) > 1:
        raise BadFloatingIPRequest(
            reason=_(
                "Port %(port)s has multiple fixed IPv4 addresses. Must provide a specific IPv4 address when assigning "
                "a floating IP"
            ),
            port=port.id,
        )
    return held[0]


def outsides(subnet_ids: Iterable[str], project_id: str) -> dict[str, set[str]]:
    """Read which external networks' floating IPs can lead to a project's ports: subnet id → ids. The rule is _router_between's."""
    interfaces = FixedIP.objects.filter(
        subnet__in=subnet_ids, port__role=ROUTER_INTERFACE, port__router__gateway_port__isnull=False
    )
    found: dict[str, set[str]] = {}
    for subnet, owner, network_owner, outside in interfaces.values_list(
        "subnet_id",
        "port__router__project_id",
        "subnet__network__project_id",
        "port__router__gateway_port__network_id",
    ):
        if owner in (project_id, network_owner):
            found.setdefault(subnet, set()).add(outside)
    return found


def _router_between(subnet: Subnet, external_id: str, port: Port) -> Router:
    """The router with an interface on the subnet and its gateway on the external network; that with the gateway address first.

    It is the port's project's or the network's: another's router on a shared network carries nobody else's traffic.
    """
    interfaces = FixedIP.objects.filter(subnet=subnet, port__role=ROUTER_INTERFACE)
    ids = [
        router
        for ip, router in sorted(
            interfaces.values_list("ip_address", "port__router_id"), key=lambda one: one[0] != subnet.gateway_ip
        )
    ]
    trusted = (port.project_id, port.network.project_id)
    rows = Router.objects.filter(pk__in=ids, gateway_port__network_id=external_id, project_id__in=trusted)
    reachable: dict[str | None, Router] = {router.id: router for router in rows}
    for router_id in ids:
        if router_id in reachable:
            return reachable[router_id]
    raise ExternalGatewayForFloatingIPNotFound(network=external_id, subnet=subnet.id, port=port.id)
