"""Schedules as rows: when a periodic task is due next, and how it went last.

A run is claimed by one conditional update of its row, so of several control processes one begins it.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError
from django.db.models import Q, QuerySet

from common.clock import now
from operations.leases import ME
from operations.models import Schedule

log = logging.getLogger(__name__)

SHORTEST: Final = 60.0  # seconds: what recurs sooner has no row
AT_ONCE: Final = 100  # rows that one look begins
AHEAD: Final = 600.0  # seconds by which clocks of control processes may differ: a run later than that never was


def declare(tasks: Mapping[str, float]) -> None:
    """Make the rows of the code's periodic tasks (name → seconds) what the code says: new ones are due at once, others as they were."""
    rows = {row.key: row for row in Schedule.objects.all()}
    Schedule.objects.exclude(key__in=tasks).delete()
    moment = now()
    for name, seconds in tasks.items():
        if name not in rows:
            Schedule.objects.get_or_create(key=name, defaults={"seconds": seconds, "due_at": moment})
        elif rows[name].seconds != seconds:
            due = min(rows[name].due_at, moment + timedelta(seconds=seconds))
            Schedule.objects.filter(pk=rows[name].pk).update(seconds=seconds, due_at=due)


def claim_due(tasks: Mapping[str, float]) -> list[str]:
    """Claim what is due of `tasks`; return the names of those that the caller is to run now."""
    moment = now()
    names: list[str] = []
    for row in _due(moment, tasks):
        try:
            if claim(row, moment):
                names.append(row.key)
        except DatabaseError:  # what was claimed before it is to be run all the same: it is not due again for a period
            log.exception("schedule %s could not be claimed", row)
    return names


def _due(moment: datetime, tasks: Mapping[str, float]) -> list[Schedule]:
    """What is due; also what ran in the future: the clock was ahead then and was set back, and its due time would not come for long."""
    due = Q(due_at__lte=moment) | Q(last_run_at__gt=moment + timedelta(seconds=AHEAD))
    return list(Schedule.objects.filter(due, key__in=list(tasks)).order_by("due_at")[:AT_ONCE])


def claim(row: Schedule, moment: datetime) -> bool:
    """Whether this call is the one that may run it: the row is due again one period later. Missed periods are not made up for."""
    after = moment + timedelta(seconds=row.seconds)
    same: QuerySet[Schedule] = Schedule.objects.filter(pk=row.pk, due_at=row.due_at)
    return bool(same.update(due_at=after, last_run_at=moment, last_by=ME))


def ended(name: str, error: str) -> None:
    """Write down how a run of a periodic task ended; `error` is "" where it went well."""
    Schedule.objects.filter(key=name).exclude(last_error=error[:300]).update(last_error=error[:300])
