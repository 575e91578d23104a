"""Serial ports: QEMU serves one client, the agent is that client, and viewers are served from here.

    QEMU  tty-<server>.sock  ←  SerialHub  →  serial-<server>.sock  ←  any number of viewers (through websockify)

A viewer first gets the last bytes (what the screen shows now), then all that follow; what any viewer types goes to the
guest. One thread and one selector for all servers of the host. The kept log is not written here: virtlogd writes it
from QEMU itself, so nothing is lost while no agent runs (console_log.py).
"""

import contextlib
import logging
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.process.threads import Threads

log = logging.getLogger(__name__)

REPLAY: Final = 16 * 1024  # bytes a new viewer gets of what was before
BACKLOG: Final = 256 * 1024  # bytes a slow viewer may be behind before it is cut
INPUT_LIMIT: Final = 64 * 1024  # typed bytes kept for a guest that does not read
TRY_EVERY: Final = 0.5  # seconds between tries to reach a guest's port
LISTEN_EVERY: Final = 5.0  # seconds between tries to make the socket for viewers
TRY_FOR: Final = 30.0  # seconds; a later start of the domain begins anew


@dataclass
class _Port:
    server_id: str
    places: Places
    recent: bytearray = field(default_factory=bytearray)
    guest: socket.socket | None = None
    listener: socket.socket | None = None
    typed: bytearray = field(default_factory=bytearray)
    viewers: dict[socket.socket, bytearray] = field(default_factory=dict)
    try_until: float = 0.0
    listen_after: float = 0.0  # when the socket for viewers is tried again


