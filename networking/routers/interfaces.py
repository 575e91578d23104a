"""A router's interfaces on subnets of projects."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid, NotFound
from hostagent.contract import inet
from networking.desired.changes import touch_port
from networking.errors import InvalidInput, PortNotFound
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import allocation
from networking.ports import services as ports
from networking.ports import states as port_states
from networking.ports.devices import is_taken
from networking.ports.models import ROUTER_INTERFACE, FixedIP, Port, PortGroup
from networking.routers.models import Router
from networking.routers.services import changed, find
from networking.subnets import services as subnets
from networking.subnets.models import Subnet


class BadRouterRequest(Invalid):
    wire_type = "BadRequest"
    template = _("Bad router request: %(reason)s.")


class PortInUse(Conflict):
    template = _(
        "Unable to complete operation on port %(port)s for network %(network)s. Port already has an attached device "
        "%(device)s."
    )


class RouterInterfaceInUseByFloatingIP(Conflict):
    template = _(
        "Router interface for subnet %(subnet)s on router %(router)s cannot be deleted, as it is required by one or more "
        "floating IPs."
    )


class RouterInterfaceInUseByRoute(Conflict):
    template = _(
        "Router interface for subnet %(subnet)s on router %(router)s cannot be deleted, as it is required by one or more "
        "routes."
    )


class RouterInterfaceNotFound(NotFound):
    template = _("Router %(router)s does not have an interface with id %(port)s.")


class RouterInterfaceNotFoundForSubnet(NotFound):
    template = _("Router %(router)s has no interface on subnet %(subnet)s.")


class RouterInterfaceSubnetMismatch(Invalid):
    wire_type = "SubnetMismatchForPort"
    formerly = ("SubnetMismatchForPort",)
    template = _("Subnet on port %(port)s does not match the requested subnet %(subnet)s.")


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as the answer to adding or removing it shows it."""

    router: Router
    port: Port
    subnet_ids: list[str]


@transaction.atomic
def add(
    actor: RequestContext, router_id: str, *, subnet_id: str | None = None, port_id: str | None = None
) -> Interface:
    """Add an interface on a subnet, which gets the gateway address, or make a port one.

    Raises: BadRouterRequest, PortInUse, RouterNotFound, SubnetNotFound, PortNotFound, IpAddressAlreadyAllocated.
    """
    router = find(actor, router_id, lock=True)
    policy.require(actor, "add_router_interface", router)
    if bool(subnet_id) == bool(port_id):
        raise BadRouterRequest(
            reason=_("Either subnet_id or port_id must be specified")
            if not subnet_id
            else _("Cannot specify both subnet-id and port-id")
        )
    port = _adopt(actor, router, str(port_id)) if port_id else _make_leg(actor, router, str(subnet_id))
    held = list(FixedIP.objects.filter(port=port).values_list("subnet_id", flat=True))
    touch_port(port.id, port.network_id, (), router_ids=[router.id])
    router.save_changes({})
    changed(router)
    return Interface(router, port, held)


def _make_leg(actor: RequestContext, router: Router, subnet_id: str) -> Port:
    subnet = subnets.find(actor, subnet_id)
    _refuse_shared(actor, subnet.network)
    if not subnet.gateway_ip:
        raise BadRouterRequest(
            reason=_("Subnet for router interface must have a gateway IP (subnet %(subnet)s)"), subnet=subnet_id
        )
    _refuse_overlap(router, [subnet])
    port = Port(
        network_id=subnet.network_id,
        project_id=router.project_id,
        **_leg_of(router),
        host=router.host,
        port_security_enabled=False,
    )
    ports.insert_with_mac(port, None)
    allocation.hold(port, subnet, subnet.gateway_ip)
    return port


def _leg_of(router: Router) -> dict[str, object]:
    """Columns of a port that is an interface of this router."""
    texts = {"device_id": router.id, "device_owner": ROUTER_INTERFACE}
    return {"router": router, "role": ROUTER_INTERFACE, **texts}


def _adopt(actor: RequestContext, router: Router, port_id: str) -> Port:
    port = ports.find(actor, port_id, lock=True)
    if port.project_id != router.project_id and not actor.is_admin:
        raise PortNotFound(id=port_id)  # who owns a network sees others' ports there, and gets none of them
    if is_taken(port):
        raise PortInUse(port=port.id, network=port.network_id, device=port.device_id)
    _refuse_shared(actor, port.network)
    held = [row.subnet for row in FixedIP.objects.filter(port=port).select_related("subnet")]
    if not held:
        raise BadRouterRequest(reason=_("Router port must have at least one fixed IP"))
    if sum(subnet.ip_version == 4 for subnet in held) > 1:
        raise BadRouterRequest(reason=_("Cannot have multiple IPv4 subnets on router port"))
    _refuse_overlap(router, held)
    groups = list(PortGroup.objects.filter(port=port).values_list("group_id", flat=True))
    PortGroup.objects.filter(port=port).delete()
    port.save_changes(
        {
            **_leg_of(router),
            "host": router.host,
            "port_security_enabled": False,
            "allowed_address_pairs": [],
            "status": port_states.DOWN,
        }
    )
    touch_port(port.id, port.network_id, groups)
    return port


