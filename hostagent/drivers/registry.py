"""Every driver there is, and those that a host runs by its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hostagent.contract.capabilities import KINDS, Kind

#: Kind → name → class. The first of a kind is the default. A class is imported when a host runs it: a fake host never loads libvirt.
DRIVERS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "hypervisor": {
        "libvirt": "hostagent.drivers.hypervisor.libvirt:Libvirt",
        "fake": "hostagent.drivers.hypervisor.fake:FakeHypervisor",
    },
    "network": {
        "linux_bridge": "hostagent.drivers.network.linux_bridge.driver:LinuxBridge",
        "fake": "hostagent.drivers.network.fake:FakeNetwork",
    },
    "storage": {
        "file": "hostagent.drivers.storage.file:FileStorage",
        "fake": "hostagent.drivers.storage.fake:FakeStorage",
    },
    "volume": {
        "file": "hostagent.drivers.storage.volumes.file:FileVolumes",
        "fake": "hostagent.drivers.storage.volumes.fake:FakeVolumes",
    },
}
#: Kind → the variable of the environment that names its drivers.
VARIABLES: Final[Mapping[Kind, str]] = {
    "hypervisor": "STACKLING_HYPERVISOR",
    "network": "STACKLING_NETWORK",
    "storage": "STACKLING_STORAGE",
    "volume": "STACKLING_VOLUME_BACKENDS",
}
FAKE: Final = "fake"
MAIN: Final = "local"  # the name of a driver that settings do not name
SEVERAL: Final = frozenset({"storage", "volume"})  # kinds of which a host may have more than one: pools, backends


class DriverError(ValueError):
    """Settings ask for drivers that a host cannot run; the message says which and why."""


@dataclass(frozen=True)
class Choice:
    """One driver of a host. `place`: what it is told of where it works, a pool's folder; "": the host's own folder."""

    kind: Kind
    name: str
    driver: str
    place: str = ""


@dataclass(frozen=True)
class Choices:
    """The drivers of a host, the default of each kind first."""

    of: Mapping[Kind, tuple[Choice, ...]]

    def main(self, kind: Kind) -> Choice:
        return self.of[kind][0]

    @property
    def is_fake(self) -> bool:
        """Whether these drivers pretend: no guest, link or disk is made."""
        return self.main("hypervisor").driver == FAKE

    @property
    def names(self) -> dict[str, str]:
        """Kind → name of its default driver."""
        return {kind: self.main(kind).driver for kind in KINDS}


def choose(named: Mapping[str, str] = {}, *, fake: bool = False) -> Choices:
    """Choose the drivers that settings ask for. `named`: kind → "name=driver:place, …"; a kind that is not named has its default, or with
    `fake` its fake one.

    Raises: DriverError.
    """
    found: dict[Kind, tuple[Choice, ...]] = {}
    for kind in KINDS:
        default = FAKE if fake else next(iter(DRIVERS[kind]))
        name = default if kind == "volume" else MAIN  # a backend's name stands in the wire's host@backend#pool
        found[kind] = tuple(_parse(kind, part) for part in (named.get(kind) or f"{name}={default}").split(","))
        names = [choice.name for choice in found[kind]]
        if len(set(names)) != len(names):
            raise DriverError(f"two {kind} drivers have one name: {', '.join(names)}")
        if len(names) > 1 and kind not in SEVERAL:
            raise DriverError(f"{', '.join(names)}: a host has one {kind} driver")
    drivers = {choice.driver for choices in found.values() for choice in choices}
    if FAKE in drivers and len(drivers) > 1:
        raise DriverError(
            "fake drivers work with fake drivers only; leave the others out, or set STACKLING_DRIVER=fake"
        )
    return Choices(found)


def _parse(kind: Kind, text: str) -> Choice:
    """Raises: DriverError."""
    name, _, rest = text.strip().partition("=")
    driver, _, place = rest.partition(":")
    if not name.replace("-", "").replace("_", "").isalnum() or driver not in DRIVERS[kind]:
        known = " or ".join(DRIVERS[kind])
        raise DriverError(f"{text.strip()!r} is no {kind} driver: write <name>=<driver>, where driver is {known}")
    if place and (kind not in SEVERAL or not place.startswith("/")):
        raise DriverError(
            f"{text.strip()!r}: only storage pools and volume backends have a place, which is a folder from the root: /…"
        )
    return Choice(kind, name, driver, place)
