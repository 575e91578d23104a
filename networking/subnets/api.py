"""Subnets on the wire."""

from collections.abc import Sequence
from typing import Any

from authorization.context import RequestContext
from networking import conversions
from networking.resource import Resource, views
from networking.standard import NAME, STANDARD_COLUMNS, standard_fields, standard_values, tags_of
from networking.subnets import services
from networking.subnets.checks import MODES
from networking.subnets.models import Subnet
from openstackapi.fields import Field, Fields

OBJECTS = {"type": ["array", "null"], "items": {"type": "object"}, "maxItems": 100}
STRINGS = {"type": ["array", "null"], "items": {"type": "string", "maxLength": 255}, "maxItems": 100}
MODE = {"enum": [*MODES, None]}

FIELDS = Fields(
    "subnet",
    [
        Field("id"),
        Field("name", create=True, update=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("network_id", create=True, required=True),
        Field("ip_version", type="integer", create=True, required=True, schema={"enum": [4, 6, "4", "6"]}),
        Field("subnetpool_id", null=True, create=True),
        Field("use_default_subnetpool", type="boolean", show=False, create=True),
        Field("prefixlen", show=False, create=True, schema={"type": "integer", "minimum": 0, "maximum": 128}),
        Field("enable_dhcp", type="boolean", create=True, update=True),
        Field("ipv6_ra_mode", null=True, create=True, schema=MODE),
        Field("ipv6_address_mode", null=True, create=True, schema=MODE),
        Field("gateway_ip", null=True, create=True, update=True),
        Field("cidr", null=True, create=True),
        Field("allocation_pools", type="array", create=True, update=True, schema=OBJECTS),
        Field("host_routes", type="array", create=True, update=True, schema=OBJECTS),
        Field("dns_nameservers", type="array", create=True, update=True, schema=STRINGS),
        Field("description", create=True, update=True, schema=NAME),
        Field("service_types", type="array", create=True, update=True, schema=STRINGS),
        *standard_fields(),
    ],
)


def rows(subnets: Sequence[Subnet]) -> list[dict[str, object]]:
    """Subnets as wire dicts."""
    tags = tags_of(subnet.id for subnet in subnets)
    return [
        {
            **standard_values(subnet, tags.get(subnet.id, [])),
            "name": subnet.name,
            "network_id": subnet.network_id,
            "ip_version": subnet.ip_version,
            "subnetpool_id": subnet.subnetpool_id,
            "enable_dhcp": subnet.enable_dhcp,
            "ipv6_ra_mode": subnet.ipv6_ra_mode or None,
            "ipv6_address_mode": subnet.ipv6_address_mode or None,
            "gateway_ip": subnet.gateway_ip or None,
            "cidr": subnet.cidr,
            "allocation_pools": subnet.allocation_pools,
            "host_routes": subnet.host_routes,
            "dns_nameservers": subnet.dns_nameservers,
            "service_types": subnet.service_types,
        }
        for subnet in subnets
    ]


def create(actor: RequestContext, **attributes: Any) -> Subnet:
    """services.create with Neutron's nulls: no list is an empty list, a version may come as text."""
    given = {name: value for name, value in attributes.items() if value is not None or name == "gateway_ip"}
    given["ip_version"] = int(given["ip_version"])
    return services.create(actor, **given)


SUBNET = Resource(
    name="subnet",
    plural="subnets",
    fields=FIELDS,
    visible=lambda actor: Subnet.objects.visible_to(actor),
    rows=rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "name": "name",
        "network_id": "network_id",
        "ip_version": "ip_version",
        "cidr": "cidr",
        "gateway_ip": "gateway_ip",
        "enable_dhcp": "enable_dhcp",
        "ipv6_ra_mode": "ipv6_ra_mode",
        "ipv6_address_mode": "ipv6_address_mode",
        "subnetpool_id": "subnetpool_id",
    },
    spelled={"cidr": conversions.span, "gateway_ip": conversions.address},
    create=create,
    update=services.update,
    delete=services.delete,
)

Subnets, SubnetDetail = views(SUBNET)