def _refuse_shared(actor: RequestContext, network: Network) -> None:
    """A network that is only shared with the person takes their ports, not their routers, unless the share is full."""
    if not actor.is_admin and not Network.objects.open_to(actor.project_id or "").filter(pk=network.pk).exists():
        policy.require(actor, "update_network", network)


def _refuse_overlap(router: Router, new: list[Subnet]) -> None:
    """Raises: BadRouterRequest when an interface of the router already reaches addresses of the new subnets."""
    for row in FixedIP.objects.filter(port__router=router).select_related("subnet"):
        for subnet in new:
            if row.subnet_id == subnet.id:
                raise BadRouterRequest(reason=_("Router already has a port on subnet %(subnet)s"), subnet=subnet.id)
            if row.subnet.ip_version != subnet.ip_version:
                continue
            if inet.ip_network(row.subnet.cidr).overlaps(inet.ip_network(subnet.cidr)):
                raise BadRouterRequest(
                    reason=_(
                        "Cidr %(cidr)s of subnet %(subnet)s overlaps with cidr %(other_cidr)s of subnet %(other_subnet)s"
                    ),
                    cidr=subnet.cidr,
                    subnet=subnet.id,
                    other_cidr=row.subnet.cidr,
                    other_subnet=row.subnet_id,
                )


@transaction.atomic
def remove(
    actor: RequestContext, router_id: str, *, subnet_id: str | None = None, port_id: str | None = None
) -> Interface:
    """Remove an interface and its port.

    Raises: RouterInterfaceNotFound(ForSubnet), RouterInterfaceInUseByFloatingIP, RouterInterfaceInUseByRoute.
    """
    router = find(actor, router_id, lock=True)
    policy.require(actor, "remove_router_interface", router)
    if not subnet_id and not port_id:
        raise InvalidInput(reason=_("Either subnet_id or port_id must be specified"))
    interfaces = router.ports.filter(role=ROUTER_INTERFACE)
    if port_id:
        port = interfaces.filter(pk=port_id).first()
        if port is None:
            raise RouterInterfaceNotFound(router=router_id, port=port_id)
        if subnet_id and not FixedIP.objects.filter(port=port, subnet_id=subnet_id).exists():
            raise RouterInterfaceSubnetMismatch(port=port_id, subnet=subnet_id)
    else:
        port = interfaces.filter(fixed_ips__subnet_id=subnet_id).first()
        if port is None:
            raise RouterInterfaceNotFoundForSubnet(router=router_id, subnet=subnet_id)
    held = [row.subnet for row in FixedIP.objects.filter(port=port).select_related("subnet")]
    for subnet in held:
        _refuse_used(router, subnet)
    interface = Interface(router, port, [subnet.id for subnet in held])
    shown = Port.objects.get(pk=port.pk)
    ports.remove(port)
    router.save_changes({})
    changed(router)
    return Interface(interface.router, shown, interface.subnet_ids)


def _refuse_used(router: Router, subnet: Subnet) -> None:
    network = inet.ip_network(subnet.cidr)
    fixed = FloatingIP.objects.filter(router=router, port__network_id=subnet.network_id)
    if any(inet.ip_address(ip) in network for ip in fixed.values_list("fixed_ip_address", flat=True) if ip):
        raise RouterInterfaceInUseByFloatingIP(router=router.id, subnet=subnet.id)
    if any(inet.ip_address(route["nexthop"]) in network for route in router.routes):
        raise RouterInterfaceInUseByRoute(router=router.id, subnet=subnet.id)


def describe(interface: Interface) -> dict[str, object]:
    """Build the answer's body, in Neutron's keys."""
    return {
        "id": interface.router.id,
        "project_id": interface.router.project_id,
        "tenant_id": interface.router.project_id,
        "port_id": interface.port.id,
        "network_id": interface.port.network_id,
        "subnet_id": interface.subnet_ids[0] if interface.subnet_ids else None,
        "subnet_ids": interface.subnet_ids,
        "tags": [],
    }
