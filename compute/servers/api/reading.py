"""Reading servers for the wire: few columns, a constant number of queries, JSON passed through unread."""

from typing import Any

import orjson
from django.db.models import Exists, Func, OuterRef, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from common.errors import sentence
from common.prepared import Prepared
from compute.servers import block_devices
from compute.servers.block_devices import BlockDevice
from compute.servers.models import Server
from hosts.models import Host
from hosts.states import is_down, is_up
from networking.ports import services as ports
from openstackapi.fields import text_z

PLAIN = (
    "id",
    "name",
    "hostname",
    "description",
    "project_id",
    "user_id",
    "vm_state",
    "task_state",
    "power_state",
    "progress",
    "fault_code",
    "image_id",
    "flavor_id",
    "host",
    "availability_zone",
    "pinned_availability_zone",
    "key_name",
    "config_drive",
    "disk_config",
    "access_ip_v4",
    "access_ip_v6",
    "reservation_id",
    "launch_index",
    "locked",
    "locked_reason",
    "server_group_id",
)
_TEXT = {
    "created_text": "created_at",
    "updated_text": "updated_at",
    "launched_text": "launched_at",
    "terminated_text": "terminated_at",
    "fault_at_text": "fault_at",
    "fault_data_text": "fault_data",
    "metadata_text": "metadata",
    "flavor_text": "flavor",
    "tags_text": "tags",
    "certificates_text": "trusted_image_certificates",
}
_JSON = {
    "metadata_json": "metadata_text",
    "flavor_json": "flavor_text",
    "tags_json": "tags_text",
}


def rows(query: QuerySet[Server], base: str, *, hosts: bool = False, secrets: bool = False) -> list[dict[str, object]]:
    """List the rows of `query` as fields.SERVER wants them. `base` is ``http://host/api/compute``.

    Queries: one for the rows, those of ports.addresses() and ports.group_names(), one for host states when `hosts`.
    `secrets` adds user data and the image's kernel, which only administrators see.
    """
    return _finished(list(_selected(query, secrets=secrets)), base, hosts=hosts, admin=secrets)


def _selected(query: QuerySet[Server], *, secrets: bool) -> QuerySet[Any, dict[str, Any]]:
    columns: dict[str, Func] = {alias: Cast(column, TextField()) for alias, column in _TEXT.items()}
    also = ["user_data"] if secrets else []
    if secrets:
        columns["kernel_id"] = KT("image_meta__properties__kernel_id")
        columns["ramdisk_id"] = KT("image_meta__properties__ramdisk_id")
    query = query.annotate(has_volumes=Exists(BlockDevice.objects.filter(server=OuterRef("pk"))))
    found: QuerySet[Any, dict[str, Any]] = query.annotate(**columns).values(*PLAIN, "has_volumes", *also, *columns)
    return found


def _finished(found: list[dict[str, Any]], base: str, *, hosts: bool, admin: bool) -> list[dict[str, Any]]:
    projects = {row["id"]: row["project_id"] for row in found}
    where, groups = addresses_of(projects), ports.group_names(projects, foreign=admin)
    volumes = block_devices.attached([row["id"] for row in found if row["has_volumes"]])
    status = host_status() if hosts else {}
    for row in found:
        row["base"] = base
        row["addresses"] = where[row["id"]]
        row["volumes"] = volumes.get(row["id"], [])
        row["host_status"] = status.get(row["host"], "UNKNOWN") if row["host"] else ""
        for name, source in _JSON.items():
            row[name] = orjson.Fragment(row[source])
        row["security_groups"] = groups[row["id"]]
        row["certificates_json"] = orjson.loads(row["certificates_text"]) if row["certificates_text"] else None
        row["fault"] = fault(row)
    return found


def fault(row: dict[str, Any]) -> dict[str, Any] | None:
    """Nova's fault: code, message, time. Its details are this cloud's timeline, see os-instance-actions."""
    if not row["fault_code"]:
        return None
    message = sentence(row["fault_code"], orjson.loads(row["fault_data_text"] or "{}"))
    return {"code": 500, "created": text_z(row["fault_at_text"]), "message": message[:255]}


def addresses_of(servers: dict[str, str]) -> dict[str, dict[str, list[dict[str, object]]]]:
    """{server id: {network name: [address]}} in the wire's form; `servers` is {server id: project id}."""
    out: dict[str, dict[str, list[dict[str, object]]]] = {}
    for server_id, entries in ports.addresses(servers).items():
        networks = out[server_id] = {}
        for entry in entries:
            networks.setdefault(entry["network_name"], []).append(
                {
                    "version": entry["version"],
                    "addr": entry["ip"],
                    "OS-EXT-IPS:type": entry["type"],
                    "OS-EXT-IPS-MAC:mac_addr": entry["mac"],
                }
            )
    return out


def plain(addresses: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """Addresses without the OS-EXT-IPS attributes, as some routes have them."""
    return {
        name: [{"version": a["version"], "addr": a["addr"]} for a in entries] for name, entries in addresses.items()
    }


def host_status() -> dict[str, str]:
    """{host: UP | MAINTENANCE | DOWN | UNKNOWN} as Nova's host_status says it."""
    out = {}
    for name, state, enabled, forced in Host.objects.values_list("name", "state", "enabled", "forced_down"):
        if forced or is_down(state):
            out[name] = "DOWN"
        elif not enabled:
            out[name] = "MAINTENANCE"
        else:
            out[name] = "UP" if is_up(state) else "UNKNOWN"
    return out


def one(server_id: str, base: str, *, admin: bool) -> dict[str, Any]:
    found = (_with_secrets if admin else _plain)(server_id)
    return _finished(found, base, hosts=admin, admin=admin)[0]


_plain = Prepared(lambda id: _selected(Server.objects.filter(id=id), secrets=False))
_with_secrets = Prepared(lambda id: _selected(Server.objects.filter(id=id), secrets=True))
