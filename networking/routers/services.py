"""Making, changing and removing routers. Interfaces: interfaces.py; gateway: gateway.py."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from common.live import announce
from hostagent.contract import inet
from networking import scheduling
from networking.addressing import routed
from networking.desired.changes import touch
from networking.errors import InvalidInput, RouterNotFound
from networking.ports.models import ROUTER_INTERFACE, FixedIP
from networking.ports.services import remove as remove_port
from networking.routers import gateway
from networking.routers.models import Router
from networking.standard import Tag
from openstackapi import resource
from quota import services as quota

MAX_ROUTES = 30  # Neutron's max_routes


class RouterInUse(Conflict):
    template = _("Router %(id)s still has ports.")


class InvalidRoutes(Invalid):
    template = _("Invalid format for routes: %(routes)s, %(reason)s.")


class RoutesExhausted(Invalid):
    template = _("Unable to complete operation for %(id)s. The number of routes exceeds the maximum %(limit)s.")


def find(actor: RequestContext, router_id: str, *, lock: bool = False) -> Router:
    """Raises: RouterNotFound, also for another project's router."""
    return resource.find(Router.objects.visible_to(actor), router_id, RouterNotFound, lock=lock)


def project_of(router_id: str) -> str | None:
    """Project of a router, None if there is no such router."""
    return Router.objects.filter(pk=router_id).values_list("project_id", flat=True).first()


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    name: str = "",
    project_id: str | None = None,
    description: str = "",
    admin_state_up: bool = True,
    external_gateway_info: gateway.GatewayInfo | None = None,
    availability_zone_hints: Sequence[str] = (),
) -> Router:
    """Create a router, with its gateway if asked.

    Raises: Forbidden, OverLimit, and those of gateway.set_gateway.
    """
    project = project_id or actor.project_id or ""
    policy.require(actor, "create_router", project)
    quota.require(project, "network", {"router": 1})
    router = Router.objects.create(
        name=name,
        project_id=project,
        description=description,
        admin_state_up=admin_state_up,
        availability_zone_hints=list(availability_zone_hints),
    )
    scheduling.assign_router(router)
    if external_gateway_info:
        gateway.set_gateway(actor, router, external_gateway_info)
    changed(router)
    return router


@transaction.atomic
def update(actor: RequestContext, router_id: str, **changes: Any) -> Router:
    """Change a router: name, description, admin_state_up, external_gateway_info, routes."""
    router = find(actor, router_id, lock=True)
    policy.require(actor, "update_router", router)
    if "external_gateway_info" in changes:
        info = changes.pop("external_gateway_info")
        gateway.set_gateway(actor, router, info) if info else gateway.clear_gateway(router)
    if "routes" in changes:
        changes["routes"] = check_routes(router, changes["routes"] or [])
    router.save_changes(changes)
    changed(router)
    return router


@transaction.atomic
def delete(actor: RequestContext, router_id: str) -> None:
    """Raises: RouterNotFound, RouterInUse while it has interfaces, RouterExternalGatewayInUseByFloatingIp."""
    router = find(actor, router_id, lock=True)
    policy.require(actor, "delete_router", router)
    if router.ports.filter(role=ROUTER_INTERFACE).exists():
        raise RouterInUse(id=router_id)
    gateway.clear_gateway(router)
    remove(router)


def remove(router: Router) -> None:
    """Remove the row of a router, its tags, gateway and interfaces. Within a transaction; no questions asked.

    Floating IPs that it led somewhere lead nowhere afterwards, whoever owns them.
    """
    router_id = router.id
    for floating in router.floating_ips.all():
        floating.release()
    gateway.clear_gateway(router)
    for port in router.ports.all():
        remove_port(port)
    Tag.objects.filter(resource_id=router_id).delete()
    Router.objects.filter(pk=router_id).delete()
    touch(f"router:{router_id}")
    announce("router", router_id, router.project_id)


def check_routes(router: Router, routes: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Extra routes whose next hop is on a subnet of the router and is not the router itself.

    Raises: InvalidRoutes, RoutesExhausted.
    """
    if len(routes) > MAX_ROUTES:
        raise RoutesExhausted(id=router.id, limit=MAX_ROUTES)
    interfaces = FixedIP.objects.filter(port__router=router)
    reach = [(inet.ip_network(cidr), ip) for cidr, ip in interfaces.values_list("subnet__cidr", "ip_address")]
    out: list[dict[str, str]] = []
    for route in routes:
        try:
            destination = routed(route["destination"])
            nexthop = inet.ip_address(route["nexthop"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(reason=_("'%(route)s' is not a valid route"), route=route) from error
        if not any(nexthop in network for network, _ip in reach):
            raise InvalidRoutes(routes=routes, reason=_("the nexthop is not connected with router"))
        if any(str(nexthop) == ip for _network, ip in reach):
            raise InvalidRoutes(routes=routes, reason=_("the nexthop is used by router"))
        entry = {"destination": str(destination), "nexthop": str(nexthop)}
        if entry in out:
            raise InvalidInput(reason=_("Duplicate route %(entry)s"), entry=entry)
        out.append(entry)
    return out


def changed(router: Router) -> None:
    """Note on hosts and pages that a router is different now."""
    touch(f"router:{router.id}")
    announce("router", router.id, router.project_id)
