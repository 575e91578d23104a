"""Numbers of guests and of the host, as libvirt and the kernel give them."""

import os
from pathlib import Path
from typing import Final

import libvirt

from hostagent.contract.samples import ServerSample
from hostagent.drivers.hypervisor import HostHas
from hostagent.drivers.hypervisor.libvirt_types import Connection, Stats

HOST_MIB: Final = 2048  # memory the host keeps for itself, plus 1 %
WANTED: Final = (
    libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)


#: A guest whose QEMU is stuck has what libvirt knows without it, and delays nobody.
FLAGS: Final = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT


def of_guests(connection: Connection, prefix: str) -> dict[str, ServerSample]:
    """By their id, the domains that run and whose names begin with `prefix`."""
    rows = connection.getAllDomainStats(WANTED, FLAGS)
    return {domain.UUIDString(): sample(row) for domain, row in rows if domain.name().startswith(prefix)}


def of_host() -> HostHas:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return {
        "vcpus": os.cpu_count() or 1,
        "memory_mib": max(0, memory - HOST_MIB - memory // 100),
        "cpu_model": _cpu_model(),
    }


def sample(row: Stats) -> ServerSample:
    """Take what is sampled from a domain's row of getAllDomainStats; None for what libvirt could not learn."""

    def total(kind: str, name: str) -> int | None:
        parts = [row.get(f"{kind}.{n}.{name}") for n in range(row.get(f"{kind}.count", 0))]
        known = [part for part in parts if part is not None]
        return sum(known) if f"{kind}.count" in row and len(known) == len(parts) else None

    free = row.get("balloon.usable", row.get("balloon.unused"))
    given = row.get("balloon.current")
    return {
        "cpu_ns": row.get("cpu.time"),
        "memory_used_mib": None if free is None or given is None else max(0, given - free) // 1024,
        "disk_read_bytes": total("block", "rd.bytes"),
        "disk_write_bytes": total("block", "wr.bytes"),
        "disk_read_requests": total("block", "rd.reqs"),
        "disk_write_requests": total("block", "wr.reqs"),
        "net_in_bytes": total("net", "rx.bytes"),
        "net_out_bytes": total("net", "tx.bytes"),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
