"""The verbs of the driver Libvirt about devices of a domain, while it runs and while it does not."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import libvirt
from lxml import etree

from hostagent.agent.job import Job
from hostagent.agent.serial_queues import Later
from hostagent.contract.failures import Failure
from hostagent.contract.server import DiskSpec, PortSpec
from hostagent.drivers.context import HostContext
from hostagent.drivers.hypervisor import domain_xml, libvirt_secrets, libvirt_users
from hostagent.drivers.hypervisor.libvirt_link import LibvirtLink
from hostagent.drivers.hypervisor.libvirt_types import Connection, Domain, Element, attribute

TRY_EVERY: Final = 5.0  # seconds a guest has to let go before it is asked again
LOOK_EVERY: Final = 1.0  # seconds between looks at a guest that is to let go; the event comes sooner
GIVE_UP: Final = 30.0  # seconds after which a detach has failed: the guest is paused or does not listen

Find = Callable[[Element], Element | None]  # the root element of a domain → the device's element or None


class Driver(Protocol):
    """The parts of Libvirt that its verbs about devices use."""

    _host: HostContext
    _link: LibvirtLink

    def _existing(self, connection: Connection, server_id: str) -> Domain: ...

    def _places(self, server_id: str) -> domain_xml.Places: ...


class DeviceVerbs:
    """A part of Libvirt."""

    def ensure_port(self: Driver, server_id: str, port: PortSpec, job: Job) -> None:
        element = domain_xml.port_element(port, self._host.network.driver.bind(port))
        self._link.ask(lambda c: attach(self._existing(c, server_id), element, by_mac(port["mac"])))

    def remove_port(self: Driver, server_id: str, port: PortSpec, job: Job) -> None:
        find = by_mac(port["mac"])
        self._link.ask(lambda c: detach(self._existing(c, server_id), find, job))

    def ensure_disk(self: Driver, server_id: str, disk: DiskSpec, secrets: Mapping[str, str], job: Job) -> None:
        element = domain_xml.disk_element(disk, self._host.locate(server_id, disk["source"], job))

        def change(connection: Connection) -> None:
            domain = self._existing(connection, server_id)
            libvirt_secrets.keep(connection, secrets)
            libvirt_users.admit(domain, self._places(server_id), element)
            attach(domain, element, by_serial(disk["serial"]))

        self._link.ask(change)

    def remove_disk(self: Driver, server_id: str, disk: DiskSpec, job: Job) -> None:
        find, source = by_serial(disk["serial"]), disk["source"]

        def change(connection: Connection) -> None:
            detach(self._existing(connection, server_id), find, job)
            if source["kind"] == "network" and "auth" in source:
                libvirt_secrets.forget(connection, [source["auth"]["secret"]])

        self._link.ask(change)


def by_mac(mac: str) -> Find:
    return lambda root: next(
        (d for d in root.iterfind("devices/interface") if attribute(d, "mac", "address").lower() == mac.lower()), None
    )


def by_serial(serial: str) -> Find:
    return lambda root: next((d for d in root.iterfind("devices/disk") if d.findtext("serial") == serial[:20]), None)


def has_volume(domain: Domain, volume_id: str) -> bool:
    """Whether a domain has a volume, now or at its next start. Where a volume lies, each driver names its id."""
    kept = libvirt.VIR_DOMAIN_XML_INACTIVE
    return any(volume_id in domain.XMLDesc(flags) for flags in ((0, kept) if domain.isActive() else (kept,)))


def inspect(domain: Domain, find: Find, *, inactive: bool) -> Element | None:
    return find(etree.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0).encode()))


def attach(domain: Domain, element: Element, find: Find) -> None:
    """Attach a device, now and at the next start, unless it is there."""
    xml = etree.tostring(element, encoding="unicode")
    if inspect(domain, find, inactive=True) is None:
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    if domain.isActive() and inspect(domain, find, inactive=False) is None:
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def detach(domain: Domain, find: Find, job: Job) -> None:
    """Detach a device, now and at the next start: it is gone once the guest has let go of it.

    A return of the call is no sign that the guest let go: libvirt's event is, and it wakes the server's serial queue.
    Raises: Later while the guest may still let go; Failure timed_out when it does not (a paused one cannot).
    """
    kept = inspect(domain, find, inactive=True)
    if kept is not None:
        domain.detachDeviceFlags(etree.tostring(kept, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    live = inspect(domain, find, inactive=False) if domain.isActive() else None
    if live is None:
        return
    if job.seconds > GIVE_UP or job.seconds_left < 0:
        raise Failure("timed_out", seconds=job.seconds)
    if time.monotonic() >= job.notes.get("ask", 0.0):
        job.notes["ask"] = time.monotonic() + TRY_EVERY
        _ask_to_let_go(domain, live)
    raise Later(LOOK_EVERY)


def _ask_to_let_go(domain: Domain, live: Element) -> None:
    try:
        domain.detachDeviceFlags(etree.tostring(live, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_OPERATION_FAILED):
            raise  # else it is under way
