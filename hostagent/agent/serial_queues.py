"""Serial queues: one job at a time for one object, copies apart from the rest, networks apart from guests.

Each object (`server:<id>`) has a queue. Its next job starts when the one before has ended, so two verbs never meet on
one domain, and a job that waits for its turn, or for time to pass (Later), occupies no thread.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from hostagent.contract.host import JobPool
from hostagent.process.timers import Timer, Timers

QUICK_THREADS: Final = 32  # threads are made only when none is idle
BULK_THREADS: Final = 2  # copies and conversions at a time on one host (shared disks gain nothing from more)
#: A network is changed by one cast at a time in any case; what the agent does by itself never waits for guests.
THREADS: Final[dict[JobPool, int]] = {"quick": QUICK_THREADS, "bulk": BULK_THREADS, "network": 1, "aside": 2}


class Later(Exception):
    """Raised by a job: it is run again, from its beginning, after so many seconds or when its queue is woken."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


#: Returns when it is over; or the Later after which it wants to be run again, its queue being kept.
Run = Callable[[], object]


class SerialQueues:
    """The executors of one host. With `inline`, a job of an idle queue runs on the caller's thread."""

    def __init__(self, name: str, timers: Timers | None = None, *, inline: bool = False) -> None:
        self._pools = {
            pool: ThreadPoolExecutor(size, thread_name_prefix=f"{name}-{pool}") for pool, size in THREADS.items()
        }
        self._timers = timers
        self._inline = inline
        self._waiting: dict[str, deque[tuple[JobPool, Run]]] = {}
        self._current: dict[str, JobPool] = {}
        self._parked: dict[str, tuple[object, Timer, JobPool, Run]] = {}
        self._lock = threading.Lock()

    def submit(self, key: str, run: Run, *, bulk: bool = False, pool: JobPool | None = None) -> None:
        chosen: JobPool = pool or ("bulk" if bulk else "quick")
        with self._lock:
            queue = self._waiting.get(key)
            if queue is not None:
                queue.append((chosen, run))
                return
            self._waiting[key] = deque()
            self._current[key] = chosen
        self._start(key, chosen, run)

    def jobs(self) -> dict[str, int]:
        """JobPool → jobs that run, that wait for a thread, for their turn or for time to pass."""
        found: dict[str, int] = dict.fromkeys(THREADS, 0)
        with self._lock:
            for pool in self._current.values():
                found[pool] += 1
            for queue in self._waiting.values():
                for pool, _run in queue:
                    found[pool] += 1
        return found

    def busy(self, key: str) -> bool:
        return key in self._waiting

    def wake(self, key: str) -> None:
        """Have a job of this object that waits for time to pass look now: something happened to it."""
        with self._lock:
            parked = self._parked.pop(key, None)
        if parked is not None:
            _token, timer, pool, run = parked
            timer.cancel()
            self._pools[pool].submit(self._work, key, pool, run)

    def stop(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, key: str, pool: JobPool, run: Run) -> None:
        if self._inline:
            self._work(key, pool, run)
        else:
            self._pools[pool].submit(self._work, key, pool, run)

    def _work(self, key: str, pool: JobPool, run: Run) -> None:
        over = True
        try:
            again = run()
            if isinstance(again, Later) and self._timers is not None:
                over = False
                self._park(key, pool, run, again.seconds)
        finally:
            if over:
                self._next(key)

    def _park(self, key: str, pool: JobPool, run: Run, seconds: float) -> None:
        assert self._timers is not None
        token = object()
        with self._lock:
            timer = self._timers.after(seconds, lambda: self._due(key, token))
            self._parked[key] = (token, timer, pool, run)

    def _due(self, key: str, token: object) -> None:
        with self._lock:
            parked = self._parked.get(key)
            if parked is None or parked[0] is not token:
                return  # woken meanwhile
        self.wake(key)

    def _next(self, key: str) -> None:
        with self._lock:
            queue = self._waiting[key]
            following = queue.popleft() if queue else None
            if following is None:
                del self._waiting[key], self._current[key]
            else:
                self._current[key] = following[0]
        if following is not None:
            self._start(key, *following)
