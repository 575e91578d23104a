"""Rows that nobody needs any more: each app registers what it forgets, one command and one nightly hour run all.

    purging.register("servers", forget_servers)     # in AppConfig.ready()

A purge gets the moment before which things must have ended, deletes at most BATCH of them in a short transaction, and
returns how many; it is called again until none is left.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings

from common.clock import now

log = logging.getLogger(__name__)

BATCH = 500
Purge = Callable[[datetime], int]

_PURGES: dict[str, Purge] = {}


def register(name: str, purge: Purge) -> None:
    _PURGES[name] = purge


def names() -> list[str]:
    return sorted(_PURGES)


def run(days: float | None = None, only: Iterable[str] = ()) -> dict[str, int]:
    """Forget what ended more than `days` ago (None: as STACKLING_PURGE_DAYS says). Returns {purge: rows}."""
    before = now() - timedelta(days=settings.PURGE_DAYS if days is None else days)
    wanted = set(only)
    found = {}
    for name, purge in _PURGES.items():
        if wanted and name not in wanted:
            continue
        total = 0
        while gone := purge(before):
            total += gone
        found[name] = total
    if any(found.values()):
        log.info("purge: %s", ", ".join(f"{name}: {count}" for name, count in found.items() if count))
    return found
