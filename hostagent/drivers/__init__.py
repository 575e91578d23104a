"""What a host is made of. Each kind of driver has one literal map from its name to where it lives."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hostagent.drivers.hypervisor import HYPERVISORS
from hostagent.drivers.storage import STORAGES

if TYPE_CHECKING:
    from hostagent.agent.host import Host
    from hostagent.drivers.hypervisor import Hypervisor
    from hostagent.drivers.network.keeper import Keeper
    from hostagent.drivers.storage import Storage


def load(place: str) -> Any:
    """The class at `module:Class`, imported only now: a fake host never loads libvirt."""
    module, name = place.split(":")
    return getattr(import_module(module), name)


def load_hypervisor(host: "Host") -> "Hypervisor":
    return load(HYPERVISORS[host.settings.drivers["hypervisor"]])(host)


def load_storage(host: "Host") -> "Storage":
    return load(STORAGES[host.settings.drivers["storage"]])(host)


def load_network(host: "Host") -> "Keeper":
    from hostagent.drivers.network.keeper import Keeper

    return Keeper(host)
