"""Getting an operation advanced soon: in this process when it is control, else by a Celery message.

Each kind of work has threads of its own (POOLS), so that what takes long never keeps an operation from going on.
A ring may be lost at no harm: the sweep finds every operation whose time has come.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from django.db import close_old_connections

from common import metrics
from hostagent.messaging import broker
from hostagent.process.threads import Threads
from operations import queue

log = logging.getLogger(__name__)

ADVANCE_TASK: Final = "operations.advance"
OPERATIONS = "operations"
#: Pool → how many threads it may have; each is started when there is work and none is idle.
POOLS = {
    OPERATIONS: 3,
    "background": 2,  # short work
    "network": 1,  # what ports and routers wait for; one at a time anyway (networking.wanted.sync.turn)
    "renders": 1,  # whole documents of hosts, a thousand after a restart
    "bulk": 2,  # imports, conversions, other people's servers: minutes or hours
}
COALESCE = 0.03  # seconds that background kicks are collected
REST = 1.0  # seconds for which a broker that did not answer is not asked again, so that no request waits twice

_silent_until = 0.0  # of the monotonic clock


class Pool:
    """Daemon threads that work off one queue."""

    def __init__(self, name: str, limit: int, work: Callable[[str], None]) -> None:
        self._name, self._limit, self._work = name, limit, work
        self._jobs: SimpleQueue[str] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = 0

    def waiting(self) -> int:
        return self._jobs.qsize()

    def put(self, job: str) -> None:
        self._jobs.put(job)
        with self._lock:
            if self._threads < self._limit and self._idle < self._jobs.qsize():
                try:
                    threading.Thread(target=self._run, name=f"{self._name}-{self._threads + 1}", daemon=True).start()
                except (
                    RuntimeError
                ) as error:  # the machine has no thread to give: those that there are, or the next ring
                    log.warning("doorbell: no further thread for %s: %s", self._name, error)
                    return
                self._threads += 1

    def _run(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            self._work(job)


class Bell:
    """What control works off: each job waits once, after COALESCE if it is a kick, in the pool of its kind."""

    def __init__(self, run: Callable[[str], None], pool_of: Callable[[str], str]) -> None:
        self._run, self._pool_of = run, pool_of
        self._pending: set[str] = set()
        self._later: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self.pools = {name: Pool(name, limit, self._do) for name, limit in POOLS.items()}
        Threads().keep("doorbell-timer", self._timer)

    def ring(self, job: str) -> None:
        with self._changed:
            if job in self._pending:
                return
            self._pending.add(job)
            if is_kick(job):
                heapq.heappush(self._later, (time.monotonic() + COALESCE, job))
                self._changed.notify()
                return
        self.pools[OPERATIONS].put(job)

    def _timer(self) -> None:
        while True:
            with self._changed:
                wait = self._later[0][0] - time.monotonic() if self._later else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _at, job = heapq.heappop(self._later)
            try:
                pool = self.pools[self._pool_of(job)]
            except (LookupError, ValueError):  # of a version that knows more, or less, than this one
                with self._changed:
                    self._pending.discard(job)
                log.error("doorbell: nobody here knows what %.200r is", job)
                continue
            pool.put(job)

    def _do(self, job: str) -> None:
        with self._changed:
            self._pending.discard(job)
        try:
            close_old_connections()
            self._run(job)
        except Exception:
            log.exception("doorbell: %s raised", job)


_bell: Bell | None = None


def become_control() -> None:
    """This process runs operations: rings stay inside it."""
    global _bell
    if _bell is None:
        bell = _bell = Bell(run, pool_of)
        metrics.gauge_of(
            "stackling_pool_jobs",
            "Jobs that wait for a thread of control.",
            "pool",
            lambda: ((name, pool.waiting()) for name, pool in bell.pools.items()),
        )


def is_kick(job: str) -> bool:
    return job.startswith("kick:")


def _unset(*_: str) -> str:
    raise LookupError("operations.schedules has not said what runs jobs")


_advance: Callable[[str], object] = _unset
_background: Callable[[str, str], object] = _unset
_background_pool: Callable[[str, str], str] = _unset


def use(
    *,
    advance: Callable[[str], object],
    background: Callable[[str, str], object],
    background_pool: Callable[[str, str], str],
) -> None:
    """Set at start (operations.schedules): what runs an operation by its id and background work by kind and key, in which pool."""
    global _advance, _background, _background_pool
    _advance = advance
    _background = background
    _background_pool = background_pool


def pool_of(job: str) -> str:
    """The pool whose threads run a job. Raises: LookupError, ValueError for one that is unknown here."""
    if not is_kick(job):
        return OPERATIONS
    _, kind, key = job.split(":", 2)
    return _background_pool(kind, key)


def ring(job: str) -> None:
    """Have `job` run soon: an operation's id, or ``kick:<kind>:<key>``."""
    if _bell is not None:
        _bell.ring(job)
        return
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        broker.send(queue.app, ADVANCE_TASK, job, "control")
    except Exception as error:  # noqa: BLE001 - the broker is away: the sweep will find it
        _silent_until = time.monotonic() + REST
        log.warning("doorbell: %s was not rung: %s", job, error)


def ring_all(jobs: list[str]) -> None:
    for job in jobs:
        ring(job)


def run(job: str) -> None:
    """Run one job now, in this thread."""
    if is_kick(job):
        _, kind, key = job.split(":", 2)
        _background(kind, key)
    else:
        _advance(job)
