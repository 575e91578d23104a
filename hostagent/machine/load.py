"""What a machine is busy with, as the kernel counts it. Sources: proc(5); Documentation/admin-guide/iostats.rst."""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from hostagent.contract.network import tap_name
from hostagent.contract.samples import HostSample, PortSample
from hostagent.machine.disk_space import disk_space

PROC: Final = Path("/proc")
SECTOR: Final = 512  # bytes, whatever the disk's own are
TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Links inside of a host: guests' taps, networks' bridges and tunnels, ends of namespaces. What leaves goes through another.
INNER: Final = re.compile(r"lo$|tap|brq|br-|vx-|fb-|fl-|q[rgd]-|qdhcp-|virbr|vnet|docker|veth")
PART: Final = re.compile(r"(?:sd|vd|xvd|hd)[a-z]+\d+|(?:nvme|mmcblk)\S*p\d+|(?:loop|ram|zram|dm-|md|sr|fd)\d+")


class Link(NamedTuple):
    """Counters of a network link, as its machine sees it: `rx` came in over it."""

    rx_bytes: int
    rx_packets: int
    rx_drops: int
    tx_bytes: int
    tx_packets: int
    tx_drops: int


def links(proc: Path = PROC) -> dict[str, Link]:
    """Read the links of this thread's network namespace, by name."""
    found = {}
    for line in (proc / "thread-self" / "net" / "dev").read_text().splitlines()[2:]:
        name, _colon, rest = line.partition(":")
        n = [int(word) for word in rest.split()]
        found[name.strip()] = Link(n[0], n[1], n[3], n[8], n[9], n[11])
    return found


def ports(port_ids: list[str], proc: Path = PROC) -> dict[str, PortSample]:
    """Read the taps of these ports, those that are there: what a tap takes in is what its guest sent."""
    have = links(proc)
    return {id_: _of_tap(have[tap]) for id_ in port_ids if (tap := tap_name(id_)) in have}


def _of_tap(tap: Link) -> PortSample:
    return PortSample(
        in_bytes=tap.tx_bytes,
        out_bytes=tap.rx_bytes,
        in_packets=tap.tx_packets,
        out_packets=tap.rx_packets,
        in_drops=tap.tx_drops,
        out_drops=tap.rx_drops,
    )


def machine(data: Path, proc: Path = PROC) -> HostSample:
    """Read the load of the machine, `data` being the folder of guests' disks."""
    cpus, busy = _cpu(proc)
    total, available = _memory(proc)
    free, size = disk_space(data)
    read, written = _disks(proc)
    outer = [link for name, link in links(proc).items() if not INNER.match(name)]
    return HostSample(
        cpu_ns=busy,
        cpus=cpus,
        memory_used_mib=(total - available) // 1024,
        memory_mib=total // 1024,
        disk_used_bytes=size - free,
        disk_bytes=size,
        disk_read_bytes=read,
        disk_write_bytes=written,
        net_in_bytes=sum(link.rx_bytes for link in outer),
        net_out_bytes=sum(link.tx_bytes for link in outer),
    )


def _cpu(proc: Path) -> tuple[int, int]:
    """(number of CPUs, ns that they were busy). Guests' time is in `user` already; `idle` and `iowait` are not busy."""
    lines = (proc / "stat").read_text().splitlines()
    cpus = sum(line.startswith("cpu") for line in lines) - 1
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_guests = (int(word) for word in lines[0].split()[1:])
    return cpus, (user + nice + system + irq + softirq + steal) * 1_000_000_000 // TICKS


def _memory(proc: Path) -> tuple[int, int]:
    """KiB that there are, and that could be given to somebody."""
    said = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines() if ":" in line)
    total, available = (int(said[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return total, available


def _disks(proc: Path) -> tuple[int, int]:
    """Bytes read and written by whole disks: their parts and what lies on top of them would count twice."""
    read = written = 0
    for line in (proc / "diskstats").read_text().splitlines():
        words = line.split()
        if not PART.fullmatch(words[2]):
            read, written = read + int(words[5]), written + int(words[9])
    return read * SECTOR, written * SECTOR
