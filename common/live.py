"""Saying that something changed: never what it is now, only which, so that each page asks for what it may see.

A change that is announced is a row of the outbox, committed with what changed. After the commit a nudge through the channel layer tells
those who give events to sockets to read on (portal.subscriptions). A nudge says nothing more: one that is lost, also because its process
died, delays what it was about and loses nothing.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)

_audiences: list[Callable[[str, str], Iterable[str]]] = []


def on_announce(audience: Callable[[str, str], Iterable[str]]) -> None:
    """Have `audience(kind, id)` say which groups hear of an object besides its project."""
    if audience not in _audiences:
        _audiences.append(audience)


@dataclass(frozen=True, slots=True)
class Cause:
    """On whose behalf something changes; both empty for what the cloud does by itself."""

    user_id: str = ""
    request_id: str = ""


#: Set where a thread works for a user whose request is over, as a flow's step does.
cause: ContextVar[Cause | None] = ContextVar("cause", default=None)
_cause_of_now: Callable[[], Cause] = Cause


def use(cause_of_now: Callable[[], Cause]) -> None:
    """Set by `outbox`: whom this thread works for."""
    global _cause_of_now
    _cause_of_now = cause_of_now


@dataclass(slots=True)
class Announcement:
    """The announcement of one change: among a transaction's on_commit hooks, where the outbox finds it before the commit."""

    kind: str
    id: str
    project_id: str | None
    what: str
    before: str
    after: str
    cause: Cause
    rooms: tuple[str, ...]  # who hears of it besides the project and operators

    def __call__(self) -> None:
        """Say after the commit that there is something to read. A failure is logged only: other callbacks wait for the same commit."""
        try:
            _nudge()
        except Exception:
            log.exception("live: a change of %s %s will be told late", self.kind, self.id)


def announce(
    kind: str,
    id: str,
    project_id: str | None = None,
    *,
    rooms: Iterable[str] = (),
    what: str = "update",
    before: str = "",
    after: str = "",
) -> None:
    """Say that `kind` `id` changed: a row of the outbox in this transaction, of which the sockets that it concerns are told.

    Those are the sockets of the project, of the operators, of the object's audience as it is now, and of `rooms`. `what` was done, from
    which state to which.
    """
    others = [room for audience in _audiences for room in audience(kind, id)]
    heard = tuple(dict.fromkeys([*others, *rooms])) if others or rooms else ()
    said = Announcement(kind, id, project_id, what, before, after, _cause_of_now(), heard)
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        connection.on_commit(said)
    else:
        with transaction.atomic():
            connection.on_commit(said)


Change = dict[str, object]  # what a socket says

#: The one group of the channel layer: each sockets process listens to it, and reads the outbox on.
GROUP = "live"
GATHER = 0.05  # seconds in which further changes are waited for: one nudge is for all of them
_due = threading.Event()  # there are changes since the last nudge
_starting = threading.Lock()
_thread: threading.Thread | None = None


def _nudge() -> None:
    """Have a thread say that there is something to read, so that no request waits for the channel layer."""
    global _thread
    if _due.is_set() and _thread is not None and _thread.is_alive():
        return  # the nudge that is due is for this change too
    with _starting:
        _due.set()
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="live", daemon=True)
            _thread.start()


def _run() -> None:
    while True:
        _due.wait()
        time.sleep(GATHER)
        _due.clear()  # before it is sent: what is committed later needs another
        _send()


_own = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    """This thread's event loop, kept: the channel layer keeps a connection for each loop."""
    if not hasattr(_own, "loop"):
        _own.loop = asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = _own.loop
    return loop


def _send() -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        _loop().run_until_complete(layer.group_send(GROUP, {"type": "changes"}))
    except Exception as error:  # noqa: BLE001 - its loss delays what was committed by some seconds
        log.warning("live: changes will be told late: %s", error)
