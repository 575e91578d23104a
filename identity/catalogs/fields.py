"""Wire fields of regions, services, endpoints and endpoint groups."""

from identity.wire import BOOL, ID, TEXT
from openstackapi.fields import Field, Fields

_ANY_ID = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
_TYPE = {"type": "string", "minLength": 1, "maxLength": 255}
_URL = {"type": "string", "minLength": 1, "pattern": r"^[a-zA-Z0-9+.-]+:.+|^\$\(.+"}
_INTERFACE = {"type": "string", "enum": ["admin", "internal", "public"]}
_FILTERS = {
    "type": "object",
    "properties": {
        "interface": _INTERFACE,
        "service_id": {"type": "string"},
        "region_id": {"type": "string"},
    },
    "additionalProperties": False,
}

#: The openstack client sends null for what it does not change.
_FILTERS_OR_NULL = {**_FILTERS, "type": ["object", "null"]}

REGION = Fields(
    "region",
    (
        Field("id", create=True, schema={"type": "string", "maxLength": 255, "pattern": r"^[^/]*\Z"}),  # it is a route
        Field("description", create=True, update=True, schema=TEXT),
        Field("parent_region_id", create=True, update=True, schema=_ANY_ID),
    ),
)
SERVICE = Fields(
    "service",
    (
        Field("id"),
        Field("name", create=True, update=True, schema={"type": "string", "maxLength": 255}),
        Field("type", create=True, update=True, required=True, schema=_TYPE),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("description", create=True, update=True, schema=TEXT),
    ),
    needs_change=True,
)
ENDPOINT = Fields(
    "endpoint",
    (
        Field("id"),
        Field("interface", create=True, update=True, required=True, schema=_INTERFACE),
        Field("region_id", create=True, update=True, schema=_ANY_ID),
        Field("region", "region_id", create=True, update=True, schema=_ANY_ID),
        Field("service_id", create=True, update=True, required=True, schema=ID),
        Field("url", create=True, update=True, required=True, schema=_URL),
        Field("enabled", create=True, update=True, schema=BOOL),
    ),
    needs_change=True,
)
ENDPOINT_GROUP = Fields(
    "endpoint_group",
    (
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=_TYPE),
        Field("description", create=True, update=True, schema=TEXT),
        Field("filters", create=True, update=True, required=True, schema=_FILTERS_OR_NULL, shown=_FILTERS),
    ),
)
