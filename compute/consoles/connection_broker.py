"""Connection broker of consoles: hands the console proxy a guest's connection for a ticket, and ends it in time.

The proxy (cloud/run/consoles.py) parses what strangers send, so it runs as a user of its own, who reaches no guest, no
database and no key. It sends one message here, at run/door/consoles.sock (the folder keeps its older name): JSON
``{"ticket", "cookies"}``. The answer is ``{"view_only", "kind"}`` with the connection itself as a descriptor (SCM_RIGHTS),
or ``{"refused": sentence, "status"}``. The line stays open as long as the console is: whoever leaves first ends it.
Source: unix(7), Nova's console proxies, which ask a database likewise.
"""

import json
import logging
import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, close_old_connections

from common import file_modes
from common.clock import now
from common.errors import CloudError, Unavailable
from compute.consoles import opening, watch
from compute.consoles.models import ConsoleTicket

log = logging.getLogger("consoles")

LOOK_EVERY = 1.0  # seconds between two looks at whether each console may go on
SEEN_EVERY = 60.0
MOST = 1000  # lines of the proxy at a time
LONGEST = 8192  # bytes of a question


@dataclass
class _Console:
    ticket: str
    server: str
    kind: str
    guest: socket.socket


class ConnectionBroker:
    """One thread serves it: a look at the database is the slowest thing that it does."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        path.chmod(file_modes.socket_mode(path.parent))
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._open: dict[socket.socket, _Console | None] = {}  # None: has not asked yet
        self._look_at = self._seen_at = 0.0

    def run(self) -> None:
        while True:
            try:
                self.step()
            except DatabaseError:
                log.warning("the database cannot be asked whether consoles may go on", exc_info=True)
                time.sleep(LOOK_EVERY)
            except Exception:  # one console's fault ends no other
                log.exception("the connection broker of consoles failed")
                time.sleep(LOOK_EVERY)

    def step(self, wait: float = LOOK_EVERY) -> None:
        """Serve what came, then look again at each console that is open if a second has passed."""
        for key, _events in self._selector.select(wait):
            line: Any = key.fileobj
            if line is self._listener:
                self._accept()
            elif self._open[line] is None:
                self._ask(line)
            else:  # nothing is said on the line of an open console: the proxy has left
                self._leave(line)
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY
            close_old_connections()
            self.look()

    def close(self) -> None:
        for line in [*self._open]:
            self._leave(line)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        line, _address = self._listener.accept()
        if len(self._open) >= MOST:
            line.close()
            return
        line.setblocking(False)
        self._open[line] = None
        self._selector.register(line, selectors.EVENT_READ)

    def _ask(self, line: socket.socket) -> None:
        try:
            console, kind = self._opened(line.recv(LONGEST))
        except (CloudError, DatabaseError) as error:
            self._refuse(line, error)
        except (ValueError, TypeError, KeyError, OSError, RecursionError):  # no question of the proxy's
            self._leave(line)
        else:
            try:
                socket.send_fds(line, [json.dumps(kind).encode()], [console.guest.fileno()])
            except OSError:
                console.guest.close()
                self._leave(line)
                return
            self._open[line] = console
            log.info("%s console of %s opened", console.kind, console.server)

    def _opened(self, request: bytes) -> tuple[_Console, dict[str, Any]]:
        question = json.loads(request)
        ticket = opening.find(str(question["ticket"]), [str(cookie) for cookie in question["cookies"]])
        guest = opening.connect(ticket)
        try:
            opening.spend(ticket)
        except BaseException:
            guest.close()
            raise
        facts = {"kind": ticket.kind, "view_only": ticket.view_only}
        return _Console(ticket.pk, ticket.server_id, ticket.kind, guest), facts

    def _refuse(self, line: socket.socket, error: Exception) -> None:
        if isinstance(error, CloudError):
            said = {"refused": error.message, "status": 503 if isinstance(error, Unavailable) else 403}
        else:
            said = {"refused": "The database cannot be asked now. Try again in a few seconds.", "status": 503}
        log.warning("a console is refused: %s", said["refused"])
        with suppress(OSError):
            line.send(json.dumps(said).encode())
        self._leave(line)

    def look(self) -> None:
        """End each console whose ticket is gone, or whose right is."""
        lines = {console.ticket: line for line, console in self._open.items() if console}
        rows = {row.pk: row for row in ConsoleTicket.objects.filter(pk__in=list(lines))}
        for ticket, line in lines.items():
            row = rows.get(ticket)
            if row is None or not watch.may_go_on(row):
                self._cut(line)
        if rows and time.monotonic() >= self._seen_at:
            self._seen_at = time.monotonic() + SEEN_EVERY
            ConsoleTicket.objects.filter(pk__in=list(rows)).update(seen_at=now())

    def _cut(self, line: socket.socket) -> None:
        console = self._open[line]
        if console:
            log.info("%s console of %s is cut: what it was opened by ended", console.kind, console.server)
            with suppress(OSError):
                console.guest.shutdown(socket.SHUT_RDWR)  # for the proxy too, whatever it does
        self._leave(line)

    def _leave(self, line: socket.socket) -> None:
        console = self._open.pop(line, None)
        self._selector.unregister(line)
        line.close()
        if console:
            console.guest.close()
            watch.forget(console.ticket)


def serve(path: Path) -> ConnectionBroker:
    """Serves from a thread of its own for as long as this process lives."""
    broker = ConnectionBroker(path)
    threading.Thread(target=broker.run, name="consoles", daemon=True).start()
    return broker
