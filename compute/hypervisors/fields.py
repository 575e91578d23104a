"""Hypervisors and services on the wire. From 2.53 on ids are UUIDs; from 2.88 on what is used is Placement's to say."""

import json
from dataclasses import dataclass, field

from compute.hypervisors import reading
from hosts.models import Host
from openstackapi.fields import Field, Fields

#: Totals and usages of a host, in Nova's names: the keys of `reading.used_of`.
USED = (
    "vcpus",
    "vcpus_used",
    "memory_mb",
    "memory_mb_used",
    "free_ram_mb",
    "local_gb",
    "local_gb_used",
    "free_disk_gb",
    "disk_available_least",
    "running_vms",
    "current_workload",
)


@dataclass(frozen=True)
class Row:
    """A host, and what is used of it where that is shown."""

    host: Host
    used: dict[str, int] = field(default_factory=dict)

    def fact(self, name: str, default: object) -> object:
        return self.host.inventory.get(name, default)


def _cpu(row: Row) -> dict[str, object]:
    return {"arch": row.fact("cpu_arch", ""), "model": row.fact("cpu_model", ""), "vendor": "", "features": []}


def _service_schema(id: dict[str, object]) -> dict[str, object]:
    names = {"host": {"type": "string"}, "id": id, "disabled_reason": {"type": ["string", "null"]}}
    return {"type": "object", "properties": names, "required": list(names)}


def _service(host: Host, id: str | int) -> dict[str, object]:
    return {"host": host.name, "id": id, "disabled_reason": host.disabled_reason or None}


def _used(name: str) -> Field:
    return Field(name, lambda row: row.used[name], type="integer", until=(2, 87))


_BASIC = (
    Field("id", lambda row: row.host.number, type="integer", until=(2, 52)),
    Field("id", lambda row: row.host.id, since=(2, 53)),
    Field("hypervisor_hostname", lambda row: row.host.name),
    Field("state", lambda row: "up" if reading.is_up(row.host) else "down"),
    Field("status", lambda row: "enabled" if row.host.enabled else "disabled"),
)
BASIC = Fields("hypervisor", _BASIC)
HYPERVISOR = Fields(
    "hypervisor",
    [
        *_BASIC,
        Field("hypervisor_type", lambda row: row.fact("hypervisor", "QEMU")),
        Field("hypervisor_version", lambda row: int(row.fact("hypervisor_version", 0)), type="integer"),
        Field("host_ip", lambda row: row.host.underlay_ip or None, null=True),
        Field(
            "service",
            lambda row: _service(row.host, row.host.number * 10 + 2),
            until=(2, 52),
            shown=_service_schema({"type": "integer"}),
        ),
        Field(
            "service",
            lambda row: _service(row.host, row.host.id),
            since=(2, 53),
            shown=_service_schema({"type": "string"}),
        ),
        *(_used(name) for name in USED),
        Field("cpu_info", lambda row: json.dumps(_cpu(row)), until=(2, 27)),
        Field("cpu_info", _cpu, type="object", since=(2, 28), until=(2, 87)),
        Field("uptime", lambda row: None, null=True, since=(2, 88)),
    ],
)
SERVICE = Fields(
    "service",
    [
        *(Field(name) for name in ("binary", "host", "zone", "status", "state", "updated_at")),
        Field("disabled_reason", null=True),
        Field("id", "number", type="integer", until=(2, 52)),
        Field("id", since=(2, 53)),
        Field("forced_down", type="boolean", since=(2, 11)),
    ],
)
#: Servers of a hypervisor, where the query asks for them.
SERVERS = [{"uuid": str, "name": str}]
#: A service in the answer to a change of it by its name, until 2.52.
NAMED = {"host": str, "binary": str, "status?": str, "disabled_reason?": str, "forced_down?": bool}
#: A part of a host's resources: all, what is used, and what each project uses.
RESOURCES = {"host": str, "project": str, "cpu": int, "memory_mb": int, "disk_gb": int}
