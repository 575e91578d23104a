"""Numbers of guests and of the host, as libvirt and the kernel give them."""

import os
from pathlib import Path
from typing import Final

import libvirt

from hostagent.contract.server import ServerStats
from hostagent.drivers.hypervisor import HostHas
from hostagent.drivers.hypervisor.libvirt_types import Connection, Stats

HOST_MIB: Final = 2048  # memory the host keeps for itself, plus 1 %
WANTED: Final = (
    libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)


def of_guests(connection: Connection, prefix: str) -> dict[str, ServerStats]:
    """By their id, the domains that run and whose names begin with `prefix`."""
    rows = connection.getAllDomainStats(WANTED, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
    return {domain.UUIDString(): _stats(row) for domain, row in rows if domain.name().startswith(prefix)}


def of_host() -> HostHas:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return {
        "vcpus": os.cpu_count() or 1,
        "memory_mib": max(0, memory - HOST_MIB - memory // 100),
        "cpu_model": _cpu_model(),
    }


def _stats(row: Stats) -> ServerStats:
    def total(kind: str, name: str) -> int:
        return sum(row.get(f"{kind}.{n}.{name}", 0) for n in range(row.get(f"{kind}.count", 0)))

    memory = row.get("balloon.current", 0)
    return {
        "cpu_seconds": round(row.get("cpu.time", 0) / 1e9, 3),
        "memory_mib": memory // 1024,
        "memory_used_mib": (memory - row.get("balloon.usable", row.get("balloon.unused", 0))) // 1024,
        "disk_read_bytes": total("block", "rd.bytes"),
        "disk_write_bytes": total("block", "wr.bytes"),
        "net_rx_bytes": total("net", "rx.bytes"),
        "net_tx_bytes": total("net", "tx.bytes"),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
