"""What a driver may use of its host. The host itself imports drivers, never the other way."""

from pathlib import Path
from typing import Protocol

from hostagent.agent.clock import ControlClock
from hostagent.agent.control_link import ControlLink
from hostagent.agent.job import Job
from hostagent.agent.outbox import Reporter
from hostagent.agent.serial_queues import SerialQueues
from hostagent.agent.setaside import SetAside
from hostagent.agent.settings import HostSettings, Settings
from hostagent.agent.standing import Standing
from hostagent.contract.location import DiskLocation, DiskSource
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.hypervisor import Hypervisor
from hostagent.drivers.network import NetworkDriver
from hostagent.drivers.storage import Exports, Storage
from hostagent.machine.daemons import Daemons
from hostagent.process.threads import Threads
from hostagent.process.timers import Timers


class NetworkOfHost(Protocol):
    @property
    def driver(self) -> NetworkDriver: ...


class HostContext(Protocol):
    """The host of a driver (hostagent.agent.host.Host): its settings, threads and reports, and its other drivers."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def own(self) -> HostSettings: ...

    @property
    def threads(self) -> Threads: ...

    @property
    def timers(self) -> Timers: ...

    @property
    def queues(self) -> SerialQueues: ...

    @property
    def reporter(self) -> Reporter: ...

    @property
    def link(self) -> ControlLink: ...

    @property
    def clock(self) -> ControlClock: ...

    @property
    def aside(self) -> SetAside: ...

    @property
    def daemons(self) -> Daemons: ...

    @property
    def standing(self) -> Standing: ...

    @property
    def files(self) -> GuestFiles: ...

    @property
    def storage(self) -> Storage: ...

    @property
    def bases(self) -> tuple[Path, ...]:
        """The folders with what disks and volumes may rest on."""

    @property
    def exports(self) -> Exports: ...

    @property
    def network(self) -> NetworkOfHost: ...

    @property
    def hypervisor(self) -> Hypervisor: ...

    def locate(self, server_id: str, source: DiskSource, job: Job) -> DiskLocation:
        """Tell where a disk of a domain is, ready to be opened by the guest. Raises: Failure not_found."""

    def inventory_changed(self) -> None:
        """Tell control soon what the host has."""

    def hypervisor_found(self) -> None:
        """Say that the hypervisor answers for the first time."""
