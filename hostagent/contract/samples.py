"""What a host measures each SAMPLE_EVERY seconds of itself, its guests and their ports, in one report of kind `stats`.

Counters grow until what they count begins anew, and begin at 0 then. None: nobody says it now (a guest without the balloon
driver, a QEMU that does not answer), which is no zero.
"""

from typing import Final, TypedDict

SAMPLE_EVERY: Final = 10.0  # seconds
#: Seconds for which a host keeps the samples that it cannot send, and control takes them.
SAMPLES_KEPT: Final = 3600.0


class ServerSample(TypedDict):
    """Use of resources by a guest. Directions are the guest's own."""

    cpu_ns: int | None  # counter
    memory_used_mib: int | None
    disk_read_bytes: int | None  # counter, as all below
    disk_write_bytes: int | None
    disk_read_requests: int | None
    disk_write_requests: int | None
    net_in_bytes: int | None
    net_out_bytes: int | None


class PortSample(TypedDict):
    """Counters of a guest's port, in the guest's directions."""

    in_bytes: int
    out_bytes: int
    in_packets: int
    out_packets: int
    in_drops: int
    out_drops: int


class HostSample(TypedDict):
    """Use of the host's own resources, whoever uses them."""

    cpu_ns: int  # counter: how long its CPUs were not idle, all together
    cpus: int
    memory_used_mib: int
    memory_mib: int
    disk_used_bytes: int  # of the file system that guests' disks lie in
    disk_bytes: int
    disk_read_bytes: int  # counter, as all below; of whole disks
    disk_write_bytes: int
    net_in_bytes: int  # of links that lead out of the host
    net_out_bytes: int


class Samples(TypedDict):
    """The body of a report: numbered from 1 in each run of an agent, so that control knows which it lacks."""

    run: str
    number: int
    at: float  # Unix time by control's clock
    host: HostSample
    servers: dict[str, ServerSample]
    ports: dict[str, PortSample]
