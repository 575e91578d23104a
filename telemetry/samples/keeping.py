"""Forgetting: what is older than its tier keeps, what belongs to nothing any more, and the oldest where the file is full."""

import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from common import purging
from common.clock import now
from compute.servers.models import Server
from hosts.models import Host
from networking.ports.models import Port
from telemetry.meters import HOST, PORT, SERVER
from telemetry.samples import store
from telemetry.samples.tiers import DAY, TIERS, Tier

log = logging.getLogger(__name__)

FULL: Final = 0.9  # of the most bytes: beyond it the oldest rows go before their time
LOOSE: Final = 0.1  # of the file's pages: where more are free, they are given back to the disk
PAGES: Final = 5000  # at a time
#: Kind → the rows that say which things of it there are.
_ROWS: Final[dict[int, Callable[[], QuerySet[Server] | QuerySet[Port] | QuerySet[Host]]]] = {
    SERVER.number: Server.objects.all,
    PORT.number: Port.objects.all,
    HOST.number: Host.objects.all,
}
_FORGET: Final = (
    "DELETE FROM samples WHERE tier = :tier AND resource = :resource AND chunk IN"
    " (" + store.CHUNKS + "SELECT n FROM chunks)"
)


def keep(moment: float | None = None) -> None:
    """Forget what no tier keeps, and hold the file below its bound. Raises: sqlite3.Error, OSError."""
    if store.connection() is None:
        return
    moment = now().timestamp() if moment is None else moment
    with store.writing() as link:
        for tier in TIERS:
            _forget_before(link, tier, tier.chunk_of(moment - tier.kept))
        link.execute("DELETE FROM reports WHERE at < ?", (int(moment) - TIERS[0].kept,))
        link.execute("DELETE FROM resources WHERE heard < ?", (int(moment) - TIERS[-1].kept - DAY,))
    shortened = 0
    while _shorten(moment):
        shortened += 1
    if shortened:
        log.info("the file of samples is full: its oldest %d chunks went before their time", shortened)
    _give_back()


def _give_back() -> None:
    link = store.connection()
    if link is None:
        return
    pages, free = (link.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    if free > LOOSE * pages:
        link.executescript(f"PRAGMA incremental_vacuum({PAGES})")  # `execute` gives back one page and stops


def _forget_before(link: sqlite3.Connection, tier: Tier, chunk: int) -> None:
    link.execute("DELETE FROM samples WHERE tier = ? AND chunk < ?", (tier.number, chunk))
    link.execute("DELETE FROM dirty WHERE tier = ? AND chunk < ?", (tier.number, chunk))


def _shorten(moment: float) -> bool:
    """Where the file is full, forget the oldest chunk of the coarsest tier that still has more than its least."""
    with store.writing() as link:
        if store.size(link) <= FULL * settings.TELEMETRY_BYTES:
            return False
        for tier in reversed(TIERS):
            oldest = link.execute("SELECT min(chunk) FROM samples WHERE tier = ?", (tier.number,)).fetchone()[0]
            if oldest is not None and oldest < tier.chunk_of(moment - tier.least):
                log.info(
                    "the file of samples is full: those before %d of each %d s go", tier.start(oldest + 1), tier.step
                )
                _forget_before(link, tier, oldest + 1)
                return True
    log.warning("the file of samples is full, and holds no more than its least: see STACKLING_TELEMETRY_BYTES")
    return False


def forget(kind: int, names: list[str]) -> int:
    """Forget all samples of these things. Returns how many things. Raises: sqlite3.Error, OSError."""
    if store.connection() is None:
        return 0
    with store.writing() as link:
        ids = list(store.numbers(link, kind, names).values())
        for tier in TIERS:
            of_tier = "SELECT min(chunk), max(chunk) FROM samples WHERE tier = ?"
            least, most = link.execute(of_tier, (tier.number,)).fetchone()
            for id_ in ids if least is not None else ():
                link.execute(_FORGET, {"tier": tier.number, "from": least, "to": most, "resource": id_})
        link.executemany("DELETE FROM resources WHERE id = ?", [(id_,) for id_ in ids])
    return len(ids)


def orphans(before: datetime) -> int:
    """Forget things not heard of since `before` whose rows are gone, at most BATCH of each kind. Returns how many."""
    link = store.connection()
    if link is None:
        return 0
    total = 0
    for kind, rows in _ROWS.items():
        find = "SELECT name FROM resources WHERE kind = ? AND heard < ?"
        names = {name for (name,) in link.execute(find, (kind, before.timestamp()))}
        gone = sorted(names - set(rows().filter(pk__in=names).values_list("pk", flat=True)))
        total += forget(kind, gone[: purging.BATCH])
    return total
