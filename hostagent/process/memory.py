"""Keeping an agent small. Measured: redis-py's typing overloads alone hold 13 MiB that nothing reads at run time."""

import ctypes
import gc
import os
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager

M_ARENA_MAX = -8  # malloc.h


def few_arenas() -> None:
    """glibc gives each thread a heap of its own; two are enough for threads that mostly wait. Call before threads start."""
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def without_telemetry() -> None:
    """redis-py loads OpenTelemetry wherever it is installed: 3 MiB a process, for figures that nobody reads here.

    To be called before anything imports redis. Where traces are on, the SDK is loaded anyway.
    """
    if not os.environ.get("STACKLING_OTLP_ENDPOINT"):
        sys.modules.setdefault("opentelemetry", None)  # type: ignore[arg-type]


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Have imports of these packages fail meanwhile, for a library that tries what it could use; loaded ones stay."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def tidy() -> None:
    """Once everything is imported: forget what only type checkers read, and give the free pages back."""
    typing.clear_overloads()
    gc.collect()
    gc.freeze()
    trim()


def trim() -> None:
    """Give the pages that hold nothing any more back to the system: they are left between what is held when much came and went."""
    ctypes.CDLL(None).malloc_trim(0)
