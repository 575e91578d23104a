"""The part of Host that tasks may use, as a protocol: tasks do not import Host, which imports them."""

from collections.abc import Mapping
from typing import Protocol

from hostagent.agent.control_link import ControlLink
from hostagent.agent.setaside import SetAside
from hostagent.agent.settings import Settings
from hostagent.contract.capabilities import Drivers
from hostagent.contract.host import Cloud
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.hypervisor import Hypervisor
from hostagent.drivers.network.keeper import Keeper
from hostagent.drivers.storage import Exports, Storage
from hostagent.drivers.storage.volumes import Volumes


class Served(Protocol):
    """The host that a task serves."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def link(self) -> ControlLink: ...
    @property
    def aside(self) -> SetAside: ...
    @property
    def drivers(self) -> Drivers: ...
    @property
    def files(self) -> GuestFiles: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def exports(self) -> Exports: ...
    @property
    def backends(self) -> Mapping[str, Volumes]: ...
    @property
    def network(self) -> Keeper: ...
    @property
    def hypervisor(self) -> Hypervisor: ...

    def backend(self, name: str) -> Volumes:
        """Find a backend of volumes. Raises: Failure not_found."""

    def recognise(self, cloud: Cloud) -> None:
        """Accept casts of this database at an operator's word, also where their generations are older."""
