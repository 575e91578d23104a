"""Guests by libvirt and QEMU, with KVM where it proves itself, translated (TCG) where not."""

import logging
import time
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

import libvirt

from hostagent.agent.job import Job
from hostagent.console.console_log import ConsoleLogs
from hostagent.console.serial import SerialHub
from hostagent.contract import capabilities as can
from hostagent.contract import states
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import Failure
from hostagent.contract.reports import Event
from hostagent.contract.samples import ServerSample
from hostagent.contract.server import SERVER, Known, ServerSpec
from hostagent.drivers.context import HostContext
from hostagent.drivers.hypervisor import (
    HypervisorFacts,
    domain_xml,
    libvirt_daemons,
    libvirt_devices,
    libvirt_facts,
    libvirt_power,
    libvirt_secrets,
    libvirt_setaside,
    libvirt_snapshot,
    libvirt_users,
)
from hostagent.drivers.hypervisor.acceleration import Acceleration
from hostagent.drivers.hypervisor.libvirt_devices import DeviceVerbs
from hostagent.drivers.hypervisor.libvirt_link import LibvirtLink, is_stalled, is_starting, state_of
from hostagent.drivers.hypervisor.libvirt_power import PowerVerbs
from hostagent.drivers.hypervisor.libvirt_types import Connection, Domain

log = logging.getLogger(__name__)

OURS: Final = "instance-"  # how the names of our domains begin; others on a real host are left alone
KEEP_EVERY: Final = 3.0  # seconds between looks at the connection
STALLED_SECONDS: Final = 1.0  # for a disk that failed to come back before its guest is let go on
INSPECT_AFTER: Final = 0.3  # seconds from a lifecycle event to reading the state: events come in threes
STARTING_SECONDS: Final = 10.0  # for libvirtd to find out about a guest whose start was cut


