"""Attributes of a server in the API: the microversions and the roles that see each. Source: Nova's API reference up to 2.96.

Rows come from reading.rows(): columns as text where the wire wants text, JSON columns as ready JSON (orjson.Fragment).
"""

import hashlib
import secrets
from functools import lru_cache
from typing import Any, Final

from compute.servers.lifecycle import states
from openstackapi.fields import Field, Fields, text_micro, text_z
from openstackapi.shapes import LINKS, Versioned, With, json_schema

Row = dict[str, Any]


@lru_cache(maxsize=4096)
def host_id(project_id: str, host: str) -> str:
    """Return the opaque name of a host for one project: Nova's form."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""


def _links(row: Row) -> list[dict[str, str]]:
    base, id = row["base"], row["id"]
    return [
        {"rel": "self", "href": f"{base}/v2.1/servers/{id}"},
        {"rel": "bookmark", "href": f"{base}/servers/{id}"},
    ]


def _image(row: Row) -> object:
    id = row["image_id"]
    if not id:
        return ""
    return {"id": id, "links": [{"rel": "bookmark", "href": f"{row['base']}/images/{id}"}]}


def _flavor_link(row: Row) -> Row:
    id = row["flavor_id"]
    return {"id": id, "links": [{"rel": "bookmark", "href": f"{row['base']}/flavors/{id}"}]}


def _groups(row: Row) -> list[dict[str, str]]:
    return [{"name": name} for name in row["security_groups"]]


def _root_device(row: Row) -> str:
    return "/dev/vda"


_GROUP_NAMES = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
}
#: Attributes in the answer of a create. Security groups are those of the request, also in Nova; the password is shown only here.
CREATED = Fields(
    "server",
    [
        Field("id", lambda row: row["server"].id),
        Field("links", shown=json_schema(LINKS)),
        Field("OS-DCF:diskConfig", lambda row: row["server"].disk_config),
        Field(
            "security_groups",
            lambda row: [{"name": name} for name in row["launch"].security_groups or ["default"]],
            shown=_GROUP_NAMES,
        ),
        Field("adminPass", lambda row: row.get("adminPass") or secrets.token_urlsafe(9)),
    ],
)
BASIC = Fields("server", [Field("id"), Field("name"), Field("links", _links, type="array", items="object")])

SERVER = Fields(
    "server",
    [
        Field("id"),
        Field("name"),
        Field("status", lambda r: states.status(r["vm_state"], r["task_state"])),
        Field("tenant_id", "project_id"),
        Field("user_id"),
        Field("metadata", "metadata_json", type="object"),
        Field("hostId", lambda r: host_id(r["project_id"], r["host"])),
        Field("image", _image, shown={"type": ["object", "string"]}),  # "" where there is none
        Field("flavor", _flavor_link, type="object", until=(2, 46)),
        Field("flavor", "flavor_json", type="object", since=(2, 47)),
        Field("created", lambda r: text_z(r["created_text"])),
        Field("updated", lambda r: text_z(r["updated_text"])),
        Field("addresses", "addresses", type="object"),
        Field("accessIPv4", "access_ip_v4"),
        Field("accessIPv6", "access_ip_v6"),
        Field("links", _links, type="array", items="object"),
        Field("OS-DCF:diskConfig", "disk_config"),
        Field("OS-EXT-AZ:availability_zone", "availability_zone"),
        Field("pinned_availability_zone", null=True, since=(2, 96)),
        Field("config_drive", lambda r: "True" if r["config_drive"] else ""),
        Field("key_name", null=True),
        Field("OS-SRV-USG:launched_at", lambda r: text_micro(r["launched_text"]), null=True),
        Field("OS-SRV-USG:terminated_at", lambda r: text_micro(r["terminated_text"]), null=True),
        Field("security_groups", _groups, type="array", items="object"),
        Field("OS-EXT-SRV-ATTR:host", lambda r: r["host"] or None, null=True, admin=True),
        Field("OS-EXT-SRV-ATTR:instance_name", lambda r: f"instance-{r['id'][:8]}", admin=True),
        Field("OS-EXT-SRV-ATTR:hypervisor_hostname", lambda r: r["host"] or None, null=True, admin=True),
        Field("OS-EXT-SRV-ATTR:reservation_id", "reservation_id", since=(2, 3), admin=True),
        Field("OS-EXT-SRV-ATTR:launch_index", "launch_index", type="integer", since=(2, 3), admin=True),
        Field("OS-EXT-SRV-ATTR:hostname", "hostname", since=(2, 3), until=(2, 89), admin=True),
        Field("OS-EXT-SRV-ATTR:hostname", "hostname", since=(2, 90)),
        Field("OS-EXT-SRV-ATTR:kernel_id", lambda r: r["kernel_id"] or "", since=(2, 3), admin=True),
        Field("OS-EXT-SRV-ATTR:ramdisk_id", lambda r: r["ramdisk_id"] or "", since=(2, 3), admin=True),
        Field("OS-EXT-SRV-ATTR:root_device_name", _root_device, since=(2, 3), admin=True),
        Field("OS-EXT-SRV-ATTR:user_data", "user_data", null=True, since=(2, 3), admin=True),
        Field("OS-EXT-STS:task_state", "task_state", null=True),
        Field("OS-EXT-STS:vm_state", "vm_state"),
        Field("OS-EXT-STS:power_state", "power_state", type="integer"),
        Field("os-extended-volumes:volumes_attached", lambda r: r["volumes"], type="array", items="object"),
        Field("locked", type="boolean", since=(2, 9)),
        Field("locked_reason", null=True, since=(2, 73)),
        Field("host_status", lambda r: r["host_status"], since=(2, 16), admin=True),
        Field("description", null=True, since=(2, 19)),
        Field("tags", "tags_json", type="array", items="string", since=(2, 26)),
        Field(
            "trusted_image_certificates", "certificates_json", type="array", items="string", null=True, since=(2, 63)
        ),
    ],
)

#: Only in the answer about one server, not in lists.
SINGLE = Fields(
    "server",
    [
        Field(
            "server_groups",
            lambda r: [r["server_group_id"]] if r["server_group_id"] else [],
            type="array",
            since=(2, 71),
        ),
    ],
)

#: Attributes in the answers of PUT and rebuild before 2.75: fewer than GET's.
_SHORT_NAMES = frozenset(
    {
        "id",
        "name",
        "status",
        "tenant_id",
        "user_id",
        "metadata",
        "hostId",
        "image",
        "flavor",
        "created",
        "updated",
        "addresses",
        "accessIPv4",
        "accessIPv6",
        "links",
        "OS-DCF:diskConfig",
        "locked",
        "locked_reason",
        "description",
        "tags",
        "trusted_image_certificates",
    }
)
SHORT = Fields("server", [field for field in SERVER.fields if field.name in _SHORT_NAMES])
#: What only some states show; see `render`.
SOMETIMES: Final = {
    "progress?": int,
    "fault?": {"code": int, "created": str, "message": str, "details?": str},
}
_ALONE: Final = {**SOMETIMES, "server_groups?": Versioned([str], since=(2, 71))}
#: One server as GET answers it, and as PUT and rebuild do before 2.75.
SHOWN: Final = With(SERVER, _ALONE)
SHOWN_SHORT: Final = With(SHORT, _ALONE)


@lru_cache(maxsize=512)
def _plan(fields: Fields, version: tuple[int, int], is_admin: bool) -> tuple[list[Any], list[Any]]:
    """(name, column) of what is passed through, (name, function) of what is made: rows are dicts, so no getter is needed."""
    seen = [field for field in fields.fields if field.visible(version, is_admin)]
    columns = [(f.name, f.source or f.name) for f in seen if not callable(f.source)]
    return columns, [(f.name, f.source) for f in seen if callable(f.source)]


def render(fields: Fields, row: Row, version: tuple[int, int], is_admin: bool) -> Row:
    """Build one row, with `progress` and `fault` only in the states that have them, and groups only where there are some."""
    columns, made = _plan(fields, version, is_admin)
    out = {name: row[column] for name, column in columns}
    for name, make in made:
        out[name] = make(row)
    status = out["status"]
    if states.has_progress(status):
        out["progress"] = row["progress"]
    if row["fault"] is not None and states.has_fault(status):
        out["fault"] = row["fault"]
    if not out.get("security_groups", True):
        del out["security_groups"]
    return out
