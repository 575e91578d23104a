"""The verbs of power of the driver Libvirt."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import libvirt

from hostagent.agent.job import Job
from hostagent.agent.serial_queues import Later
from hostagent.contract import Verb, states
from hostagent.contract.server import (
    SERVER_PAUSE,
    SERVER_REBOOT,
    SERVER_RESUME,
    SERVER_STOP,
    SERVER_SUSPEND,
    SERVER_UNPAUSE,
    DomainState,
)
from hostagent.drivers.hypervisor.libvirt_link import LibvirtLink, is_stalled, state_of
from hostagent.drivers.hypervisor.libvirt_types import Connection, Domain

BUTTON_EVERY: Final = 5.0  # a guest that boots misses the ACPI button: pressed again
STOP_LOOK: Final = 1.0  # seconds between looks at a guest that is to stop; the event of its end comes sooner
REBOOT_SECONDS: Final = 60.0  # for a guest to shut down by itself before a soft reboot becomes a hard one


class Driver(Protocol):
    """The parts of Libvirt that its verbs of power use."""

    _link: LibvirtLink

    def _existing(self, connection: Connection, server_id: str) -> Domain: ...

    def _know(self, server_id: str, state: str) -> str: ...

    def create(self, domain: Domain, server_id: str) -> None:
        """Start a domain."""

    def recover(self, domain: Domain | None, server_id: str) -> None:
        """Make the root disk its own file again, whatever cut a snapshot of it."""


class PowerVerbs:
    """A part of Libvirt."""

    def power(self: Driver, server_id: str, job: Job) -> str:
        """Do the job's verb, with what its body says → the state that the domain has then."""

        def change(connection: Connection) -> str:
            domain = self._existing(connection, server_id)
            WAYS[job.verb](self, domain, job)
            return state_of(domain)

        return self._know(server_id, self._link.ask(change))


def stop(driver: Driver, domain: Domain, job: Job) -> None:
    _power_off(domain, job, float(job.body["timeout"]))


def _power_off(domain: Domain, job: Job, timeout: float) -> None:
    """Power off by the ACPI button; by force after `timeout` seconds, or at once where a guest cannot hear the button.

    Raises: Later while the guest may still end by itself: no thread waits for it.
    """
    if domain.hasManagedSaveImage():
        domain.managedSaveRemove()
    until = job.notes.setdefault("until", time.monotonic() + timeout)
    if not domain.isActive():
        return
    if state_of(domain) == "paused" or is_stalled(domain) or time.monotonic() >= until:
        unless_ended(domain.destroy)
        return
    if time.monotonic() >= job.notes.get("press", 0.0):
        job.notes["press"] = time.monotonic() + BUTTON_EVERY
        unless_ended(partial(domain.shutdownFlags, libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN))
    raise Later(min(STOP_LOOK, max(0.05, until - time.monotonic())))


def reboot(driver: Driver, domain: Domain, job: Job) -> None:
    if domain.isActive() and not job.notes.get("down"):
        patience = 0.0 if job.body["hard"] else max(0.0, min(REBOOT_SECONDS, job.seconds_left - 15))
        _power_off(domain, job, patience)
    job.notes["down"] = 1.0
    if not domain.isActive():
        driver.create(domain, job.body["server_id"])


def pause(driver: Driver, domain: Domain, job: Job) -> None:
    if is_stalled(domain):
        domain.resume()  # so that it is held by this, and not let go on once its disk is back
    if states.is_running(state_of(domain)):
        domain.suspend()


def unpause(driver: Driver, domain: Domain, job: Job) -> None:
    if state_of(domain) == "paused":
        domain.resume()


def suspend(driver: Driver, domain: Domain, job: Job) -> None:
    if domain.isActive():
        driver.recover(domain, job.body["server_id"])  # what is saved names the disk that is live now
        domain.managedSave()


def resume(driver: Driver, domain: Domain, job: Job) -> None:
    if not domain.isActive():
        driver.create(domain, job.body["server_id"])
    elif state_of(domain) == "paused":
        domain.resume()


def unless_ended(ask: Callable[[], object]) -> None:
    """Call `ask`; nothing where the guest has ended by itself meanwhile, as it may at any moment: what was wanted then is so."""
    try:
        ask()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise


WAYS: Final[dict[Verb[Any, DomainState], Callable[[Driver, Domain, Job], None]]] = {
    SERVER_STOP: stop,
    SERVER_REBOOT: reboot,
    SERVER_PAUSE: pause,
    SERVER_UNPAUSE: unpause,
    SERVER_SUSPEND: suspend,
    SERVER_RESUME: resume,
}
