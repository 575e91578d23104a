"""What a host is, and what is on it."""

import platform
from pathlib import Path
from typing import Any

from hostagent.host import Host
from hostagent.job import Job

VERSION = "0.1.0"


def inventory(host: Host) -> dict[str, Any]:
    """contract.Inventory."""
    return {
        "hostname": host.name,
        "cpu_arch": platform.machine(),
        "drivers": host.settings.drivers,
        "underlay_ip": host.settings.underlay_ip,
        "version": VERSION,
        **host.storage.read_facts(),
        **host.hypervisor.read_facts(),
        "capabilities": sorted(
            host.hypervisor.CAPABILITIES | host.storage.CAPABILITIES | frozenset(getattr(host.network, "CAPABILITIES", ()))
        ),
    }


def read(host: Host, job: Job) -> dict[str, Any]:
    """Everything of ours on this host, wanted or not: what a doctor compares with the rows."""
    links = Path("/sys/class/net")
    spaces = Path("/run/netns")
    real = host.settings.drivers["network"] != "fake"
    return {
        "servers": host.hypervisor.read_states(),
        "disks": host.storage.read_disks(),
        "taps": sorted(link.name for link in links.iterdir() if link.name.startswith("tap")) if real else [],
        "namespaces": sorted(space.name for space in spaces.iterdir()) if real and spaces.is_dir() else [],
    }
