"""Records go after STACKLING_AUDIT_DAYS, the oldest first; nothing else takes one away."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from audit.models import Event
from common.clock import now
from common.ids import new_ordered_id
from common.purging import BATCH


@transaction.atomic
def forget(before: datetime) -> int:
    """Delete those older than STACKLING_AUDIT_DAYS, whatever else is purged now."""
    oldest = now() - timedelta(days=settings.AUDIT_DAYS)
    edge = new_ordered_id(int(oldest.timestamp() * 1000), 0)
    ids = list(Event.objects.filter(pk__lt=edge).order_by("pk").values_list("pk", flat=True)[:BATCH])
    return Event.objects.filter(pk__in=ids).delete()[0]
