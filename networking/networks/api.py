"""Networks on the wire."""

from collections.abc import Sequence

from django.db.models import Q

from common.truth import truth
from networking.networks import services
from networking.networks.models import KINDS, Network, NetworkGrant
from networking.resource import Resource, views
from networking.standard import NAME, STANDARD_COLUMNS, ZONES, standard_fields, standard_values, tags_of
from networking.subnets.models import Subnet
from openstackapi.fields import Field, Fields
from openstackapi.resource import Rows

FIELDS = Fields(
    "network",
    [
        Field("id"),
        Field("name", create=True, update=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("admin_state_up", type="boolean", create=True, update=True),
        Field("mtu", type="integer", create=True, update=True),
        Field("status"),
        Field("subnets", type="array", items="string"),
        Field("shared", type="boolean", create=True, update=True),
        Field("availability_zone_hints", type="array", create=True, schema=ZONES),
        Field("availability_zones", type="array", items="string"),
        Field("ipv4_address_scope", null=True),
        Field("ipv6_address_scope", null=True),
        Field("router:external", type="boolean", create=True, update=True),
        Field("is_default", type="boolean", create=True, update=True),
        Field("description", create=True, update=True, schema=NAME),
        Field("port_security_enabled", type="boolean", create=True, update=True),
        Field(
            "dns_domain",
            create=True,
            update=True,
            schema={"type": "string", "pattern": r"^([A-Za-z0-9-]+\.)*$", "maxLength": 255},
        ),
        Field("l2_adjacency", type="boolean"),
        Field("provider:network_type", admin=True, create=True, schema={"enum": [*KINDS, None]}),
        Field("provider:physical_network", admin=True, null=True, create=True),
        Field("provider:segmentation_id", type="integer", admin=True, null=True, create=True),
        *standard_fields(),
    ],
)


def rows(networks: Sequence[Network]) -> list[dict[str, object]]:
    """Networks as wire dicts: three queries however many."""
    ids = [network.id for network in networks]
    tags = tags_of(ids)
    subnets: dict[str, list[Subnet]] = {}
    for subnet in Subnet.objects.filter(network_id__in=ids).select_related("subnetpool").order_by("created_at", "id"):
        subnets.setdefault(subnet.network_id, []).append(subnet)
    granted = set(
        NetworkGrant.objects.filter(network_id__in=ids, action="access_as_shared").values_list("network_id", flat=True)
    )
    return [_row(n, subnets.get(n.id, []), tags.get(n.id, []), n.shared or n.id in granted) for n in networks]


def _row(network: Network, subnets: list[Subnet], tags: list[str], shared: bool) -> dict[str, object]:
    scopes = {s.ip_version: s.subnetpool.address_scope_id for s in subnets if s.subnetpool is not None}
    return {
        **standard_values(network, tags),
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "status": network.status,
        "subnets": [subnet.id for subnet in subnets],
        "shared": shared,
        "availability_zone_hints": network.availability_zone_hints,
        "availability_zones": ["nova"] if network.dhcp_host else [],
        "ipv4_address_scope": scopes.get(4),
        "ipv6_address_scope": scopes.get(6),
        "router:external": network.external,
        "is_default": network.is_default,
        "port_security_enabled": network.port_security_enabled,
        "dns_domain": network.dns_domain,
        "l2_adjacency": True,
        "provider:network_type": network.kind,
        "provider:physical_network": network.physical or None,
        "provider:segmentation_id": network.segment,
    }


def _shared(networks: Rows, values: list[str]) -> Rows:
    wanted = {bool(truth(value)) for value in values}
    is_shared = Q(shared=True) | Q(grants__action="access_as_shared")
    if len(wanted) > 1:
        return networks
    return networks.filter(is_shared).distinct() if True in wanted else networks.exclude(is_shared)


NETWORK = Resource(
    name="network",
    plural="networks",
    fields=FIELDS,
    visible=lambda actor: Network.objects.visible_to(actor),
    rows=rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "name": "name",
        "admin_state_up": "admin_state_up",
        "status": "status",
        "mtu": "mtu",
        "router:external": "external",
        "is_default": "is_default",
        "port_security_enabled": "port_security_enabled",
        "provider:network_type": "kind",
        "provider:physical_network": "physical",
        "provider:segmentation_id": "segment",
    },
    spelled={"dns_domain": str.lower},
    filters={"shared": _shared, "subnets": lambda rows, values: rows.filter(subnets__in=values).distinct()},
    arguments={
        "router:external": "external",
        "provider:network_type": "kind",
        "provider:physical_network": "physical",
        "provider:segmentation_id": "segment",
    },
    create=services.create,
    update=services.update,
    delete=services.delete,
)

Networks, NetworkDetail = views(NETWORK)
