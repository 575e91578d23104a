"""Request bodies of servers, as JSON Schema, per microversion. Source: nova/api/openstack/compute/schemas."""

from functools import lru_cache

from openstackapi.fields import Schema, Version
from openstackapi.versioned import ByVersion, Property, Span, body_schema

#: Nova's name: 1–255 characters, none unprintable, no spaces at either end.
NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^(?![\s])[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f]$",
}
#: In 2.0 a server's name may have spaces at its ends (they are cut off), but must have something between.
SERVER_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
}
UUID: Schema = {"type": "string", "format": "uuid"}
BOOLEAN: Schema = {
    "enum": [
        True,
        False,
        "True",
        "TRUE",
        "true",
        "1",
        "ON",
        "On",
        "on",
        "YES",
        "Yes",
        "yes",
        "False",
        "FALSE",
        "false",
        "0",
        "OFF",
        "Off",
        "off",
        "NO",
        "No",
        "no",
    ]
}
METADATA: Schema = {
    "type": "object",
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
    "additionalProperties": False,
}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
TAGS: Schema = {"type": "array", "items": TAG, "maxItems": 50}
DESCRIPTION: Schema = {
    "type": ["string", "null"],
    "minLength": 0,
    "maxLength": 255,
    "pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$",
}
HOSTNAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9\-._]*$"}
DISK_CONFIG: Schema = {"enum": ["AUTO", "MANUAL"]}
IPV4: Schema = {"oneOf": [{"type": "string", "format": "ipv4"}, {"enum": [""]}]}
IPV6: Schema = {"oneOf": [{"type": "string", "format": "ipv6"}, {"enum": [""]}]}
FLAVOR_REF: Schema = {"type": ["string", "integer"], "minLength": 1}
CERTIFICATES: Schema = {
    "type": ["array", "null"],
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1},
}
POSITIVE: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1}


def obj(properties: Schema, required: tuple[str, ...] = (), *, extra: bool = False) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": extra}


PERSONALITY: Schema = {
    "type": "array",
    "items": obj(
        {"path": {"type": "string"}, "contents": {"type": "string", "format": "base64"}}, ("path", "contents")
    ),
}


_NAME_BY_VERSION = ByVersion({(2, 0): SERVER_NAME, (2, 1): NAME})


def _nics(**more: Schema) -> Schema:
    # fixed_ip has no format here: Nova's own message names the address, see Nic.
    port = {"oneOf": [UUID, {"type": "null"}]}
    return {"type": "array", "items": obj({"uuid": UUID, "port": port, "fixed_ip": {"type": "string"}, **more})}


_NETWORKS = ByVersion(
    {
        (2, 0): _nics(),
        (2, 32): _nics(tag=TAG),
        (2, 37): {"oneOf": [_nics(tag=TAG), {"enum": ["auto", "none"]}]},
    }
)
_TEXT_255: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
_USER_DATA: Schema = {"type": ["string", "null"], "format": "base64", "maxLength": 65535}

#: Body of POST /servers.
_CREATE = (
    Property("name", _NAME_BY_VERSION, required=True),
    Property("imageRef", {"type": "string"}),
    Property("flavorRef", FLAVOR_REF, required=True),
    Property("adminPass", {"type": "string"}),
    Property("metadata", METADATA),
    Property("networks", _NETWORKS, required=Span(since=(2, 37))),
    Property("OS-DCF:diskConfig", DISK_CONFIG),
    Property("accessIPv4", IPV4),
    Property("accessIPv6", IPV6),
    Property("availability_zone", {"type": ["string", "null"], "minLength": 1, "maxLength": 255}),
    Property("block_device_mapping", {"type": "array", "items": {"type": "object"}, "maxItems": 255}),
    Property("block_device_mapping_v2", {"type": "array", "items": {"type": "object"}, "maxItems": 255}),
    Property("config_drive", BOOLEAN),
    Property("key_name", _TEXT_255),
    Property("min_count", POSITIVE),
    Property("max_count", POSITIVE),
    Property("return_reservation_id", BOOLEAN),
    Property("security_groups", {"type": "array", "items": obj({"name": _TEXT_255})}),
    Property("user_data", _USER_DATA),
    Property("personality", PERSONALITY, until=(2, 56)),
    Property("description", DESCRIPTION, since=(2, 19)),
    Property("tags", TAGS, since=(2, 52)),
    Property("trusted_image_certificates", CERTIFICATES, since=(2, 63)),
    Property("host", _TEXT_255, since=(2, 74)),
    Property("hypervisor_hostname", _TEXT_255, since=(2, 74)),
    Property("hostname", HOSTNAME, since=(2, 90)),
)
#: Body of PUT /servers/{id}.
_UPDATE = (
    Property("name", _NAME_BY_VERSION),
    Property("OS-DCF:diskConfig", DISK_CONFIG),
    Property("accessIPv4", IPV4),
    Property("accessIPv6", IPV6),
    Property("description", DESCRIPTION, since=(2, 19)),
    Property("hostname", HOSTNAME, since=(2, 90)),
)
#: Body of the rebuild action.
_REBUILD = (
    Property("name", _NAME_BY_VERSION),
    Property("imageRef", {"type": "string"}, required=True),
    Property("adminPass", {"type": "string"}),
    Property("metadata", METADATA),
    Property("preserve_ephemeral", BOOLEAN),
    Property("OS-DCF:diskConfig", DISK_CONFIG),
    Property("accessIPv4", IPV4),
    Property("accessIPv6", IPV6),
    Property("personality", PERSONALITY, until=(2, 56)),
    Property("description", DESCRIPTION, since=(2, 19)),
    Property("key_name", {"type": ["string", "null"], "minLength": 1, "maxLength": 255}, since=(2, 54)),
    Property("user_data", _USER_DATA, since=(2, 57)),
    Property("trusted_image_certificates", CERTIFICATES, since=(2, 63)),
    Property("hostname", HOSTNAME, since=(2, 90)),
)
#: 2.0 leaves aside what it does not know of a new server.
_FORGIVING = Span(until=(2, 0))


@lru_cache(maxsize=128)
def create(version: Version) -> Schema:
    """POST /servers."""
    hints = {"type": "object"}
    server = body_schema(_CREATE, version, extra=_FORGIVING)
    return obj({"server": server, "os:scheduler_hints": hints, "OS-SCH-HNT:scheduler_hints": hints}, ("server",))


@lru_cache(maxsize=128)
def update(version: Version) -> Schema:
    """PUT /servers/{id}."""
    return obj({"server": body_schema(_UPDATE, version)}, ("server",))


@lru_cache(maxsize=128)
def rebuild(version: Version) -> Schema:
    """Build the body of the rebuild action."""
    return body_schema(_REBUILD, version)


_UNSHELVE = ByVersion(
    {
        (2, 1): obj({}),
        (2, 77): obj({"availability_zone": _TEXT_255}, ("availability_zone",)),
        (2, 91): obj({"availability_zone": {**_TEXT_255, "type": ["string", "null"]}, "host": _TEXT_255}),
    }
)


def unshelve(version: Version) -> Schema:
    """Where to unshelve: a zone since 2.77, a host since 2.91."""
    return {"anyOf": [{"type": "null"}, _UNSHELVE.at(version)]}
