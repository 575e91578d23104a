"""Getting an operation advanced soon: in this process when it is control, else by a Celery message.

Each kind of work has threads of its own (POOLS), so that what takes long never keeps an operation from going on.
A wake-up may be lost at no harm: periodic recovery finds every operation that is due.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, TypeVar

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
    "network": 1,  # what ports and routers wait for; one at a time anyway (networking.desired.sync.turn)
    "renders": 1,  # whole documents of hosts, a thousand after a restart
    "bulk": 2,  # imports, conversions, other people's servers: minutes or hours
}
BACKGROUND: Final = "background"
COALESCE = 0.03  # seconds that background jobs are collected
BROKER_REST = 1.0  # seconds for which a broker that did not answer is not asked again, so that no request waits twice

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
                ) as error:  # the machine has no thread to give: those that there are, or the next wake-up
                    log.warning("wakeups: no further thread for %s: %s", self._name, error)
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


class Dispatcher:
    """The queue of control: each job waits once, after COALESCE if it is background work, in the pool of its kind."""

    def __init__(self, run: Callable[[str], None], pool_of: Callable[[str], str]) -> None:
        self._run, self._pool_of = run, pool_of
        self._pending: set[str] = set()
        self._later: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self.pools = {name: Pool(name, limit, self._do) for name, limit in POOLS.items()}
        Threads().keep("wakeups-timer", self._timer)

    def notify(self, job: str) -> None:
        with self._changed:
            if job in self._pending:
                return
            self._pending.add(job)
            if is_background(job):
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
                log.error("wakeups: nobody here knows what %.200r is", job)
                continue
            pool.put(job)

    def _do(self, job: str) -> None:
        with self._changed:
            self._pending.discard(job)
        try:
            close_old_connections()
            self._run(job)
        except Exception:
            log.exception("wakeups: %s raised", job)


_dispatcher: Dispatcher | None = None


def become_control() -> None:
    """Make this process the one that runs operations: its wake-ups stay inside it."""
    global _dispatcher
    if _dispatcher is None:
        dispatcher = _dispatcher = Dispatcher(run_job, pool_of)
        metrics.gauge_of(
            "stackling_pool_jobs",
            "Jobs that wait for a thread of control.",
            "pool",
            lambda: ((name, pool.waiting()) for name, pool in dispatcher.pools.items()),
        )


def is_background(job: str) -> bool:
    """Whether a job is background work, ``background:<kind>:<key>``; "kick:" was its name in version 0.1."""
    return job.startswith((f"{BACKGROUND}:", "kick:"))


@dataclass(frozen=True)
class Work:
    """The function that runs jobs of one kind, and the one that names the pool of threads for it."""

    run: Callable[..., object]
    pool_of: Callable[..., str]


Run = TypeVar("Run", bound=Callable[..., object])
_WORK: dict[str, Work] = {}


def works_off(kind: str, *, pool_of: Callable[..., str] = lambda job: OPERATIONS) -> Callable[[Run], Run]:
    """Have the decorated function do jobs of a kind: OPERATIONS, given the operation's id, or BACKGROUND, given its kind and key."""

    def register(run: Run) -> Run:
        _WORK[kind] = Work(run, pool_of)
        return run

    return register


def pool_of(job: str) -> str:
    """Return the pool whose threads run a job. Raises: LookupError, ValueError for one that is unknown here."""
    if not is_background(job):
        return OPERATIONS
    _, kind, key = job.split(":", 2)
    return _WORK[BACKGROUND].pool_of(kind, key)


def notify(job: str) -> None:
    """Have `job` run soon: an operation's id, or ``background:<kind>:<key>``."""
    if _dispatcher is not None:
        _dispatcher.notify(job)
        return
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        broker.send(queue.app, ADVANCE_TASK, job, "control")
    except Exception as error:  # noqa: BLE001 - the broker is away: periodic recovery will find it
        _silent_until = time.monotonic() + BROKER_REST
        log.warning("wake-up of %s was not sent: %s", job, error)


def notify_all(jobs: list[str]) -> None:
    for job in jobs:
        notify(job)


def run_job(job: str) -> None:
    """Run one job now, in this thread."""
    if is_background(job):
        _, kind, key = job.split(":", 2)
        _WORK[BACKGROUND].run(kind, key)
    else:
        _WORK[OPERATIONS].run(job)
