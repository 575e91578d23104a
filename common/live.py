"""Saying that something changed: never what it is now, only which, so that each page asks for what it may see."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from channels.layers import get_channel_layer
from django.conf import settings
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
    is_event: bool
    told: "Told"

    def __call__(self) -> None:
        """Announce the change after the commit. A failure is logged only: other callbacks wait for the same commit."""
        try:
            groups, change, _at = self.told
            _enqueue((groups, change, time.monotonic()))
        except Exception:
            log.exception("live: a change of %s %s was not announced", self.kind, self.id)


def announce(
    kind: str,
    id: str,
    project_id: str | None = None,
    revision: int | None = None,
    *,
    rooms: Iterable[str] = (),
    what: str = "update",
    before: str = "",
    after: str = "",
    is_event: bool = True,
) -> None:
    """Say that `kind` `id` changed: a row of the outbox in this transaction, and after its commit a hint to sockets.

    The sockets of the project, of the operators, of the object's audience and of `rooms` hear the hint. `what` was done, from which state
    to which. A broken channel layer loses a hint, never a fact: pages read everything anew when their socket is back, or when it hears
    that something was lost. Not `is_event`: a hint alone, for what is no change of an object, such as a console's further lines.
    """
    change: Change = {"changed": kind, "id": id, "revision": revision}
    own = (f"project.{project_id}", "admin") if project_id else ("admin",)
    others = [room for audience in _audiences for room in audience(kind, id)]
    groups = (*own, *dict.fromkeys([*others, *rooms]))
    said = Announcement(kind, id, project_id, what, before, after, _cause_of_now(), is_event, (groups, change, 0.0))
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(said)
    else:
        with transaction.atomic():
            transaction.on_commit(said)


Change = dict[str, object]
Told = tuple[tuple[str, ...], Change, float]  # the groups that may hear it, what changed, when it was committed

#: The one group of the channel layer: each sockets process listens to it, and tells its own sockets what is theirs.
GROUP = "live"
GATHER = 0.05  # seconds that changes are collected before they are told: what changes twice is told once
REPEAT = 1.0  # seconds after which the last number is said once more, so that a loss shows though nothing follows
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_born = time.time_ns()
_pending: list[Told] = []
_ready = threading.Condition()
_thread: threading.Thread | None = None
_number = 0
_told_at = 0.0  # when the batch of that number had left


def boot() -> str:
    """Return the id of this start of the machine: moments of the monotonic clocks of two starts cannot be compared."""
    return _BOOT.read_text().strip()


def moment() -> str:
    """Return this moment, for `read_moment`. A page that keeps it can ask later what changed since."""
    return f"{boot()}/{time.monotonic():.6f}"


def read_moment(text: str) -> float | None:
    """Seconds of this machine's clock; None for a moment of another one, or of before a restart."""
    where, _slash, seconds = text.partition("/")
    try:
        return float(seconds) if where == boot() else None
    except ValueError:
        return None


def _enqueue(told: Told) -> None:
    """Hand the change to a thread, so that no request waits for the channel layer."""
    if getattr(settings, "LIVE_INLINE", False):
        _send([told])
        return
    global _thread
    with _ready:
        _pending.append(told)
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="live", daemon=True)
            _thread.start()
        _ready.notify()


def _run() -> None:
    owes = False  # whether the last number may not have been heard
    while True:
        with _ready:
            _ready.wait_for(lambda: bool(_pending), REPEAT if owes else None)
            quiet = not _pending
        if not quiet:
            time.sleep(GATHER)
        with _ready:
            batch = _pending[:]
            _pending.clear()
        owes = not _send(batch) or bool(batch)


_own = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    """This thread's event loop, kept: the channel layer keeps a connection for each loop."""
    if not hasattr(_own, "loop"):
        _own.loop = asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = _own.loop
    return loop


def _send(batch: list[Told]) -> bool:
    """Tell a batch under the next number, or an empty one under the last number. Whether the channel layer took it.

    `before`: when this publisher last sent something, for subscribers that meet it for the first time.
    """
    global _number, _told_at
    layer = get_channel_layer()
    if layer is None:
        return True
    _number += bool(batch)
    latest = {(groups, change["changed"], change["id"]): (groups, change, at) for groups, change, at in batch}
    message = {
        "type": "changes",
        "from": f"{os.getpid()}.{_born}",
        "number": _number,
        "boot": boot(),
        "before": _told_at,
    }
    try:
        _loop().run_until_complete(layer.group_send(GROUP, {**message, "changes": list(latest.values())}))
    except Exception as error:  # noqa: BLE001 - the layer is a hint: its loss must not fail what was committed
        if batch:
            log.warning("live: %s changes were not announced: %s", len(batch), error)
        return False
    finally:
        if batch:
            _told_at = time.monotonic()
    return True
