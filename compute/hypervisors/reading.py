"""Hosts as Nova's hypervisors and services: their capacity, what is allocated on them, and their servers."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from common.errors import NotFound, Unsupported
from compute.hypervisors import states as service_states
from compute.servers.create import scheduling
from compute.servers.models import Server
from hosts import states
from hosts.models import Host
from openstackapi.fields import iso_micro
from placement import services as placement

#: Binaries that Nova's service list names, and the role of the host on which each runs.
BINARIES = (("nova-conductor", "control"), ("nova-scheduler", "control"), ("nova-compute", "compute"))


class HypervisorNotFound(NotFound):
    template = _("Compute host %(id)s could not be found.")


class ServiceNotFound(NotFound):
    template = _("Service %(id)s could not be found.")


class NotDone(Unsupported):
    """An action that no driver here supports; nor does Nova's libvirt driver."""


def is_up(host: Host) -> bool:
    return states.is_up(host.state) and not host.forced_down


def hypervisors() -> list[Host]:
    """Hosts that have told what they have."""
    return [host for host in Host.objects.order_by("number") if host.inventory]


def hypervisor(id: str, key: Callable[[Host], str]) -> Host:
    """Find a host by what `key` calls it. Raises: HypervisorNotFound."""
    for host in hypervisors():
        if key(host) == id:
            return host
    raise HypervisorNotFound(id=id)


def used_of(hosts: list[Host]) -> dict[str, dict[str, int]]:
    """{host: what is used and free, in Nova's names}. Four queries."""
    summaries = placement.summaries([host.name for host in hosts])
    living = Server.objects.living().exclude(host="")
    counts = {
        row["host"]: row
        for row in living.values("host").annotate(n=Count("id"), busy=Count("id", filter=Q(task_state__isnull=False)))
    }
    out = {}
    for host in hosts:
        summary = summaries.get(host.name)
        used = summary.used if summary else {}
        inventory = host.inventory
        ram, disk = int(inventory.get("memory_mib", 0)), int(inventory.get("disk_gib", 0))
        row = counts.get(host.name, {"n": 0, "busy": 0})
        out[host.name] = {
            "vcpus": int(inventory.get("vcpus", 0)),
            "vcpus_used": used.get("VCPU", 0),
            "memory_mb": ram,
            "memory_mb_used": used.get("MEMORY_MB", 0),
            "free_ram_mb": ram - used.get("MEMORY_MB", 0),
            "local_gb": disk,
            "local_gb_used": used.get("DISK_GB", 0),
            "free_disk_gb": disk - used.get("DISK_GB", 0),
            "disk_available_least": int(inventory.get("disk_free_gib", 0)),
            "running_vms": row["n"],
            "current_workload": row["busy"],
        }
    return out


def servers_on(hosts: list[Host]) -> dict[str, list[dict[str, str]]]:
    out: dict[str, list[dict[str, str]]] = defaultdict(list)
    rows = Server.objects.living().filter(host__in=[host.name for host in hosts]).order_by("created_at")
    for host, id in rows.values_list("host", "id"):
        out[host].append({"uuid": id, "name": f"instance-{id[:8]}"})
    return out


def service_id(host: Host, binary: str) -> str:
    """Make a stable UUID of one binary on one host: the host's own for nova-compute, for others one made of that and the binary's name."""
    return host.id if binary == "nova-compute" else str(uuid5(UUID(host.id), binary))


def services() -> list[dict[str, Any]]:
    """List each binary on each host that has its role."""
    zones = scheduling.zones()
    out = []
    for host in Host.objects.order_by("number"):
        for number, (binary, role) in enumerate(BINARIES):
            if role not in host.roles:
                continue
            zone = zones.get(host.name, (scheduling.DEFAULT_ZONE, []))[0] if binary == "nova-compute" else "internal"
            is_compute = binary == "nova-compute"
            out.append(
                {
                    "row": host,
                    "id": service_id(host, binary),
                    "number": host.number * 10 + number,
                    "binary": binary,
                    "host": host.name,
                    "zone": zone,
                    "status": service_states.status_of(host.enabled or not is_compute),
                    "state": service_states.state_of(is_up(host)),
                    "updated_at": iso_micro(host.last_seen_at or host.updated_at),
                    "disabled_reason": (host.disabled_reason or None) if is_compute and not host.enabled else None,
                    "forced_down": host.forced_down,
                }
            )
    return out
