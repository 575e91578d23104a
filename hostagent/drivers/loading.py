"""Drivers' classes, loaded when a host runs them, and what a hello says of them."""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Literal, overload

from hostagent.contract.capabilities import DRIVERS_VERSION, DriverInstance, Drivers, Kind
from hostagent.drivers.context import HostContext
from hostagent.drivers.hypervisor import Hypervisor
from hostagent.drivers.network import NetworkDriver, Place
from hostagent.drivers.registry import DRIVERS, Choice, Choices
from hostagent.drivers.storage import Exports, Storage
from hostagent.drivers.storage.exports import IscsiExports
from hostagent.drivers.storage.fake import FakeExports
from hostagent.drivers.storage.volumes import Volumes


@overload
def driver_class(choice: Choice, kind: Literal["hypervisor"]) -> Callable[[HostContext], Hypervisor]: ...


@overload
def driver_class(choice: Choice, kind: Literal["network"]) -> Callable[[Place], NetworkDriver]: ...


@overload
def driver_class(choice: Choice, kind: Literal["storage"]) -> Callable[[HostContext, Choice], Storage]: ...


@overload
def driver_class(choice: Choice, kind: Literal["volume"]) -> Callable[[HostContext, Choice], Volumes]: ...


def driver_class(choice: Choice, kind: Kind) -> object:
    """Return the class of a driver, imported now."""
    module, _, name = DRIVERS[kind][choice.driver].partition(":")
    found: object = getattr(import_module(module), name)
    return found


def exports_of(host: HostContext, chosen: Choices) -> Exports:
    """Make what gives volumes of a host out to others."""
    return FakeExports(host) if chosen.is_fake else IscsiExports(host)


def told(
    hypervisor: tuple[Choice, Hypervisor],
    network: tuple[Choice, NetworkDriver],
    pools: Iterable[tuple[Choice, Storage]],
    backends: Iterable[tuple[Choice, Volumes]],
) -> Drivers:
    """Tell what a hello says of the drivers of a host."""
    switch = _instance(*network)
    switch["vif"] = network[1].vif
    return {
        "v": DRIVERS_VERSION,
        "instances": [
            _instance(*hypervisor),
            switch,
            *(_instance(*one) for one in pools),
            *(_instance(*one) for one in backends),
        ],
    }


def _instance(choice: Choice, driver: Hypervisor | NetworkDriver | Storage | Volumes) -> DriverInstance:
    able = sorted(capability.name for capability in driver.capabilities)
    return {"kind": choice.kind, "name": choice.name, "driver": choice.driver, "capabilities": able}
