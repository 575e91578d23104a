"""Who works when: one job at a time for one object, copies apart from the rest.

A lane is the queue of one object (`server:<id>`). The next job of a lane starts when the one before has ended, so two
verbs never meet on one domain, and a job that waits for its lane occupies no thread.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

QUICK_THREADS = 32  # a stop may wait 60 s for its guest; threads are made only when none is idle
BULK_THREADS = 2  # copies and conversions at a time on one host (shared disks gain nothing from more)


class Lanes:
    """The executors of one host. With `inline`, a quick job of a free lane runs on the caller's thread."""

    def __init__(self, name: str, *, inline: bool = False) -> None:
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix=f"{name}-quick")
        self._bulk = ThreadPoolExecutor(BULK_THREADS, thread_name_prefix=f"{name}-bulk")
        self._inline = inline
        self._waiting: dict[str, deque[tuple[bool, Callable[[], None]]]] = {}
        self._lock = threading.Lock()

    def submit(self, key: str, run: Callable[[], None], *, bulk: bool = False) -> None:
        with self._lock:
            queue = self._waiting.get(key)
            if queue is not None:
                queue.append((bulk, run))
                return
            self._waiting[key] = deque()
        self._start(key, bulk, run)

    def busy(self, key: str) -> bool:
        return key in self._waiting

    def stop(self) -> None:
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._bulk.shutdown(wait=False, cancel_futures=True)

    def _start(self, key: str, bulk: bool, run: Callable[[], None]) -> None:
        if self._inline:
            self._work(key, run)
        else:
            (self._bulk if bulk else self._quick).submit(self._work, key, run)

    def _work(self, key: str, run: Callable[[], None]) -> None:
        try:
            run()
        finally:
            with self._lock:
                queue = self._waiting[key]
                following = queue.popleft() if queue else None
                if following is None:
                    del self._waiting[key]
            if following is not None:
                self._start(key, *following)
