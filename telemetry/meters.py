"""Meters: what is measured of each kind of thing, in the order in which rows hold the values.

The names are Ceilometer's where it has one (https://docs.openstack.org/ceilometer/latest/admin/telemetry-measurements.html).
A row tells no names: a change of this order is a new file (samples.store.VERSION).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Meter:
    """`field` is its name in a report (hostagent.contract.samples). A counter grows, and is kept rolled up as its rate a second."""

    name: str
    unit: str
    field: str
    is_counter: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is measured. `number` stands in rows.

    Where a counter went down, what it counts began anew if the meter `life` went down too, or there is none; else one part of a
    sum (a disk, an interface) was taken away, and what happened meanwhile is not known.
    """

    name: str
    number: int
    meters: tuple[Meter, ...]
    life: int | None = None

    def index(self, name: str) -> int:
        """Find the place of a meter among the values. Raises: KeyError."""
        for at, meter in enumerate(self.meters):
            if meter.name == name:
                return at
        raise KeyError(name)


SERVER: Final = Kind(
    "server",
    1,
    (
        Meter("cpu", "ns", "cpu_ns"),
        Meter("memory.usage", "MiB", "memory_used_mib", is_counter=False),
        Meter("disk.read.bytes", "B", "disk_read_bytes"),
        Meter("disk.write.bytes", "B", "disk_write_bytes"),
        Meter("disk.read.requests", "request", "disk_read_requests"),
        Meter("disk.write.requests", "request", "disk_write_requests"),
        Meter("network.incoming.bytes", "B", "net_in_bytes"),
        Meter("network.outgoing.bytes", "B", "net_out_bytes"),
    ),
    life=0,
)
PORT: Final = Kind(
    "port",
    2,
    (
        Meter("network.incoming.bytes", "B", "in_bytes"),
        Meter("network.outgoing.bytes", "B", "out_bytes"),
        Meter("network.incoming.packets", "packet", "in_packets"),
        Meter("network.outgoing.packets", "packet", "out_packets"),
        Meter("network.incoming.packets.drop", "packet", "in_drops"),
        Meter("network.outgoing.packets.drop", "packet", "out_drops"),
    ),
)
HOST: Final = Kind(
    "host",
    3,
    (
        Meter("cpu", "ns", "cpu_ns"),
        Meter("cpus", "cpu", "cpus", is_counter=False),
        Meter("memory.usage", "MiB", "memory_used_mib", is_counter=False),
        Meter("memory", "MiB", "memory_mib", is_counter=False),
        Meter("disk.usage", "B", "disk_used_bytes", is_counter=False),
        Meter("disk", "B", "disk_bytes", is_counter=False),
        Meter("disk.read.bytes", "B", "disk_read_bytes"),
        Meter("disk.write.bytes", "B", "disk_write_bytes"),
        Meter("network.incoming.bytes", "B", "net_in_bytes"),
        Meter("network.outgoing.bytes", "B", "net_out_bytes"),
    ),
    life=0,
)
KINDS: Final = {kind.number: kind for kind in (SERVER, PORT, HOST)}
