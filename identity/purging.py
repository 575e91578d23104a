"""Purges of identity: hashes of passwords that no rule asks for any more, quota locks of projects that are gone."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from common.purging import BATCH
from identity.models import OldPassword, Project
from quota.models import QuotaLock


@transaction.atomic
def forget_passwords(before: datetime) -> int:
    """Old passwords beyond STACKLING_PASSWORD_HISTORY, however young: a hash that nobody asks is only a danger."""
    place = Window(RowNumber(), partition_by=F("user"), order_by=[F("created_at").desc(), F("pk").desc()])
    kept = max(0, settings.PASSWORD_HISTORY - 1)
    rows = OldPassword.objects.annotate(place=place).filter(place__gt=kept)
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    return OldPassword.objects.filter(pk__in=ids).delete()[0]


@transaction.atomic
def forget_quota_locks(before: datetime) -> int:
    """Locks of projects that no longer exist."""
    gone = QuotaLock.objects.exclude(pk__in=Project.objects.values("pk")).values_list("pk", flat=True)[:BATCH]
    return QuotaLock.objects.filter(pk__in=list(gone)).delete()[0]
