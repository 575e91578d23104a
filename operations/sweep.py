"""Finding what nobody rang for: operations whose time has come, kicks left over, old rows."""

from datetime import datetime, timedelta

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from common.clock import now
from operations import background, doorbell
from operations.models import LIVE, Operation

KEEP_DAYS = 90
AT_ONCE = 200  # operations that one sweep rings for


def sweep() -> None:
    """Ring for everything that is due. Cheap when nothing is: two indexed reads."""
    moment = now()
    for id in due(moment):
        doorbell.ring(id)
    for kind, key in background.due(moment - timedelta(seconds=2)):
        doorbell.ring(f"kick:{kind}:{key}")


def due(moment: datetime) -> list[str]:
    """Ids of operations whose time has come: those that wait longest first, and of each flow in turn.

    A flow with a thousand due operations has no more than its share of a sweep while others have any.
    """
    rows = Operation.objects.filter(state__in=LIVE, wake_at__lte=moment)
    place = Window(RowNumber(), partition_by=F("flow"), order_by=F("wake_at").asc())
    return list(rows.annotate(place=place).order_by("place", "wake_at").values_list("id", flat=True)[:AT_ONCE])


def prune() -> None:
    """Forget operations that ended more than KEEP_DAYS ago."""
    old = now() - timedelta(days=KEEP_DAYS)
    ids = list(Operation.objects.filter(finished_at__lt=old).values_list("id", flat=True)[:1000])
    Operation.objects.filter(id__in=ids).delete()
