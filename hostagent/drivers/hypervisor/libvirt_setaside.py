"""A domain that nobody knows: told of, stopped as its user would stop it, and taken away; given back from its XML."""

import shutil
import time
from pathlib import Path
from typing import Final

import libvirt

from hostagent.agent.job import Job
from hostagent.agent.serial_queues import Later
from hostagent.contract import states
from hostagent.drivers.hypervisor.libvirt_link import state_of
from hostagent.drivers.hypervisor.libvirt_types import Domain

SHUTDOWN_SECONDS: Final = 30.0  # for the guest to power off by itself: what it has not yet written is written
BUTTON_EVERY: Final = 5.0  # a guest that boots misses the ACPI button
SAVED: Final = Path("/var/lib/libvirt/qemu/save")  # libvirt's memory of suspended domains, <name>.save


def xml_of(domain: Domain) -> str:
    """Return the whole description, so that the same domain can be defined again."""
    return str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))


def take_away(domain: Domain, place: Path, job: Job) -> None:
    """Stop and undefine; the memory of a suspended one is kept in `place`."""
    power_off(domain, job)
    memory = SAVED / f"{domain.name()}.save"
    if domain.hasManagedSaveImage() and memory.exists():
        shutil.copyfile(memory, place / "memory.new")
        (place / "memory.new").replace(place / "memory")
    domain.undefineFlags(
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    )


def power_off(domain: Domain, job: Job) -> None:
    """By its ACPI button; by force after SHUTDOWN_SECONDS, and at once where it is paused and cannot hear the button.

    Raises: Later while it may still end by itself: the verb begins again, and no thread waits.
    """
    until = job.notes.setdefault("until", time.monotonic() + min(SHUTDOWN_SECONDS, max(0.0, job.seconds_left - 10)))
    if not domain.isActive():
        return
    try:
        if states.is_paused(state_of(domain)) or time.monotonic() >= until:
            domain.destroy()
            return
        if time.monotonic() >= job.notes.get("press", 0.0):
            job.notes["press"] = time.monotonic() + BUTTON_EVERY
            domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    except libvirt.libvirtError as error:  # it ended between the look and the call
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
    raise Later(1.0)
