"""Attributes of an image on the wire: base attributes, then the properties as attributes of their own.

Source: Glance's image schema (GET /v2/schemas/image), wording included.
"""

from datetime import datetime
from typing import Final, TypedDict

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from images.images.states import CONTAINER_FORMATS, DISK_FORMATS, STATUSES, VISIBILITIES
from openstackapi import bodies
from openstackapi.fields import iso_z

UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
LARGEST = 2**31 - 1


def _text(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


def _maybe(kind: str, description: str, **more: object) -> dict[str, object]:
    return {"type": ["null", kind], "description": description, **more}


def _shown(description: str, kind: str = "string", **more: object) -> dict[str, object]:
    return {"type": kind, "readOnly": True, "description": description, **more}


#: JSON Schema of every base attribute.
BASE: Final[dict[str, dict[str, object]]] = {
    "id": _text("An identifier for the image", pattern=UUID),
    "name": _maybe("string", "Descriptive name for the image", maxLength=255),
    "status": _shown("Status of the image", enum=list(STATUSES)),
    "visibility": _text("Scope of image accessibility", enum=list(VISIBILITIES)),
    "protected": {"type": "boolean", "description": "If true, image will not be deletable."},
    "os_hidden": {
        "type": "boolean",
        "description": "If true, image will not appear in default image list response.",
    },
    "checksum": _maybe("string", "md5 hash of image contents.", readOnly=True, maxLength=32),
    "os_hash_algo": _maybe("string", "Algorithm to calculate the os_hash_value", readOnly=True, maxLength=64),
    "os_hash_value": _maybe(
        "string",
        "Hexdigest of the image contents using the algorithm specified by the os_hash_algo",
        readOnly=True,
        maxLength=128,
    ),
    "owner": _maybe("string", "Owner of the image", maxLength=255),
    "size": _maybe("integer", "Size of image file in bytes", readOnly=True),
    "virtual_size": _maybe("integer", "Virtual size of image in bytes", readOnly=True),
    "container_format": _maybe("string", "Format of the container", enum=[None, *CONTAINER_FORMATS]),
    "disk_format": _maybe("string", "Format of the disk", enum=[None, *DISK_FORMATS]),
    "created_at": _shown("Date and time of image registration"),
    "updated_at": _shown("Date and time of the last image modification"),
    "tags": {
        "type": "array",
        "description": "List of strings related to the image",
        "items": {"type": "string", "maxLength": 255},
    },
    "direct_url": _shown("URL to access the image file kept in external store"),
    "min_ram": {
        "type": "integer",
        "description": "Amount of ram (in MB) required to boot image.",
        "minimum": 0,
        "maximum": LARGEST,
    },
    "min_disk": {
        "type": "integer",
        "description": "Amount of disk space (in GB) required to boot image.",
        "minimum": 0,
        "maximum": LARGEST,
    },
    "self": _shown("An image self url"),
    "file": _shown("An image file url"),
    "stores": _shown("Store in which image data resides. May be a comma-separated list of store identifiers."),
    "schema": _shown("An image schema url"),
    "locations": {
        "type": "array",
        "description": "A set of URLs to access the image file kept in external store",
        "items": {"type": "object"},
    },
}

READ_ONLY: Final = frozenset(
    ("created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file", "schema")
) | {"id", "os_hash_algo", "os_hash_value", "stores"}
RESERVED: Final = frozenset({"location", "deleted", "deleted_at"})
RESERVED_NAMESPACE: Final = "os_glance"
#: Attributes of a new image that a client may send; wire name → column.
WRITABLE: Final = {
    "name": "name",
    "visibility": "visibility",
    "protected": "protected",
    "os_hidden": "os_hidden",
    "owner": "project_id",
    "container_format": "container_format",
    "disk_format": "disk_format",
    "min_ram": "min_ram",
    "min_disk": "min_disk",
}

LINKS: Final = [
    {"rel": "self", "href": "{self}"},
    {"rel": "enclosure", "href": "{file}"},
    {"rel": "describedby", "href": "{schema}"},
]
#: GET /v2/schemas/image.
SCHEMA: Final[dict[str, object]] = {
    "name": "image",
    "properties": BASE,
    "additionalProperties": {"type": "string"},
    "links": LINKS,
}
VALUES: Final = {"type": "object", "properties": BASE, "additionalProperties": {"type": "string"}}


class PropertyNameTooLong(Invalid):
    template = _("Custom property should not be greater than 255 characters.")


def check_values(values: dict[str, object]) -> None:
    """Holds attributes and properties against the schema.

    Raises: SchemaRefused, PropertyNameTooLong.
    """
    bodies.validate(values, VALUES)
    if any(len(name) > 255 for name in values):
        raise PropertyNameTooLong()


COLUMNS: Final = (
    *("id", "name", "project_id", "status", "visibility", "protected", "os_hidden", "disk_format", "container_format"),
    *("min_disk", "min_ram", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "properties"),
    *("created_at", "updated_at"),
)


class ImageRow(TypedDict):
    """COLUMNS of one image."""

    id: str
    name: str | None
    project_id: str | None
    status: str
    visibility: str
    protected: bool
    os_hidden: bool
    disk_format: str | None
    container_format: str | None
    min_disk: int
    min_ram: int
    size: int | None
    virtual_size: int | None
    checksum: str | None
    os_hash_algo: str | None
    os_hash_value: str | None
    properties: dict[str, str]
    created_at: datetime
    updated_at: datetime


def render(row: ImageRow, tags: list[str], store: str) -> dict[str, object]:
    """Build one image as Glance shows it. `row` holds COLUMNS."""
    at = f"/v2/images/{row['id']}"
    shown: dict[str, object] = {
        **row["properties"],
        "name": row["name"],
        "disk_format": row["disk_format"],
        "container_format": row["container_format"],
        "visibility": row["visibility"],
        "size": row["size"],
        "virtual_size": row["virtual_size"],
        "status": row["status"],
        "checksum": row["checksum"],
        "protected": row["protected"],
        "min_ram": row["min_ram"],
        "min_disk": row["min_disk"],
        "owner": row["project_id"],
        "os_hidden": row["os_hidden"],
        "os_hash_algo": row["os_hash_algo"],
        "os_hash_value": row["os_hash_value"],
        "id": row["id"],
        "created_at": iso_z(row["created_at"]),
        "updated_at": iso_z(row["updated_at"]),
        "tags": tags,
        "self": at,
        "file": f"{at}/file",
        "schema": "/v2/schemas/image",
    }
    if row["size"] is not None:
        shown["stores"] = store
    return shown
