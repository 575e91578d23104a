"""Finding what nobody rang for: operations whose time has come, kicks left over, old rows."""

import os
import socket
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from common.clock import now
from operations import doorbell
from operations.models import LIVE, Kick, Lease, Operation

KEEP_DAYS = 90
AT_ONCE = 200  # operations that one sweep rings for
ME = f"{socket.gethostname()[:40]}:{os.getpid()}"


def hold_lease(name: str, *, seconds: float) -> bool:
    """Whether this process has, or now takes, the lease `name`."""
    moment = now()
    row = Lease.objects.filter(name=name).first()
    if row is not None and row.holder == ME and row.until > moment + timedelta(seconds=seconds / 2):
        return True
    with transaction.atomic():
        row, _ = Lease.objects.select_for_update().get_or_create(
            name=name, defaults={"holder": ME, "until": moment + timedelta(seconds=seconds)}
        )
        gone = row.until < moment or not _alive(row.holder)
        if row.holder != ME and not gone:
            return False
        row.holder, row.until = ME, moment + timedelta(seconds=seconds)
        row.save()
    return True


def _alive(holder: str) -> bool:
    """Whether a lease's holder may still run. Only a process of this machine can be known to be gone."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname()[:40]:
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sweep() -> None:
    """Ring for everything that is due. Cheap when nothing is: two indexed reads."""
    moment = now()
    for id in due(moment):
        doorbell.ring(id)
    late = moment - timedelta(seconds=2)
    for kind, key in Kick.objects.filter(due_at__lte=late).values_list("kind", "key")[:200]:
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
