"""Heartbeats: a queue and a thread of their own in control, and one write a second for all hosts together.

So nothing that reports or operations wait for makes a host look dead, and a thousand hosts cost what a few rows cost.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction

from common.clock import now
from hostagent.contract.messages import HEARTBEAT_QUEUE
from hostagent.process.threads import Threads
from hosts import epoch, figures, services
from hosts.models import Host
from hosts.states import HostState
from operations import arrivals, consuming

log = logging.getLogger(__name__)

WRITE_EVERY: Final = 1.0  # seconds

_beats: dict[str, dict[str, object]] = {}  # host → the body of its newest
_lock = threading.Lock()
_is_running = False
_is_behind = False


def start() -> None:
    """In control: read the heartbeats' queue, and write. Once a process."""
    global _is_running
    if not _is_running:
        _is_running = True
        figures.start()
        threads = Threads()
        consuming.start(threads, "heartbeats", HEARTBEAT_QUEUE, take)
        threads.keep("heartbeats-write", _write)


def is_behind() -> bool:
    """Whether the last heartbeats could not be written (disk full, database away), so that rows cannot show who is silent."""
    return _is_behind


def note(name: str, body: dict[str, object]) -> None:
    """Keep a host's heartbeat: written within a second in the control process, at once in others."""
    figures.note(name, body.get("agent"))
    with _lock:
        _beats[name] = body
    if not _is_running:
        flush()


def take(message: object) -> None:
    """Verify one message of the heartbeats' queue and note it."""
    report = arrivals.opened(message, services.key_of, HEARTBEAT_QUEUE)
    if report is not None:
        note(str(report["host"]), report["body"])


def _write() -> None:
    while True:
        time.sleep(WRITE_EVERY)
        close_old_connections()
        flush()


def flush() -> None:
    """Write the heartbeats since the last flush: one statement for all hosts that are up already."""
    global _beats, _is_behind
    with _lock:
        beats, _beats = _beats, {}
    numbers = arrivals.fresh.take_changed()
    if not beats and not numbers:
        return
    try:
        _flush(beats, numbers)
    except BaseException:  # a full disk, a database that is away: whoever lived a second ago is not forgotten over it
        with _lock:
            _beats = {**beats, **_beats}
        arrivals.fresh.changed_again(numbers)
        _is_behind = True
        raise
    _is_behind = False


def _flush(beats: dict[str, dict[str, object]], numbers: dict[str, arrivals.Floors]) -> None:
    for name, body in beats.items():
        if body:  # an inventory that says nothing new is a sign of life, and tells nothing
            _alone(name, partial(epoch.heard, name, body))
    resting = set(Host.objects.filter(name__in=beats).exclude(state=HostState.UP).values_list("name", flat=True))
    with transaction.atomic():
        Host.objects.filter(name__in=beats.keys() - resting).update(last_seen_at=now())
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {Host._meta.db_table} SET heard = %s WHERE name = %s",
                [(services.written(floors), name) for name, floors in numbers.items()],
            )
    for name in resting:
        _alone(name, partial(_revive, name))
    for name, body in beats.items():
        _alone(name, partial(services.answer_heartbeat, name, body))


def _alone(name: str, do: Callable[[], None]) -> None:
    """Run `do` for one host; its failure must not cost the others their sign of life. A database that is away costs all theirs.

    One that refuses a value (DataError, IntegrityError, …) is not away: that is what the host said.
    """
    try:
        do()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("heartbeats: what host %s says cannot be taken", name)


@transaction.atomic
def _revive(name: str) -> None:
    """Mark a host up that was heard again, if it has reported an inventory."""
    host = Host.objects.select_for_update().filter(name=name).first()
    if host is None or not host.inventory:
        return  # never heard what it has: its inventory makes it usable
    host.last_seen_at = now()
    host.save(update_fields=["last_seen_at"])
    services.change_state(host, HostState.UP)