class SerialHub:
    """`on_bytes(server_id, piece)` is called from the hub's thread for each piece a guest says."""

    def __init__(
        self,
        places: Callable[[str], Places],
        on_bytes: Callable[[str, bytes], None],
        threads: Threads | None = None,
    ) -> None:
        self._threads = threads or Threads()
        self._places = places
        self._on_bytes = on_bytes
        self._ports: dict[str, _Port] = {}
        self._selector = selectors.DefaultSelector()
        self._calls: list[Callable[[], None]] = []
        self._bell_in, self._bell_out = os.pipe()
        os.set_blocking(self._bell_in, False)
        os.set_blocking(self._bell_out, False)
        self._selector.register(self._bell_in, selectors.EVENT_READ, lambda mask: None)
        self._stopped = False

    # ── From other threads ──────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        self._threads.keep("serial", self._run)

    def stop(self) -> None:
        self._stopped = True
        self._later(lambda: None)

    def watch(self, server_id: str) -> None:
        """Serve this server's port; its guest starts now or runs already."""
        self._later(lambda: self._watch(server_id))

    def forget(self, server_id: str) -> None:
        """Cut the viewers of a server that is gone."""
        self._later(lambda: self._forget(server_id))

    def _later(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        with contextlib.suppress(BlockingIOError):  # the pipe is full: it rings already
            os.write(self._bell_out, b"\0")

    # ── On the hub's thread ─────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        while not self._stopped:
            trying = any(self._wants(port) for port in self._ports.values())
            for key, mask in self._selector.select(TRY_EVERY if trying else None):
                if key.fd == self._bell_in:
                    os.read(self._bell_in, 4096)
                    continue
                self._safely(partial(key.data, mask))
            while self._calls:
                self._safely(self._calls.pop(0))
            for port in list(self._ports.values()):
                if self._wants(port):
                    self._safely(partial(self._serve, port))

    @staticmethod
    def _safely(call: Callable[[], None]) -> None:
        """One port's trouble must not silence the others."""
        try:
            call()
        except Exception:
            log.exception("a serial port failed")

    @staticmethod
    def _wants(port: _Port) -> bool:
        """Whether there is something to try again: its guest's end, or the socket for its viewers."""
        return port.listener is None or (port.guest is None and bool(port.try_until))

    def _serve(self, port: _Port) -> None:
        if port.guest is None and port.try_until:
            self._reach(port)
        if port.listener is None and time.monotonic() >= port.listen_after:
            port.listen_after = time.monotonic() + LISTEN_EVERY
            self._listen(port)

    def _watch(self, server_id: str) -> None:
        port = self._ports.get(server_id)
        if port is None:
            port = self._ports[server_id] = _Port(server_id, self._places(server_id))
            port.recent += _tail(port.places)
        port.try_until = time.monotonic() + TRY_FOR

    def _listen(self, port: _Port) -> None:
        port.places.serial.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(port.places.serial))
            port.places.serial.chmod(0o660)  # the group of its folder: the console proxy
            listener.listen(16)
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, lambda mask: self._accept(port))
        except BaseException:
            listener.close()
            raise
        port.listener = listener

    def _reach(self, port: _Port) -> None:
        guest = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            guest.connect(str(port.places.serial_guest))
        except OSError:  # not started yet, or ended: tried again until try_until
            guest.close()
            if time.monotonic() > port.try_until:
                port.try_until = 0.0
            return
        guest.setblocking(False)
        port.guest, port.try_until = guest, 0.0
        self._selector.register(guest, selectors.EVENT_READ, lambda mask: self._guest(port, mask))

    def _guest(self, port: _Port, mask: int) -> None:
        assert port.guest is not None
        if mask & selectors.EVENT_WRITE:
            self._type(port)
        if not mask & selectors.EVENT_READ:
            return
        try:
            piece = port.guest.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._lose_guest(port)
            return
        port.recent += piece
        del port.recent[:-REPLAY]
        for viewer in list(port.viewers):
            self._show(port, viewer, piece)
        self._on_bytes(port.server_id, piece)

    def _lose_guest(self, port: _Port) -> None:
        if port.guest is not None:
            self._selector.unregister(port.guest)
            port.guest.close()
        port.guest = None
        port.typed.clear()
        port.try_until = time.monotonic() + TRY_FOR  # a restart follows often

    def _type(self, port: _Port) -> None:
        if port.guest is None:
            return
        try:
            del port.typed[: port.guest.send(port.typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._lose_guest(port)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if port.typed else 0)
        self._selector.modify(port.guest, wanted, lambda mask: self._guest(port, mask))

    def _accept(self, port: _Port) -> None:
        assert port.listener is not None
        viewer, _ = port.listener.accept()
        viewer.setblocking(False)
        port.viewers[viewer] = bytearray()
        self._selector.register(viewer, selectors.EVENT_READ, lambda mask: self._viewer(port, viewer, mask))
        self._show(port, viewer, bytes(port.recent))

    def _viewer(self, port: _Port, viewer: socket.socket, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._show(port, viewer, b"")
        if not mask & selectors.EVENT_READ or viewer not in port.viewers:
            return
        try:
            typed = viewer.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            typed = b""
        if not typed:
            self._drop(port, viewer)
        elif len(port.typed) < INPUT_LIMIT and port.guest is not None:
            port.typed += typed
            self._type(port)

    def _show(self, port: _Port, viewer: socket.socket, piece: bytes) -> None:
        waiting = port.viewers[viewer]
        waiting += piece
        try:
            if waiting:
                del waiting[: viewer.send(waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(port, viewer)
            return
        if len(waiting) > BACKLOG:
            self._drop(port, viewer)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        self._selector.modify(viewer, wanted, lambda mask: self._viewer(port, viewer, mask))

    def _drop(self, port: _Port, viewer: socket.socket) -> None:
        self._selector.unregister(viewer)
        viewer.close()
        port.viewers.pop(viewer, None)

    def _forget(self, server_id: str) -> None:
        port = self._ports.pop(server_id, None)
        if port is None:
            return
        port.places.serial.unlink(missing_ok=True)
        for viewer in list(port.viewers):
            self._drop(port, viewer)
        for end in (port.guest, port.listener):
            if end is not None:
                self._selector.unregister(end)
                end.close()


def _tail(places: Places) -> bytes:
    """The last bytes of the kept log, so that a viewer who comes after a restart of the agent sees the screen too."""
    try:
        with places.log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - REPLAY))
            return file.read()
    except OSError:
        return b""
