"""Volumes on the wire. Source: Cinder's API reference, with its microversions."""

from typing import Final

from openstackapi.fields import Field, Fields, Schema, iso_micro

_METADATA: Final = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": 255},
    "propertyNames": {"minLength": 1, "maxLength": 255},
    "maxProperties": 128,
}
NAME: Final = {"type": ["string", "null"], "maxLength": 255}
METADATA: Final = {**_METADATA, "type": ["object", "null"]}
#: How a thing of this service is called; the longer names are those of before v2.
NAMES: Final = dict.fromkeys(("name", "display_name", "description", "display_description"), NAME)
ITEMS: Final = {
    "type": "object",
    "properties": {"metadata": _METADATA},
    "required": ["metadata"],
    "additionalProperties": False,
}
_ID: Final = {"type": ["string", "null"], "maxLength": 255}
SIZE: Final = {"type": ["integer", "string"], "pattern": "^[0-9]{1,7}$", "minimum": 1, "maximum": 2**21}
_BOOLEAN: Final = {"type": ["boolean", "string", "null"]}

FIELDS: Final = Fields(
    "volume",
    [
        Field("id"),
        Field("name", null=True),
        Field("description", null=True),
        Field("status"),
        Field("size", type="integer"),
        Field("availability_zone"),
        Field("created_at", type="datetime"),
        Field("updated_at", type="datetime", null=True),
        Field("attachments", type="array", items="object"),
        Field("volume_type", null=True),
        Field("snapshot_id", null=True),
        Field("source_volid", null=True),
        Field("metadata", type="object"),
        Field("links", type="array", items="object"),
        Field("user_id"),
        Field("bootable"),
        Field("encrypted", type="boolean"),
        Field("replication_status", null=True),
        Field("consistencygroup_id", null=True),
        Field("multiattach", type="boolean"),
        Field("migration_status", null=True),
        Field("os-vol-host-attr:host", "pool", null=True, admin=True),
        Field("os-vol-tenant-attr:tenant_id", "project_id"),
        Field("os-vol-mig-status-attr:migstat", "migration_status", null=True, admin=True),
        Field("os-vol-mig-status-attr:name_id", "migration_status", null=True, admin=True),
        Field("group_id", null=True, since=(3, 13)),
        Field("provider_id", null=True, since=(3, 21), admin=True),
        Field("service_uuid", null=True, since=(3, 48)),
        Field("shared_targets", type="boolean", since=(3, 48), until=(3, 68)),
        Field("shared_targets", type="boolean", null=True, since=(3, 69)),
        Field("cluster_name", null=True, since=(3, 61), admin=True),
        Field("volume_type_id", null=True, since=(3, 63)),
        Field("consumes_quota", type="boolean", since=(3, 65)),
    ],
    time=iso_micro,
)
SUMMARY: Final = Fields("volume", [Field("id"), Field("name", null=True), Field("links", type="array", items="object")])

CREATE: Final[Schema] = {
    "type": "object",
    "properties": {
        "volume": {
            "type": "object",
            "properties": {
                **NAMES,
                "size": {**SIZE, "type": ["integer", "string", "null"]},
                "volume_type": {"type": ["string", "null"], "maxLength": 255},
                "availability_zone": {"type": ["string", "null"], "maxLength": 255},
                "metadata": METADATA,
                "imageRef": _ID,
                "image_id": _ID,
                "snapshot_id": _ID,
                "source_volid": _ID,
                "backup_id": {"type": "null"},
                "consistencygroup_id": {"type": "null"},
                "group_id": {"type": "null"},
                "multiattach": _BOOLEAN,
            },
            "additionalProperties": False,
        },
        "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"], "maxProperties": 8},
    },
    "required": ["volume"],
    "additionalProperties": False,
}
UPDATE: Final[Schema] = {
    "type": "object",
    "properties": {
        "volume": {
            "type": "object",
            "properties": {
                **NAMES,
                "metadata": METADATA,
            },
            "additionalProperties": False,
        }
    },
    "required": ["volume"],
    "additionalProperties": False,
}
