"""Hypervisors: what turns a ServerSpec into a running guest."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol, TypedDict

from hostagent.agent.job import Job
from hostagent.contract.capabilities import Capability
from hostagent.contract.samples import ServerSample
from hostagent.contract.server import DiskSpec, Known, PortSpec, ServerSpec


class HostHas(TypedDict):
    """The resources that a host can give its guests."""

    vcpus: int
    memory_mib: int
    cpu_model: str


class HypervisorFacts(HostHas):
    """The hypervisor's part of contract.host.Inventory."""

    hypervisor: str
    hypervisor_version: int
    acceleration: str
    acceleration_reason: str


class Hypervisor(Protocol):
    """Every verb may be repeated. States are those of contract.states.STATES. Raises: Failure."""

    capabilities: ClassVar[frozenset[Capability]]
    #: Whether what it stands on is there, as far as is known without asking.
    is_up: bool

    def start(self) -> None:
        """Find the guests that run already, and watch them."""

    def stop(self) -> None:
        """Let go; guests stay."""

    def ensure(self, spec: ServerSpec, job: Job) -> str:
        """Define the domain as described, and run it unless `power` is "off" → the state it has then."""

    def remove(self, server_id: str, job: Job) -> None:
        """Absent is success. Consoles are cut."""

    def power(self, server_id: str, job: Job) -> str:
        """Do the job's verb, with what its body says: stop, reboot, pause, unpause, suspend, resume → the state it has then."""

    def ensure_port(self, server_id: str, port: PortSpec, job: Job) -> None: ...

    def remove_port(self, server_id: str, port: PortSpec, job: Job) -> None:
        """Returns when the guest has let go of it."""

    def ensure_disk(self, server_id: str, disk: DiskSpec, secrets: Mapping[str, str], job: Job) -> None:
        """`secrets`: id of a secret that the disk's location names → what it is."""

    def remove_disk(self, server_id: str, disk: DiskSpec, job: Job) -> None:
        """Returns when the guest has let go of it."""

    def holders(self, volume_id: str) -> list[str]:
        """List the servers whose domain has a volume, running or not."""

    def snapshot(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        """Copy the root disk as it is now into a flat qcow2, the caller's to remove, and its virtual size in bytes.

        A running guest runs on.
        """

    def describe(self, server_id: str) -> Known: ...

    def put_aside(self, server_id: str, place: Path, job: Job) -> None:
        """Stop the domain as a user does, and remove it; the memory of a suspended one lies in `place`."""

    def define(self, server_id: str, xml: str, job: Job) -> None:
        """Define the domain as described, not running, unless there is one already."""

    def read_states(self) -> dict[str, str]: ...

    def read_samples(self) -> dict[str, ServerSample]:
        """Read the figures of those that run, by their id. One that does not answer has fewer; it keeps no other waiting."""

    def read_facts(self) -> HypervisorFacts:
        """Read the hypervisor's part of Inventory."""
