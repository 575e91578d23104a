"""What the wire sees of identity providers, mappings, protocols and service providers."""

from typing import Any

from identity.wire import BOOL, ID_OR_NULL, TEXT
from openstackapi.fields import Field, Fields

_REMOTE_IDS = {"type": ["array", "null"], "items": {"type": "string"}, "uniqueItems": True}
_URL = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": r"^[a-zA-Z0-9+.-]+:.+"}
_RULE = {
    "type": "object",
    "required": ["local", "remote"],
    "properties": {
        "local": {"type": "array", "items": {"type": "object"}},
        "remote": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}},
        },
    },
    "additionalProperties": False,
}


def remote_ids(row: Any) -> list[str]:
    return [one.pk for one in row.remote_ids.all()]


PROVIDER = Fields(
    "identity_provider",
    (
        Field("id"),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("description", create=True, update=True, schema=TEXT),
        Field("authorization_ttl", create=True, update=True, schema={"type": ["integer", "null"], "minimum": 0}),
        Field("remote_ids", remote_ids, create=True, update=True, schema=_REMOTE_IDS),
    ),
)
MAPPING = Fields(
    "mapping",
    (
        Field("id"),
        Field(
            "rules", create=True, update=True, required=True, schema={"type": "array", "items": _RULE, "minItems": 1}
        ),
        Field("schema_version", create=True, update=True, schema={"type": "string"}),
    ),
)
PROTOCOL = Fields(
    "protocol",
    (
        Field("id"),
        Field("mapping_id", create=True, update=True, required=True, schema={"type": "string"}),
        Field("remote_id_attribute", create=True, update=True, schema={"type": ["string", "null"], "maxLength": 64}),
    ),
)
SERVICE_PROVIDER = Fields(
    "service_provider",
    (
        Field("id"),
        Field("auth_url", create=True, update=True, required=True, schema=_URL),
        Field("sp_url", create=True, update=True, required=True, schema=_URL),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("description", create=True, update=True, schema=TEXT),
        Field("relay_state_prefix", create=True, update=True, schema=TEXT),
    ),
)
