"""Floating IPs on the wire."""

from collections.abc import Sequence

from networking.floatingips import services
from networking.floatingips.models import FloatingIP
from networking.ports.models import Port
from networking.resource import Resource, views
from networking.standard import NAME, STANDARD_COLUMNS, standard_fields, standard_values, tags_of
from openstackapi.fields import Field, Fields

FIELDS = Fields(
    "floatingip",
    [
        Field("id"),
        Field("tenant_id", create=True),
        Field("floating_ip_address", create=True, null=True),
        Field("floating_network_id", create=True, required=True),
        Field("subnet_id", show=False, create=True, null=True),
        Field("router_id", null=True),
        Field("port_id", null=True, create=True, update=True),
        Field("fixed_ip_address", null=True, create=True, update=True),
        Field("status"),
        Field("description", create=True, update=True, schema=NAME),
        Field("dns_name", create=True, schema=NAME),
        Field("dns_domain", create=True, schema=NAME),
        Field("port_details", type="object", null=True),
        *standard_fields(),
    ],
)


def rows(floating_ips: Sequence[FloatingIP]) -> list[dict[str, object]]:
    """Floating IPs as wire dicts: two queries however many."""
    tags = tags_of(row.id for row in floating_ips)
    ports = Port.objects.in_bulk([row.port_id for row in floating_ips if row.port_id])
    return [
        {
            **standard_values(row, tags.get(row.id, [])),
            "floating_ip_address": row.floating_ip_address,
            "floating_network_id": row.network_id,
            "router_id": row.router_id,
            "port_id": row.port_id,
            "fixed_ip_address": row.fixed_ip_address or None,
            "status": row.status,
            "dns_name": row.dns_name,
            "dns_domain": row.dns_domain,
            "port_details": _details(ports.get(row.port_id)),
        }
        for row in floating_ips
    ]


def _details(port: Port | None) -> dict[str, object] | None:
    if port is None:
        return None
    names = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
    return {name: getattr(port, name) for name in names}


FLOATING_IP = Resource(
    name="floatingip",
    plural="floatingips",
    fields=FIELDS,
    visible=lambda actor: FloatingIP.objects.visible_to(actor),
    rows=rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "floating_ip_address": "floating_ip_address",
        "floating_network_id": "network_id",
        "router_id": "router_id",
        "port_id": "port_id",
        "fixed_ip_address": "fixed_ip_address",
        "status": "status",
    },
    spelled={"dns_name": str.lower, "dns_domain": str.lower},
    arguments={"floating_network_id": "network_id"},
    create=services.create,
    update=services.update,
    delete=services.delete,
)

FloatingIPs, FloatingIPDetail = views(FLOATING_IP)
