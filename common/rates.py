"""Limits by key, kept by this process: requests a second (a token bucket), and requests under way at a time.

Nobody waits: a caller over a limit is told when to come again.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from common import metrics
from common.errors import TooMany

#: Seconds' worth that may be used in one burst.
BURST = 10
KEPT = 10_000  # keys; beyond it, those whose allowance is full again are forgotten


class Rate:
    """`per_second` for each key, `BURST` seconds' worth of it at once; 0 is without limit."""

    def __init__(self, per_second: float, name: str = "other") -> None:
        self._refused = metrics.limited.labels(name)
        self.per_second = per_second
        self._spent: dict[str, tuple[float, float]] = {}  # key → (when, what was left then)
        self._lock = Lock()

    def take(self, key: str) -> None:
        """Take one request from the key's bucket. Raises: TooMany."""
        if not self.per_second:
            return
        moment, most = time.monotonic(), self.per_second * BURST
        with self._lock:
            when, left = self._spent.get(key, (moment, most))
            left = min(most, left + (moment - when) * self.per_second)
            if left < 1:
                self._refused.inc()
                raise TooMany(retry_after=max(1, math.ceil((1 - left) / self.per_second)))
            if len(self._spent) >= KEPT:
                self._forget(moment)
            self._spent[key] = (moment, left - 1)

    def _forget(self, moment: float) -> None:
        old = moment - BURST
        self._spent = {key: row for key, row in self._spent.items() if row[0] > old}


class AtOnce:
    """A limit for what each key has under way at a time; 0 is without limit."""

    def __init__(self, most: int, name: str = "other") -> None:
        self._refused = metrics.limited.labels(name)
        self.most = most
        self._under_way: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def one(self, key: str) -> Iterator[None]:
        """Count one under way for the key while the block runs. Raises: TooMany."""
        with self._lock:
            if self.most and self._under_way[key] >= self.most:
                self._refused.inc()
                raise TooMany(retry_after=10)
            self._under_way[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]