class Libvirt(PowerVerbs, DeviceVerbs):
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            can.PAUSE, can.SUSPEND, can.SNAPSHOT, can.ATTACH_PORT, can.ATTACH_DISK, can.CONSOLE_VNC, can.CONSOLE_SERIAL,
            can.CONSOLE_LOG, can.CONFIG_DRIVE, can.KERNEL_IMAGES, can.REBOOT_SOFT, can.DISK_ISCSI,
        }
    )  # fmt: skip

    def __init__(self, host: HostContext) -> None:
        self._host = host
        self._storage = host.storage
        self._known: dict[str, str] = {}
        self._is_first = True  # the connection that opens next
        self.logs = ConsoleLogs(host)
        self.serial = SerialHub(self._places, on_bytes=self.logs.grew, threads=host.threads)
        self._link = LibvirtLink(
            host.name,
            host.threads,
            private=host.settings.private_mounts,
            on_change=self._changed,
            on_removed=lambda server_id: host.queues.wake(SERVER.of(server_id)),
            on_open=self._opened,
        )
        self._acceleration = Acceleration(host.own.data, host.settings.proof_kernel, on_verdict=host.inventory_changed)

    def _places(self, server_id: str) -> domain_xml.Places:
        return domain_xml.Places(self._host.own.run, self._host.own.data, server_id, self._host.bases)

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        if self._host.settings.private_mounts:
            libvirt_users.SHARES.start()
            libvirt_users.PROFILES.start()
            libvirt_daemons.configure(self._host.name, self._host.own.data, apparmor=not libvirt_users.PROFILES.reason)
        self._host.files.start()
        self.serial.start()
        self.logs.start()
        self._acceleration.start()
        try:
            self._link.connection()
        except Failure as failure:  # heard as an inventory without a version; each cast says it again
            log.error("%s: %s", self._host.name, failure.data)
        self._host.timers.after(KEEP_EVERY, self._keep, every=KEEP_EVERY)

    @property
    def is_up(self) -> bool:
        return self._link.is_up

    def stop(self) -> None:
        self.serial.stop()
        self.logs.stop()
        self._link.close()

    def _keep(self) -> None:
        if not self._host.queues.busy("libvirtd"):
            self._host.queues.submit("libvirtd", self._keep_link, pool="aside")

    def _keep_link(self) -> None:
        try:
            self._link.keep()
        except Failure as failure:
            log.error("%s: %s", self._host.name, failure.data)

    def _opened(self) -> None:
        """A new connection: what happened meanwhile, nobody told us. What the first one finds is no event: a guest that a reboot
        or a power cut of this machine ended has not ended by itself. Control reads it at our hello and starts what should run."""
        first, self._is_first = self._is_first, False
        for server_id, state in self.read_states().items():
            self._known.update({server_id: state} if first else {})
            self._changed(server_id, False)
            self._host.queues.submit(SERVER.of(server_id), partial(self._take_up, server_id))
            self.serial.watch(server_id)
            self.logs.grew(server_id, b"")
        if first:
            self._host.hypervisor_found()

    def _changed(self, server_id: str, started: bool) -> None:
        """A lifecycle event. Read what it led to, behind the verb that may have caused it."""
        if started:
            self.logs.began(server_id)
            self.serial.watch(server_id)
        self._host.queues.wake(SERVER.of(server_id))  # a stop may wait for this
        self._host.timers.after(
            INSPECT_AFTER, lambda: self._host.queues.submit(SERVER.of(server_id), lambda: self._inspect(server_id))
        )

    def _inspect(self, server_id: str) -> None:
        try:
            state = self.read_states().get(server_id, states.ABSENT)
        except Failure:
            return  # the next connection looks again
        if self._known.get(server_id) != state:
            self._known[server_id] = state
            self._host.reporter.event(Event.STATE, server_id=server_id, state=state)
        if states.is_running(state):
            self._look_for_stall(server_id)

    def _look_for_stall(self, server_id: str) -> None:
        """Let a guest go on that an error of a disk has stopped, after a while: it stops again where the disk is not back, and comes here."""
        try:
            stalled = self._link.ask(lambda c: is_stalled(self._domain(c, server_id)))
        except Failure:
            return  # the next connection looks again
        if stalled:
            log.warning("%s: %s stands still: one of its disks fails", self._host.name, server_id)
            again = lambda: self._host.queues.submit(SERVER.of(server_id), lambda: self._let_go_on(server_id))  # noqa: E731
            self._host.timers.after(STALLED_SECONDS, again)

    def _let_go_on(self, server_id: str) -> None:
        def change(connection: Connection) -> None:
            domain = self._domain(connection, server_id)
            if domain is not None and is_stalled(domain):
                libvirt_power.unless_ended(domain.resume)

        try:
            self._link.ask(change)
        except Failure as failure:
            log.error("%s: %s stands still: %s", self._host.name, server_id, failure.data)

    def _take_up(self, server_id: str) -> None:
        """A guest that is found: its share again (a stop of the unit took it), and the end of what a snapshot left."""

        def change(connection: Connection) -> None:
            if (domain := self._domain(connection, server_id)) is not None and domain.isActive():
                libvirt_users.share(domain, self._places(server_id))
            if self._storage.overlays(server_id).are_listed():
                self.recover(domain, server_id)

        try:
            self._link.ask(change)
        except Failure as failure:  # an overlay is tried again before its next start or snapshot
            log.error("%s is not taken up: %s", server_id, failure.data)

    def _know(self, server_id: str, state: str) -> str:
        self._known[server_id] = state
        return state

    # ── Domains ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _domain(self, connection: Connection, server_id: str) -> Domain | None:
        """None if there is none. One cast a server at a time: a start that is under way now was begun by a libvirtd that died."""
        try:
            domain = connection.lookupByUUIDString(server_id)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise
        until = time.monotonic() + STARTING_SECONDS
        while is_starting(domain) and time.monotonic() < until:
            time.sleep(0.1)
        return domain

    def _existing(self, connection: Connection, server_id: str) -> Domain:
        domain = self._domain(connection, server_id)
        if domain is None:
            raise Failure("not_found", what="server", id=server_id)
        return domain

    def ensure(self, spec: ServerSpec, job: Job) -> str:
        server_id = spec["server_id"]
        parts = self._parts(spec, job)
        places = self._places(server_id)
        proven = self._acceleration.verdict(within=job.seconds_left - STARTING_SECONDS)

        def change(connection: Connection) -> str:
            domain = self._domain(connection, server_id)
            libvirt_secrets.keep(connection, spec.get("secrets") or {})
            self.recover(domain, server_id)  # before a definition names the disk as it was
            xml = "" if domain is None else domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
            # one that ran with KVM goes on so: a proof that failed on a busy machine makes no guest slow for good
            kvm = proven or (domain_xml.is_kvm(xml) and self._acceleration.is_there())
            if domain is None or domain_xml.read_hash(xml) != domain_xml.spec_hash(spec, kvm=kvm):
                domain = connection.defineXML(domain_xml.build(spec, places, parts, kvm=kvm))
            state = state_of(domain)
            if spec["power"] == "off" and states.is_active(state):
                libvirt_power.unless_ended(domain.destroy)
            elif spec["power"] != "off" and states.is_paused(state):
                domain.resume()
            elif spec["power"] != "off" and not states.is_running(state):
                self.create(domain, server_id)
            return state_of(domain)

        return self._know(server_id, self._link.ask(change))

    def _parts(self, spec: ServerSpec, job: Job) -> domain_xml.Parts:
        """All that the domain opens, made ready. Raises: Failure."""
        server_id, storage = spec["server_id"], self._storage
        drive, kernel, ramdisk = spec.get("config_drive"), spec.get("kernel"), spec.get("ramdisk")
        return domain_xml.Parts(
            disks=[self._host.locate(server_id, disk["source"], job) for disk in spec["disks"]],
            vifs=[self._host.network.driver.bind(port) for port in spec["ports"]],
            config_drive=self._host.files.ensure_config_drive(server_id, drive) if drive else None,
            kernel=storage.ensure_image(kernel, job) if kernel else None,
            ramdisk=storage.ensure_image(ramdisk, job) if ramdisk else None,
        )

    def create(self, domain: Domain, server_id: str) -> None:
        """Start a domain, and listen to its serial port from its first word."""
        self.recover(domain, server_id)
        libvirt_users.create(domain, self._places(server_id))
        self.logs.began(server_id)
        self.serial.watch(server_id)

    def recover(self, domain: Domain | None, server_id: str) -> None:
        """Make the root disk its own file again, whatever cut a snapshot of it. `domain` None: there is none, only files."""
        libvirt_snapshot.recover(domain, self._storage, server_id)

    def remove(self, server_id: str, job: Job) -> None:
        def change(connection: Connection) -> None:
            domain = self._domain(connection, server_id)
            if domain is None:
                return
            if domain.isActive():
                libvirt_power.unless_ended(domain.destroy)
            secrets = libvirt_secrets.named_in(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            domain.undefineFlags(
                libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
            )
            libvirt_secrets.forget(connection, secrets)

        self._link.ask(change)
        self._forget(server_id)

    def _forget(self, server_id: str) -> None:
        self._known.pop(server_id, None)
        places = self._places(server_id)
        libvirt_users.forget(places)
        self.serial.forget(server_id)
        self.logs.forget(server_id)
        for path in (places.vnc, places.serial_guest, places.agent):
            path.unlink(missing_ok=True)

    def describe(self, server_id: str) -> Known:
        def inspect(connection: Connection) -> tuple[str, str]:
            domain = self._domain(connection, server_id)
            return (states.ABSENT, "") if domain is None else (state_of(domain), libvirt_setaside.xml_of(domain))

        state, xml = self._link.ask(inspect)
        return {"state": state, "xml": xml, "record": self._host.files.read_record(server_id)}

    def put_aside(self, server_id: str, place: Path, job: Job) -> None:
        def change(connection: Connection) -> None:
            if (domain := self._domain(connection, server_id)) is not None:
                libvirt_setaside.take_away(domain, place, job)

        self._link.ask(change)
        self._forget(server_id)

    def define(self, server_id: str, xml: str, job: Job) -> None:
        def change(connection: Connection) -> None:
            if self._domain(connection, server_id) is None:
                connection.defineXML(xml)

        self._link.ask(change)

    def holders(self, volume_id: str) -> list[str]:
        def find(connection: Connection) -> list[str]:
            ours = [domain for domain in connection.listAllDomains() if domain.name().startswith(OURS)]
            return [domain.UUIDString() for domain in ours if libvirt_devices.has_volume(domain, volume_id)]

        return self._link.ask(find)

    # ── Snapshots ───────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        return self._link.ask(lambda c: libvirt_snapshot.take(self._existing(c, server_id), self._storage, name, job))

    # ── Facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def read_states(self) -> dict[str, str]:
        return self._link.ask(
            lambda c: {
                domain.UUIDString(): state_of(domain) for domain in c.listAllDomains() if domain.name().startswith(OURS)
            }
        )

    def read_samples(self) -> dict[str, ServerSample]:
        return self._link.ask(lambda c: libvirt_facts.of_guests(c, OURS))

    def read_facts(self) -> HypervisorFacts:
        return {
            **libvirt_facts.of_host(),
            "hypervisor": "QEMU",
            "hypervisor_version": self._link.ask(lambda c: c.getVersion()),
            "acceleration": "kvm" if self._acceleration.kvm else "tcg",
            "acceleration_reason": self._acceleration.reason,
        }
