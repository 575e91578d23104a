"""Schedules as rows: when a periodic task, or what a person scheduled, is due next, and how it went last.

scheduling.on_due("snapshot", take)                             in an app's schedules.py: take(key) starts an operation, or enqueues
scheduling.add("snapshot", volume_id, every=86400)              in the transaction of the request

A run is claimed by one conditional update of its row, so of several control processes one begins it. What a person scheduled is begun
in that transaction, and writes rows only: it happens once, or, where it fails, not at all and again later.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from common.clock import now
from operations.leases import ME
from operations.models import Schedule

log = logging.getLogger(__name__)

SHORTEST: Final = 60.0  # seconds: what recurs sooner has no row
AT_ONCE: Final = 100  # rows that one look begins
PAUSE: Final = 60.0  # seconds after which a person's schedule that failed is tried again
TASK: Final = "task"  # the kind of the code's own
AHEAD: Final = 600.0  # seconds by which clocks of control processes may differ: a run later than that never was
BACKGROUND: Final = "background"  # the kind whose keys name background work, `<kind>:<key>`

Begin = Callable[[str], object]
_ON_DUE: dict[str, Begin] = {}


def on_due(kind: str, begin: Begin) -> None:
    """Have `begin(key)` called when a schedule of this kind is due, in the transaction that claims it: it only writes rows."""
    _ON_DUE[kind] = begin


def add(kind: str, key: str, *, every: float, first: datetime | None = None) -> Schedule:
    """Schedule something every `every` seconds, from `first` on (None: one period from now); it replaces one of the same key."""
    due = first or now() + timedelta(seconds=every)
    row, _made = Schedule.objects.update_or_create(kind=kind, key=key, defaults={"seconds": every, "due_at": due})
    return row


def remove(kind: str, key: str) -> None:
    """Remove a schedule; one that is not there is success."""
    Schedule.objects.filter(kind=kind, key=key).delete()


def declare(tasks: Mapping[str, float]) -> None:
    """Make the rows of the code's periodic tasks (name → seconds) what the code says: new ones are due at once, others as they were."""
    rows = {row.key: row for row in Schedule.objects.filter(kind=TASK)}
    Schedule.objects.filter(kind=TASK).exclude(key__in=tasks).delete()
    moment = now()
    for name, seconds in tasks.items():
        if name not in rows:
            Schedule.objects.get_or_create(kind=TASK, key=name, defaults={"seconds": seconds, "due_at": moment})
        elif rows[name].seconds != seconds:
            due = min(rows[name].due_at, moment + timedelta(seconds=seconds))
            Schedule.objects.filter(pk=rows[name].pk).update(seconds=seconds, due_at=due)


def claim_due(tasks: Mapping[str, float]) -> list[str]:
    """Claim what is due: begin what people scheduled, and give the names of those of `tasks` that the caller is to run now."""
    moment = now()
    names: list[str] = []
    for row in _due(moment, tasks):
        try:
            if row.kind != TASK:
                _begin(row, moment)
            elif claim(row, moment):
                names.append(row.key)
        except DatabaseError:  # what was claimed before it is to be run all the same: it is not due again for a period
            log.exception("schedule %s could not be claimed", row)
    return names


def _due(moment: datetime, tasks: Mapping[str, float]) -> list[Schedule]:
    """What is due; also what ran in the future: the clock was ahead then and was set back, and its due time would not come for long."""
    due = Q(due_at__lte=moment) | Q(last_run_at__gt=moment + timedelta(seconds=AHEAD))
    rows = Schedule.objects.filter(due, kind__in=[TASK, *_ON_DUE]).order_by("due_at")
    return [row for row in rows[:AT_ONCE] if row.kind != TASK or row.key in tasks]


def claim(row: Schedule, moment: datetime) -> bool:
    """Whether this call is the one that may run it: the row is due again one period later. Missed periods are not made up for."""
    after = moment + timedelta(seconds=row.seconds)
    same: QuerySet[Schedule] = Schedule.objects.filter(pk=row.pk, due_at=row.due_at)
    return bool(same.update(due_at=after, last_run_at=moment, last_by=ME))


def _begin(row: Schedule, moment: datetime) -> None:
    try:
        with transaction.atomic():
            if claim(row, moment):
                _ON_DUE[row.kind](row.key)
                Schedule.objects.filter(pk=row.pk).update(last_error="")
    except Exception as error:
        log.exception("schedule %s failed", row)
        failed = f"{type(error).__name__}: {error}"[:300]
        again = moment + timedelta(seconds=min(PAUSE, row.seconds))
        Schedule.objects.filter(pk=row.pk).update(due_at=again, last_run_at=moment, last_by=ME, last_error=failed)


def ended(name: str, error: str) -> None:
    """Write down how a run of a periodic task ended; `error` is "" where it went well."""
    Schedule.objects.filter(kind=TASK, key=name).exclude(last_error=error[:300]).update(last_error=error[:300])
