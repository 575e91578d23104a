"""One result a line, and the fixed piece of work that tells how disturbed the machine is."""

import hashlib
import json
import statistics
import sys
import time
from typing import Any

_failed: list[str] = []


def spin_ms() -> float:
    """Milliseconds of a fixed piece of work, best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        data = b"x"
        for _ in range(12_000):
            data = hashlib.sha256(data).digest()
        best = min(best, time.perf_counter() - began)
    return round(best * 1000, 1)


class Slowdown:
    """By how much neighbours on the same cores inflate CPU time: a fixed piece of work, again and again beside a case."""

    def __init__(self) -> None:
        self._taken: list[float] = []

    def look(self) -> None:
        for _ in range(3):
            began = time.process_time()
            data = b"x"
            for _ in range(12_000):
                data = hashlib.sha256(data).digest()
            self._taken.append(time.process_time() - began)

    @property
    def factor(self) -> float:
        """The middle of what it took, over the least."""
        return round(statistics.median(self._taken) / min(self._taken), 2) if self._taken else 1.0


def put(name: str, value: float, unit: str, limit: str = "", ok: bool | None = None, **more: Any) -> None:
    """Print one result. `limit` says what is asked in words; `ok` is None when nothing is asked."""
    line = {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "limit": limit,
        "ok": ok,
        "spin_ms": spin_ms(),
        **more,
    }
    print(json.dumps(line), flush=True)
    if ok is False:
        _failed.append(name)


def at_most(name: str, value: float, limit: float, unit: str, **more: Any) -> None:
    put(name, value, unit, f"<= {limit:g}", value <= limit, **more)


def at_least(name: str, value: float, limit: float, unit: str, **more: Any) -> None:
    put(name, value, unit, f">= {limit:g}", value >= limit, **more)


def end() -> int:
    """The exit code: 1 when a limit was missed."""
    if _failed:
        print(f"missed: {', '.join(_failed)}", file=sys.stderr)
    return 1 if _failed else 0
