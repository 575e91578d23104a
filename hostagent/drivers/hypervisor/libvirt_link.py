"""The one connection to libvirtd: opened, watched, opened again; its events; its errors as failures."""

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import libvirt

from hostagent.contract import states
from hostagent.contract.failures import Failure
from hostagent.drivers.hypervisor import libvirt_daemons
from hostagent.drivers.hypervisor.libvirt_types import Connection, Domain
from hostagent.process.threads import Threads

log = logging.getLogger(__name__)

URI: Final = f"qemu+unix:///system?socket={libvirt_daemons.SOCKET}"
KEEPALIVE: Final = (5, 3)  # seconds between, missed before the connection counts as lost
OPEN_SECONDS: Final = 10.0  # a libvirtd that was just killed still accepts, and answers nobody
LOST_SECONDS: Final = 10.0  # how long a question is asked again

#: libvirt's codes that mean the connection, not the request.
LOST: Final = {
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_INVALID_CONN,
    libvirt.VIR_ERR_RPC,
}

STATES: Final = {
    libvirt.VIR_DOMAIN_NOSTATE: states.RUNNING,
    libvirt.VIR_DOMAIN_RUNNING: states.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: states.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: states.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: states.RUNNING,
    libvirt.VIR_DOMAIN_SHUTOFF: states.SHUTOFF,
    libvirt.VIR_DOMAIN_CRASHED: states.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: states.PAUSED,
}

Answer = TypeVar("Answer")
_events_run = threading.Event()


def _run_events() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            log.exception("libvirt's event loop failed")
            time.sleep(1)


def start_events(threads: Threads) -> None:
    """Once a process, before the first connection: libvirt asks for that order."""
    if not _events_run.is_set():
        _events_run.set()
        libvirt.registerErrorHandler(lambda context, error: None, None)  # it would print each error to stderr
        libvirt.virEventRegisterDefaultImpl()
        threads.keep("libvirt-events", _run_events)


class LibvirtLink:
    """`on_change(server_id, started)` is called from libvirt's thread for each lifecycle event, `on_removed(server_id)` for
    each device that a guest has let go of."""

    def __init__(
        self,
        name: str,
        threads: Threads,
        *,
        private: bool,
        on_change: Callable[[str, bool], None],
        on_removed: Callable[[str], None],
        on_open: Callable[[], None],
    ) -> None:
        self._name = name
        self._private = private
        self._on_change = on_change
        self._on_open = on_open
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._on_removed = on_removed
        start_events(threads)

    # ── Connection ──────────────────────────────────────────────────────────────────────────────────────────────────

    def connection(self) -> Connection:
        """Raises: Failure hypervisor_down."""
        opened = False
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
                opened = True
            connection = self._connection
        if opened:
            self._on_open()
        return connection

    def _open(self) -> Connection:
        until = time.monotonic() + OPEN_SECONDS
        while True:
            try:
                return self._open_once()
            except libvirt.libvirtError as error:
                if time.monotonic() > until:
                    raise Failure("hypervisor_down", detail=str(error)) from error
            time.sleep(0.1)

    def _open_once(self) -> Connection:
        """Raises: libvirtError; Failure hypervisor_down when no daemon can be had."""
        libvirt_daemons.ensure(private=self._private)
        connection: Connection = libvirt.open(URI if self._private else "qemu:///system")
        connection.setKeepAlive(*KEEPALIVE)
        connection.registerCloseCallback(self._closed, None)
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._rebooted, None)
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._removed, None)
        return connection

    def _closed(self, connection: Connection, reason: int, opaque: object) -> None:
        log.warning("%s: the connection to libvirtd ended (reason %d)", self._name, reason)
        with self._lock:
            if self._connection is connection:
                self._connection = None

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as is known without asking."""
        return self._connection is not None

    def keep(self) -> None:
        """Open again what was lost; libvirtd too, if it died. Called each few seconds."""
        with self._lock:
            connection = self._connection
        if connection is not None and not connection.isAlive():
            self._closed(connection, -1, None)
        self.connection()

    def close(self) -> None:
        with self._lock:
            self._connection = None  # the process ends: libvirt closes it

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """`question(connection)`, asked again while connections are lost over it. Raises: Failure."""
        until = None  # counted from the first loss: it may take long until one is noticed
        while True:
            connection = self.connection()
            try:
                return question(connection)
            except libvirt.libvirtError as error:
                lost = error.get_error_code() in LOST or not connection.isAlive()
                until = until or time.monotonic() + LOST_SECONDS
                if not lost or time.monotonic() > until:
                    raise self.failure(error, lost=lost) from error
            self._closed(connection, -1, None)

    @staticmethod
    def failure(error: libvirt.libvirtError, *, lost: bool = False) -> Failure:
        code = error.get_error_code()
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            found = re.search(r"'([^']+)'", str(error))  # no domain with matching uuid '…' (name)
            return Failure("not_found", what="server", id=found[1] if found else "")
        return Failure("hypervisor_down" if lost or code in LOST else "hypervisor_refused", detail=str(error))

    # ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _lifecycle(self, connection: Connection, domain: Domain, event: int, detail: int, opaque: object) -> None:
        self._on_change(domain.UUIDString(), event == libvirt.VIR_DOMAIN_EVENT_STARTED)

    def _rebooted(self, connection: Connection, domain: Domain, opaque: object) -> None:
        self._on_change(domain.UUIDString(), True)

    def _removed(self, connection: Connection, domain: Domain, alias: str, opaque: object) -> None:
        self._on_removed(domain.UUIDString())


def state_of(domain: Domain) -> str:
    """Return one of contract.states.STATES."""
    if is_starting(domain):
        return states.SHUTOFF
    if is_stalled(domain):
        return states.RUNNING
    state = STATES[domain.state()[0]]
    return states.SAVED if states.is_shut_off(state) and domain.hasManagedSaveImage() else state


def is_stalled(domain: Domain | None) -> bool:
    """Whether a guest that runs was stopped by an error of one of its disks."""
    stalled = [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR]
    return domain is not None and list(domain.state()) == stalled


def is_starting(domain: Domain) -> bool:
    """Whether its start is under way; or was when libvirtd was killed, and the next one is about to end it."""
    state, reason = domain.state()
    if state == libvirt.VIR_DOMAIN_PAUSED:
        return bool(reason == libvirt.VIR_DOMAIN_PAUSED_STARTING_UP)
    return bool(state == libvirt.VIR_DOMAIN_SHUTOFF and domain.isActive())
