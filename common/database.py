"""Failures of a database: deadlocks (PostgreSQL; SQLite has one writer), a full disk, numbers too large for a column."""

import functools
import logging
import random
import sqlite3
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DataError, OperationalError

log = logging.getLogger(__name__)

TRIES = 8
#: SQLSTATE: deadlock_detected, serialization_failure. https://www.postgresql.org/docs/current/errcodes-appendix.html
_ENDED = ("40P01", "40001")
_FULL = "53100"  # disk_full
_OUT_OF_RANGE = "22003"  # numeric_value_out_of_range

P = ParamSpec("P")
T = TypeVar("T")


def was_ended(error: BaseException) -> bool:
    """Whether the same transaction would probably pass if it were tried again."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", "") in _ENDED


def is_full(error: BaseException) -> bool:
    """Whether there was no room on the database's disk."""
    if not isinstance(error, OperationalError):
        return False
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL or getattr(error.__cause__, "sqlstate", "") == _FULL


def is_out_of_range(error: BaseException) -> bool:
    """Whether a number was larger than a column or a time holds."""
    code = getattr(error.__cause__, "sqlstate", "")
    return isinstance(error, OverflowError) or (isinstance(error, DataError) and code == _OUT_OF_RANGE)


def tried_again(work: Callable[P, T]) -> Callable[P, T]:
    """`work`, which is a transaction of its own, done again when the database ended it for another's sake."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, TRIES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not was_ended(error):
                    raise
                log.info("%s: the database ended it, try %s: %s", work.__qualname__, attempt, error)
                time.sleep(random.uniform(0, 0.02 * attempt))  # those who collided part
        return work(*args, **kwargs)

    return run
