"""The inventory and figures of a host, and the verbs about it as a whole."""

from typing import Final, Literal, NotRequired, TypedDict, get_args

from hostagent.contract.verb import Nothing, Verb
from hostagent.contract.volume import BackendFacts


class Inventory(TypedDict):
    """Hardware, hypervisor and capabilities of a host."""

    hostname: str
    vcpus: int
    memory_mib: int  # usable for guests, the host's own share already taken off
    disk_gib: int
    disk_free_gib: int
    image_cache_gib: NotRequired[int]  # of disk_gib, what the host's image cache may take
    hypervisor: str  # "QEMU"
    hypervisor_version: int  # libvirt's number: major * 1_000_000 + minor * 1000 + release
    cpu_model: str
    cpu_arch: str
    acceleration: str  # "kvm" | "tcg"
    acceleration_reason: str
    drivers: dict[str, str]  # {"hypervisor": "libvirt", "network": "linux_bridge", "storage": "file"}
    capabilities: list[str]  # what the drivers can do; a scheduler filter and a readable 409
    backends: NotRequired[dict[str, BackendFacts]]  # of volumes, by name
    underlay_ip: str  # where VXLAN peers reach this host
    version: str


#: An agent's pools of threads: those of the verbs, and one for what the agent does by itself.
JobPool = Literal["quick", "bulk", "network", "aside"]
JOB_POOLS: Final[tuple[JobPool, ...]] = get_args(JobPool)


class AgentFigures(TypedDict):
    """How an agent is. Agents that say nothing of it are as good as any."""

    jobs: dict[str, int]  # JobPool → casts that run or wait
    reports: int  # that wait for the broker
    parked: int  # that could not be encoded
    deaths: int  # of threads that were started again
    hypervisor_up: bool
    disk_free: int  # bytes, where the host keeps its guests
    disk_size: int
    set_aside: int  # things that nobody knows


class Cloud(TypedDict):
    """Which database a cast comes from, and how far that had come: what a host remembers (hostagent/agent/seen.py).

    A `life` begins with each start of the cloud; `count` grows within it, at most once a minute, before a cast leaves.
    """

    id: str
    life: str
    count: int


class Recognise(TypedDict):
    cloud: Cloud


class SetAsideShort(TypedDict):
    """A thing that was set aside, for a doctor's list: a Note without its record and definition."""

    id: str
    kind: str
    key: str
    why: str
    at: float
    until: float
    state: str


class HostFound(TypedDict):
    """All of ours on a host, wanted or not."""

    servers: dict[str, str]  # id → state, of states.STATES
    disks: list[str]  # servers that have something on a disk here
    volumes: NotRequired[dict[str, list[str]]]  # backend → ids of the volumes in it
    exports: NotRequired[dict[str, str]]  # volume given out to another host → the attachment for which
    taps: list[str]
    namespaces: list[str]
    setaside: list[SetAsideShort]


HOST_READ: Final = Verb(
    "host.read", Nothing, HostFound, fails=("hypervisor_down", "hypervisor_refused", "not_found"), of_any_cloud=True
)
#: An operator's word: this database counts from now on.
HOST_RECOGNISE: Final = Verb("host.recognise", Recognise, Nothing, of_any_cloud=True)
