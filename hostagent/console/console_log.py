"""Console logs: from virtlogd's files to control's copies, and the login prompt in them.

virtlogd writes what QEMU says, agent or no agent. Here each file is read from where control's copy ends and sent on
as `PUT /internal/servers/<id>/log?offset=N` (the body belongs at byte N of control's copy), at most once a second for
one server. Where we are is kept in a journal, so a new agent goes on.
"""

import logging
import re
import threading
import time
from pathlib import Path
from typing import Any, Final

from hostagent.agent.control_link import ControlError
from hostagent.contract.reports import Event
from hostagent.drivers.context import HostContext
from hostagent.process.journal import Journal

log = logging.getLogger(__name__)

PUSH_EVERY: Final = 1.0  # seconds between two pieces of one log
FIRST_PUSH: Final = 0.3  # seconds from the first byte to the first piece
RETRY_AFTER: Final = 5.0  # seconds after control could not be reached
PIECE: Final = 256 * 1024
LOGIN: Final = re.compile(rb"login: ?$", re.MULTILINE)
KEEP: Final = 64  # bytes of the last piece, for a prompt cut in two


class ConsoleLogs:
    def __init__(self, host: HostContext) -> None:
        self._host = host
        self._folder = host.own.data / "consoles"
        #: server id → {"inode", "base": bytes in files rolled over, "sent": bytes control has}
        self._marks = Journal(host.own.data / "console-logs.jsonl")
        self._tails: dict[str, bytes] = {}
        self._prompted: set[str] = set()
        self._due: dict[str, float] = {}
        self._wake = threading.Condition()
        self._stopped = False

    def start(self) -> None:
        self._host.threads.keep("console-logs", self._run)

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def began(self, server_id: str) -> None:
        """Note that the guest starts anew: its next prompt is a new fact."""
        self._prompted.discard(server_id)
        self._tails.pop(server_id, None)

    def grew(self, server_id: str, piece: bytes) -> None:
        """Take what the guest said (with no bytes: look whether it said anything)."""
        if piece and server_id not in self._prompted:
            seen = self._tails.get(server_id, b"") + piece
            self._tails[server_id] = seen[-KEEP:]
            if LOGIN.search(seen):
                self._prompted.add(server_id)
                self._host.reporter.event(Event.LOGIN, server_id=server_id)
        with self._wake:
            if server_id not in self._due:
                self._due[server_id] = time.monotonic() + FIRST_PUSH
                self._wake.notify()

    def forget(self, server_id: str) -> None:
        with self._wake:
            self._due.pop(server_id, None)
        self._marks.drop(server_id)
        self._prompted.discard(server_id)
        self._tails.pop(server_id, None)

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._stopped:
                    return
                now = time.monotonic()
                ready = [server_id for server_id, due in self._due.items() if due <= now]
                if not ready:
                    self._wake.wait(min(self._due.values()) - now if self._due else None)
                    continue
                for server_id in ready:
                    del self._due[server_id]
            for server_id in ready:
                try:
                    self._push(server_id)
                except Exception:  # one log's trouble must not silence the others
                    log.exception("%s: the log of %s waits", self._host.name, server_id)
                    self._again(server_id, RETRY_AFTER)

    def _again(self, server_id: str, seconds: float) -> None:
        with self._wake:
            self._due.setdefault(server_id, time.monotonic() + seconds)

    def _push(self, server_id: str) -> None:
        path = self._folder / f"{server_id}.log"
        mark = self._mark(server_id, path)
        if mark is None:
            return
        with path.open("rb") as file:
            file.seek(mark["sent"] - mark["base"])
            piece = file.read(PIECE)
        if not piece:
            return
        try:
            self._host.link.append(f"/internal/servers/{server_id}/log?offset={mark['sent']}", piece)
        except ControlError as error:
            if error.status not in (404, 410):  # else control knows no such server: nobody will read its log
                log.info("%s: the log of %s waits: %s", self._host.name, server_id, error)
                self._again(server_id, RETRY_AFTER)
            return
        self._marks.set(server_id, {**mark, "sent": mark["sent"] + len(piece)})
        self._again(server_id, PUSH_EVERY)  # once more, for the bytes that virtlogd wrote after us

    def _mark(self, server_id: str, path: Path) -> dict[str, Any] | None:
        """The position from which to read on. A file with another inode was rolled over: counting goes on behind the old one."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        mark = self._marks.get(server_id)
        if mark is None:
            return {"inode": status.st_ino, "base": 0, "sent": 0}
        if mark["inode"] != status.st_ino or status.st_size < mark["sent"] - mark["base"]:
            return {"inode": status.st_ino, "base": mark["sent"], "sent": mark["sent"]}
        return dict(mark)
