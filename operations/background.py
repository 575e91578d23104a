"""Background work by key, coalesced, run at least once after it was last enqueued, in a control process, never twice at once.

background.register("network", sync.run)
background.enqueue("network", "host1")          # inside the transaction that made it needed

A thread that runs a job has claimed its row: the claim is prolonged while it runs and lapses with the process that has it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import close_old_connections, transaction
from django.db.models import F, Q, QuerySet

from common.clock import now
from common.database import tried_again
from common.ids import new_id
from operations import wakeups
from operations.leases import ME, is_alive
from operations.models import BackgroundJob

log = logging.getLogger(__name__)

CLAIM = 30.0  # seconds for which a claim holds unless it is prolonged
FIRST_PAUSE = 1.0  # seconds after a failure; doubled with each further one
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Kind:
    run: Callable[[str], None]
    pool: str | Callable[[str], str]


_KINDS: dict[str, Kind] = {}


def register(kind: str, fn: Callable[[str], None], *, pool: str | Callable[[str], str] = "background") -> None:
    """`fn(key)` does a job of this kind, in a thread of `pool` (wakeups.POOLS), which may depend on the key."""
    _KINDS[kind] = Kind(fn, pool)


def kinds() -> list[str]:
    """List all that there are."""
    return sorted(_KINDS)


def pool_of(kind: str, key: str) -> str:
    pool = _KINDS[kind].pool
    return pool(key) if callable(pool) else pool


def enqueue(kind: str, key: str) -> None:
    """Have `kind`'s function run with `key` soon after this transaction commits."""
    if not BackgroundJob.objects.filter(kind=kind, key=key).update(count=F("count") + 1):
        BackgroundJob.objects.bulk_create([BackgroundJob(kind=kind, key=key)], ignore_conflicts=True)
    transaction.on_commit(lambda: wakeups.notify(_job(kind, key)), robust=True)


def _job(kind: str, key: str) -> str:
    return f"{wakeups.BACKGROUND}:{kind}:{key}"


@wakeups.works_off(wakeups.BACKGROUND, pool_of=pool_of)
def run(kind: str, key: str) -> None:
    """Run what is due, unless somebody is at it. The row goes only if it was not enqueued meanwhile, so that no change is missed."""
    with _changed:
        if (kind, key) in _at_it:
            return  # also where this process stood still for so long that its claim has lapsed
        _at_it.add((kind, key))
    try:
        row = _claim(kind, key)
        if row is None:
            return
        _prolonged(row.claimant)
        _work(row)
    finally:
        with _changed:
            _at_it.discard((kind, key))
    try:
        _end(row)
    finally:
        with _changed:
            _claims.discard(row.claimant)


def _work(row: BackgroundJob) -> None:
    try:
        tried_again(_KINDS[row.kind].run)(row.key)
    except BaseException:
        pause = min(FIRST_PAUSE * 2 ** min(row.tries, 10), LONGEST_PAUSE)
        again = now() + timedelta(seconds=pause)
        _mine(row).update(claimed_until=None, claimant="", tries=row.tries + 1, due_at=again)
        with _changed:
            _claims.discard(row.claimant)
        raise


def _end(row: BackgroundJob) -> None:
    if not _mine(row).filter(count=row.count).delete()[0]:
        _mine(row).update(claimed_until=None, claimant="", tries=0, due_at=now())
        wakeups.notify(_job(row.kind, row.key))


def _mine(row: BackgroundJob) -> QuerySet[BackgroundJob]:
    return BackgroundJob.objects.filter(pk=row.pk, claimant=row.claimant)


# ── Claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _claim(kind: str, key: str) -> BackgroundJob | None:
    moment, claimant = now(), f"{ME}:{new_id()[:8]}"
    free = Q(claimed_until=None) | Q(claimed_until__lt=moment)
    rows = BackgroundJob.objects.filter(free, kind=kind, key=key)
    if not rows.update(claimed_until=moment + timedelta(seconds=CLAIM), claimant=claimant):
        return None
    return BackgroundJob.objects.filter(kind=kind, key=key, claimant=claimant).first()


_changed = threading.Condition()
_at_it: set[tuple[str, str]] = set()  # what threads of this process run
_claims: set[str] = set()  # claimants that this process prolongs
_keeper: threading.Thread | None = None


def _prolonged(claimant: str) -> None:
    global _keeper
    with _changed:
        _claims.add(claimant)
        if _keeper is None:
            _keeper = threading.Thread(target=_prolong, name="claims", daemon=True)
            _keeper.start()
        _changed.notify()


def _prolong() -> None:
    """Prolong this process's claims three times in their length."""
    while True:
        with _changed:
            if not _claims:
                _changed.wait()
        time.sleep(CLAIM / 3)
        try:
            close_old_connections()
            prolong_claims()
        except Exception:
            log.exception("background: claims could not be prolonged")


def prolong_claims() -> None:
    """Keep the claims of this process for CLAIM from now."""
    with _changed:
        claimants = list(_claims)
    if claimants:
        BackgroundJob.objects.filter(claimant__in=claimants).update(claimed_until=now() + timedelta(seconds=CLAIM))


def due(before: datetime) -> list[tuple[str, str]]:
    """(kind, key) of jobs that are due since `before` and that nobody is at, those that wait longest first.

    Kinds of another version wait for it, and stand in nobody's way.
    """
    rows = BackgroundJob.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now()), due_at__lte=before, kind__in=kinds()
    )
    return list(rows.order_by("due_at").values_list("kind", "key")[:200])


def forget_dead_claims() -> None:
    """Release the claims of control processes of this machine that are gone: their work may be done anew at once."""
    for row in BackgroundJob.objects.exclude(claimant=""):
        if not is_alive(row.claimant.rpartition(":")[0]):
            BackgroundJob.objects.filter(pk=row.pk, claimant=row.claimant).update(claimed_until=None, claimant="")
