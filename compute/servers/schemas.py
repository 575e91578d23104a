"""Request bodies of servers, as JSON Schema, per microversion. Source: nova/api/openstack/compute/schemas."""

from functools import lru_cache
from typing import Any

Schema = dict[str, Any]
Version = tuple[int, int]

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


def _server_name(version: Version) -> Schema:
    return SERVER_NAME if version < (2, 1) else NAME


def _networks(version: Version) -> Schema:
    # fixed_ip has no format here: Nova's own message names the address, see Nic.
    nic = obj(
        {
            "uuid": UUID,
            "port": {"oneOf": [UUID, {"type": "null"}]},
            "fixed_ip": {"type": "string"},
            **({"tag": TAG} if version >= (2, 32) else {}),
        }
    )
    nics: Schema = {"type": "array", "items": nic}
    return {"oneOf": [nics, {"enum": ["auto", "none"]}]} if version >= (2, 37) else nics


def _create_since(version: Version) -> Schema:
    """What microversions brought to POST /servers, and took."""
    server: Schema = {}
    if version < (2, 57):
        server["personality"] = PERSONALITY
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 52):
        server["tags"] = TAGS
    if version >= (2, 63):
        server["trusted_image_certificates"] = CERTIFICATES
    if version >= (2, 74):
        server["host"] = {"type": "string", "minLength": 1, "maxLength": 255}
        server["hypervisor_hostname"] = {"type": "string", "minLength": 1, "maxLength": 255}
    if version >= (2, 90):
        server["hostname"] = HOSTNAME
    return server


@lru_cache(maxsize=128)
def create(version: Version) -> Schema:
    """POST /servers."""
    server: Schema = {
        "name": _server_name(version),
        "imageRef": {"type": "string"},
        "flavorRef": FLAVOR_REF,
        "adminPass": {"type": "string"},
        "metadata": METADATA,
        "networks": _networks(version),
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": IPV4,
        "accessIPv6": IPV6,
        "availability_zone": {"type": ["string", "null"], "minLength": 1, "maxLength": 255},
        "block_device_mapping": {"type": "array"},
        "block_device_mapping_v2": {"type": "array", "items": {"type": "object"}},
        "config_drive": BOOLEAN,
        "key_name": {"type": "string", "minLength": 1, "maxLength": 255},
        "min_count": POSITIVE,
        "max_count": POSITIVE,
        "return_reservation_id": BOOLEAN,
        "security_groups": {
            "type": "array",
            "items": obj({"name": {"type": "string", "minLength": 1, "maxLength": 255}}),
        },
        "user_data": {"type": ["string", "null"], "format": "base64", "maxLength": 65535},
    }
    server |= _create_since(version)
    required = ("name", "flavorRef") if version < (2, 37) else ("name", "flavorRef", "networks")
    hints = {"type": "object"}
    return obj(
        {
            "server": obj(server, required, extra=version < (2, 1)),
            "os:scheduler_hints": hints,
            "OS-SCH-HNT:scheduler_hints": hints,
        },
        ("server",),
    )


@lru_cache(maxsize=128)
def update(version: Version) -> Schema:
    """PUT /servers/{id}."""
    server: Schema = {
        "name": _server_name(version),
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": IPV4,
        "accessIPv6": IPV6,
    }
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 90):
        server["hostname"] = HOSTNAME
    return obj({"server": obj(server)}, ("server",))


@lru_cache(maxsize=128)
def rebuild(version: Version) -> Schema:
    """The body of the rebuild action."""
    server: Schema = {
        "name": _server_name(version),
        "imageRef": {"type": "string"},
        "adminPass": {"type": "string"},
        "metadata": METADATA,
        "preserve_ephemeral": BOOLEAN,
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": IPV4,
        "accessIPv6": IPV6,
    }
    if version < (2, 57):
        server["personality"] = PERSONALITY
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 54):
        server["key_name"] = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
    if version >= (2, 57):
        server["user_data"] = {"type": ["string", "null"], "format": "base64", "maxLength": 65535}
    if version >= (2, 63):
        server["trusted_image_certificates"] = CERTIFICATES
    if version >= (2, 90):
        server["hostname"] = HOSTNAME
    return obj(server, ("imageRef",))


_ZONE_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_UNSHELVE = (
    ((2, 91), obj({"availability_zone": {**_ZONE_NAME, "type": ["string", "null"]}, "host": _ZONE_NAME})),
    ((2, 77), obj({"availability_zone": _ZONE_NAME}, ("availability_zone",))),
    ((2, 1), obj({})),
)


def unshelve(version: tuple[int, int]) -> dict[str, Any]:
    """Where to unshelve: a zone since 2.77, a host since 2.91."""
    where = next(schema for since, schema in _UNSHELVE if version >= since)
    return {"anyOf": [{"type": "null"}, where]}
