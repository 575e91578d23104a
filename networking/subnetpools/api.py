"""Subnet pools and address scopes on the wire."""

from collections.abc import Sequence

from common.numbers import LARGEST
from networking.resource import Resource, views
from networking.standard import NAME, STANDARD_COLUMNS, standard_fields, standard_values, tags_of
from networking.subnetpools import services
from networking.subnetpools.models import AddressScope, SubnetPool
from openstackapi.fields import Field, Fields

LENGTH = {"type": ["integer", "null"], "minimum": 0, "maximum": 128}
PREFIXES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 200}

POOL_FIELDS = Fields(
    "subnetpool",
    [
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("prefixes", type="array", create=True, update=True, required=True, schema=PREFIXES),
        Field(
            "default_quota",
            create=True,
            update=True,
            schema={"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST},
        ),
        Field("min_prefixlen", create=True, update=True, schema=LENGTH, shown={"type": "string"}),
        Field("max_prefixlen", create=True, update=True, schema=LENGTH, shown={"type": "string"}),
        Field("default_prefixlen", create=True, update=True, schema=LENGTH, shown={"type": "string"}),
        Field("ip_version", type="integer"),
        Field("shared", type="boolean", create=True),
        Field("is_default", type="boolean", create=True, update=True),
        Field("address_scope_id", null=True, create=True, update=True),
        Field("description", create=True, update=True, schema=NAME),
        *standard_fields(),
    ],
)
SCOPE_FIELDS = Fields(
    "address_scope",
    [
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("project_id", create=True),
        Field("ip_version", type="integer", create=True, required=True, schema={"enum": [4, 6]}),
        Field("shared", type="boolean", create=True, update=True),
    ],
)


def pool_rows(pools: Sequence[SubnetPool]) -> list[dict[str, object]]:
    tags = tags_of(pool.id for pool in pools)
    plain = (
        "name",
        "prefixes",
        "default_quota",
        "ip_version",
        "shared",
        "is_default",
        "address_scope_id",
    )
    return [
        {
            **standard_values(pool, tags.get(pool.id, [])),
            **{name: getattr(pool, name) for name in plain},
            # text in Neutron's answers, whatever was sent
            "min_prefixlen": str(pool.min_prefixlen),
            "max_prefixlen": str(pool.max_prefixlen),
            "default_prefixlen": str(pool.default_prefixlen),
        }
        for pool in pools
    ]


def scope_rows(scopes: Sequence[AddressScope]) -> list[dict[str, object]]:
    return [
        {
            "id": scope.id,
            "name": scope.name,
            "tenant_id": scope.project_id,
            "project_id": scope.project_id,
            "ip_version": scope.ip_version,
            "shared": scope.shared,
        }
        for scope in scopes
    ]


POOL = Resource(
    name="subnetpool",
    plural="subnetpools",
    fields=POOL_FIELDS,
    visible=lambda actor: SubnetPool.objects.visible_to(actor),
    rows=pool_rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "name": "name",
        "ip_version": "ip_version",
        "shared": "shared",
        "is_default": "is_default",
        "address_scope_id": "address_scope_id",
    },
    create=services.create,
    update=services.update,
    delete=services.delete,
)
SCOPE = Resource(
    name="address_scope",
    plural="address_scopes",
    fields=SCOPE_FIELDS,
    visible=lambda actor: AddressScope.objects.visible_to(actor),
    rows=scope_rows,
    find=services.find_scope,
    columns={
        "id": "id",
        "name": "name",
        "tenant_id": "project_id",
        "project_id": "project_id",
        "ip_version": "ip_version",
        "shared": "shared",
    },
    create=services.create_scope,
    update=services.update_scope,
    delete=services.delete_scope,
)

SubnetPools, SubnetPoolDetail = views(POOL)
AddressScopes, AddressScopeDetail = views(SCOPE)
