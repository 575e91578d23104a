"""Saying that something changed: never what it is now, only which, so that each page asks for what it may see."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)


_audiences: list[Callable[[str, str], Iterable[str]]] = []


def on_announce(audience: Callable[[str, str], Iterable[str]]) -> None:
    """Have `audience(kind, id)` say which groups hear of an object besides its project."""
    if audience not in _audiences:
        _audiences.append(audience)


def announce(
    kind: str, id: str, project_id: str | None = None, revision: int | None = None, *, rooms: Iterable[str] = ()
) -> None:
    """After commit, tell the sockets of the project, of the operators and of the object's audience that `kind` `id` changed.

    `rooms` hear it too. A broken channel layer loses a hint, never a fact: pages re-read every 10 s when their socket
    is silent.
    """
    message: dict[str, object] = {"changed": kind, "id": id, "revision": revision}
    own = (f"project.{project_id}", "admin") if project_id else ("admin",)
    others = [room for audience in _audiences for room in audience(kind, id)]
    groups = (*own, *dict.fromkeys([*others, *rooms]))
    transaction.on_commit(lambda: _enqueue(groups, message), robust=True)


_pending: list[tuple[tuple[str, ...], dict[str, object]]] = []
_ready = threading.Condition()
_thread: threading.Thread | None = None
GATHER = 0.05  # seconds that changes are collected before they are told: what changes twice is told once


def _enqueue(groups: tuple[str, ...], message: dict[str, object]) -> None:
    """Hand the message to a thread, so that no request waits for the channel layer."""
    if getattr(settings, "LIVE_INLINE", False):
        _send([(groups, message)])
        return
    global _thread
    with _ready:
        _pending.append((groups, message))
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="live", daemon=True)
            _thread.start()
        _ready.notify()


def _run() -> None:
    while True:
        with _ready:
            while not _pending:
                _ready.wait()
        time.sleep(GATHER)
        with _ready:
            batch = _pending[:]
            _pending.clear()
        _send(batch)


_own = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    """This thread's event loop, kept: the channel layer keeps a connection for each loop."""
    if not hasattr(_own, "loop"):
        _own.loop = asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = _own.loop
    return loop


def _send(batch: list[tuple[tuple[str, ...], dict[str, object]]]) -> None:
    told: dict[str, dict[tuple[object, object], dict[str, object]]] = {}
    for groups, change in batch:
        for group in groups:
            told.setdefault(group, {})[(change["changed"], change["id"])] = change
    layer = get_channel_layer()
    if layer is None:
        return

    async def send_all() -> None:
        for group, changes in told.items():
            await layer.group_send(group, {"type": "changes", "changes": list(changes.values())})

    try:
        _loop().run_until_complete(send_all())
    except Exception as error:  # noqa: BLE001 - the layer is a hint: its loss must not fail what was committed
        log.warning("live: %s changes were not announced: %s", len(batch), error)
