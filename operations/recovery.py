"""Periodic recovery: due operations whose wake-up was lost, pending background work, and deletion of rows that are old."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from common.clock import now
from operations import background, wakeups
from operations.models import Operation, OperationStep

KEEP_DAYS = 90
AT_ONCE = 200  # operations that one recovery wakes
BATCH = 200  # operations that one transaction forgets
BREATH = 0.05  # seconds between two such transactions: SQLite has one writer, and others want their turn


def recover() -> None:
    """Wake everything that is due. Cheap when nothing is: two indexed reads."""
    moment = now()
    for id in due(moment):
        wakeups.notify(id)
    for kind, key in background.due(moment - timedelta(seconds=2)):
        wakeups.notify(f"{wakeups.BACKGROUND}:{kind}:{key}")


def due(moment: datetime) -> list[str]:
    """Ids of operations whose time has come: those that wait longest first, and of each flow in turn.

    A flow with a thousand due operations has no more than its share of a recovery while others have any.
    """
    rows = Operation.objects.live().filter(wake_at__lte=moment)
    place = Window(RowNumber(), partition_by=F("flow"), order_by=F("wake_at").asc())
    return list(rows.annotate(place=place).order_by("place", "wake_at").values_list("id", flat=True)[:AT_ONCE])


def prune() -> None:
    """Forget operations that ended more than KEEP_DAYS ago, all that there are, a small transaction each BATCH."""
    old = now() - timedelta(days=KEEP_DAYS)
    while ids := list(
        Operation.objects.filter(finished_at__lt=old).order_by("finished_at").values_list("id", flat=True)[:BATCH]
    ):
        with transaction.atomic():
            OperationStep.objects.filter(operation_id__in=ids).delete()
            Operation.objects.filter(id__in=ids).delete()
        time.sleep(BREATH)
