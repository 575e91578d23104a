"""Wire fields of identity providers, mappings, protocols and service providers."""

from typing import Any

from common.numbers import LARGEST
from identity.wire import BOOL, ID_OR_NULL, TEXT
from openstackapi.fields import Field, Fields
from openstackapi.shapes import AnyOf, json_schema

_REMOTE_IDS = {"type": ["array", "null"], "items": {"type": "string"}, "uniqueItems": True}
_URL = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": r"^[a-zA-Z0-9+.-]+:.+"}
_RULE = {"type": "object", "required": ["local", "remote"]}  # the rest depends on the version: see rule_schema.py
_OPENID = {
    "type": ["object", "null"],
    "description": "Ours: how the cloud is known to a provider that speaks OpenID Connect. The secret is never shown.",
    "properties": {
        "issuer": {"type": "string", "minLength": 1, "maxLength": 255},
        "client_id": {"type": "string", "minLength": 1, "maxLength": 255},
        "client_secret": {"type": "string", "maxLength": 1024},
        "scopes": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^([^ ]+ )*openid( [^ ]+)*$"},
        "audiences": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
        "label": {"type": "string", "maxLength": 64},
    },
    "additionalProperties": False,
}


def remote_ids(row: Any) -> list[str]:
    return [one.pk for one in row.remote_ids.all()]


_OPENID_SHOWN = {
    "issuer": str,
    "client_id": str,
    "scopes": str,
    "audiences": [str],
    "label": str,
    "has_secret": bool,
}


def openid(row: object) -> dict[str, object] | None:
    """Build the client's settings without its secret; None where there is no client."""
    client = getattr(row, "client", None)
    if client is None:
        return None
    shown = {name: getattr(client, name) for name in ("issuer", "client_id", "scopes", "audiences", "label")}
    return {**shown, "has_secret": bool(client.encrypted_secret)}


PROVIDER = Fields(
    "identity_provider",
    (
        Field("id"),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("description", create=True, update=True, schema=TEXT),
        Field(
            "authorization_ttl",
            create=True,
            update=True,
            schema={"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST},
        ),
        Field("remote_ids", remote_ids, create=True, update=True, schema=_REMOTE_IDS),
        Field(
            "openid", openid, create=True, update=True, schema=_OPENID, shown=json_schema(AnyOf(_OPENID_SHOWN, None))
        ),
    ),
)
MAPPING = Fields(
    "mapping",
    (
        Field("id", create=True, update=True, schema={"type": "string"}),  # openstacksdk repeats the address's here
        Field(
            "rules", create=True, update=True, required=True, schema={"type": "array", "items": _RULE, "minItems": 1}
        ),
        Field("schema_version", create=True, update=True, schema={"type": ["string", "null"]}),
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
