"""Routers on the wire."""

from collections.abc import Sequence

from rest_framework.request import Request

from networking.ports.models import ROUTER_INTERFACE, FixedIP, Port
from networking.resource import NetworkView, Resource, views
from networking.routers import interfaces, services
from networking.routers.models import Router
from networking.standard import NAME, STANDARD_COLUMNS, ZONES, standard_fields, standard_values, tags_of
from networking.subnets.api import OBJECTS
from openstackapi.fields import Field, Fields
from openstackapi.views import Response

#: The service checks what else is in it. A boolean is named so that a text becomes one, for any text but "" is true to Python.
GATEWAY = {"type": ["object", "null"], "properties": {"enable_snat": {"type": "boolean"}}}
FIELDS = Fields(
    "router",
    [
        Field("id"),
        Field("name", create=True, update=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("admin_state_up", type="boolean", create=True, update=True),
        Field("status"),
        Field("external_gateway_info", type="object", null=True, create=True, update=True, schema=GATEWAY),
        Field("description", create=True, update=True, schema=NAME),
        Field("availability_zones", type="array", items="string"),
        Field("availability_zone_hints", type="array", create=True, schema=ZONES),
        Field("routes", type="array", update=True, schema=OBJECTS),
        Field("flavor_id", null=True),
        *standard_fields(),
    ],
)


def rows(routers: Sequence[Router]) -> list[dict[str, object]]:
    """Routers as wire dicts: three queries however many."""
    ids = [router.id for router in routers]
    tags = tags_of(ids)
    gateways = Port.objects.in_bulk([r.gateway_port_id for r in routers if r.gateway_port_id])
    held: dict[str, list[dict[str, str]]] = {}
    for row in FixedIP.objects.filter(port_id__in=list(gateways)).order_by("id"):
        held.setdefault(row.port_id, []).append({"subnet_id": row.subnet_id, "ip_address": row.ip_address})
    return [
        {
            **standard_values(router, tags.get(router.id, [])),
            "name": router.name,
            "admin_state_up": router.admin_state_up,
            "status": router.status,
            "external_gateway_info": _gateway(router, gateways.get(router.gateway_port_id), held),
            "availability_zones": ["nova"] if router.host else [],
            "availability_zone_hints": router.availability_zone_hints,
            "routes": router.routes,
            "flavor_id": None,
        }
        for router in routers
    ]


def _gateway(router: Router, port: Port | None, held: dict[str, list[dict[str, str]]]) -> dict[str, object] | None:
    if port is None:
        return None
    return {
        "network_id": port.network_id,
        "external_fixed_ips": held.get(port.id, []),
        "enable_snat": router.enable_snat,
    }


ROUTER = Resource(
    name="router",
    plural="routers",
    fields=FIELDS,
    visible=lambda actor: Router.objects.visible_to(actor),
    rows=rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "name": "name",
        "admin_state_up": "admin_state_up",
        "status": "status",
    },
    filters={
        "port_id": lambda rows, values: rows.filter(
            pk__in=Port.objects.filter(pk__in=values, role=ROUTER_INTERFACE).values("router_id")
        )
    },
    create=services.create,
    update=services.update,
    delete=services.delete,
)

Routers, RouterDetail = views(ROUTER)

INTERFACE = {
    "type": "object",
    "properties": {"subnet_id": {"type": "string"}, "port_id": {"type": "string"}},
    "additionalProperties": False,
}


_INTERFACE = {
    "id": str,
    "project_id": str,
    "tenant_id": str,
    "port_id": str,
    "network_id": str,
    "subnet_id": str | None,
    "subnet_ids": [str],
    "tags": [str],
}


class AddInterface(NetworkView):
    """Add an interface to the router."""

    bodies = {"put": INTERFACE}
    answers = {"put": {200: _INTERFACE}}

    def put(self, request: Request, id: str) -> Response:
        return Response(interfaces.describe(interfaces.add(self.actor, id, **(self.body() or {}))))


class RemoveInterface(NetworkView):
    """Remove an interface."""

    bodies = {"put": INTERFACE}
    answers = {"put": {200: _INTERFACE}}

    def put(self, request: Request, id: str) -> Response:
        return Response(interfaces.describe(interfaces.remove(self.actor, id, **(self.body() or {}))))
