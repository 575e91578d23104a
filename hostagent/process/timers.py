"""One thread for everything that happens later or again: heartbeats, `working`, watchdogs, log pushes."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from hostagent.process.threads import Threads

log = logging.getLogger(__name__)


class Timer:
    """A call in the future. `cancel()` is safe at any time, from any thread."""

    __slots__ = ("call", "cancelled", "every")

    def __init__(self, call: Callable[[], None], every: float | None) -> None:
        self.call = call
        self.every = every
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """Calls are short: they queue work or a report, and never wait for anything."""

    def __init__(self, threads: Threads | None = None) -> None:
        self._threads = threads or Threads()
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._stopped = False

    def start(self) -> None:
        self._threads.keep("timers", self._run)

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def after(self, seconds: float, call: Callable[[], None], *, every: float | None = None) -> Timer:
        """Call once after `seconds`, then each `every` seconds if given."""
        timer = Timer(call, every)
        self._push(time.monotonic() + seconds, timer)
        return timer

    def _push(self, due: float, timer: Timer) -> None:
        with self._wake:
            first = not self._heap or due < self._heap[0][0]
            heapq.heappush(self._heap, (due, next(self._count), timer))
            if first:
                self._wake.notify()

    def _run(self) -> None:
        while True:
            timer = self._next()
            if timer is None:
                return
            if timer.cancelled:
                continue
            try:
                timer.call()
            except Exception:  # one bad timer must not silence the heartbeat of the host
                log.exception("a timer failed: %r", timer.call)
            if timer.every is not None and not timer.cancelled:
                self._push(time.monotonic() + timer.every, timer)

    def _next(self) -> Timer | None:
        with self._wake:
            while not self._stopped:
                if not self._heap:
                    self._wake.wait()
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._heap)[2]
                self._wake.wait(wait)
            return None
