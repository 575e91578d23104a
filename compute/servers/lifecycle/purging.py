"""Deleted servers and moves that are long over. What is secret in a server goes at its deletion, see deletion.forget."""

from datetime import datetime

from django.db import transaction

from common.purging import BATCH
from compute.servers.lifecycle import states
from compute.servers.models import Migration, Server
from operations.models import LIVE, Operation


@transaction.atomic
def forget_servers(before: datetime) -> int:
    """Delete rows of servers that were deleted before a time, with their moves. Returns their number, at most BATCH."""
    ids = list(Server.objects.filter(deleted=True, terminated_at__lt=before).values_list("id", flat=True)[:BATCH])
    busy = set(
        Operation.objects.filter(subject_kind="server", subject_id__in=ids, state__in=LIVE).values_list(
            "subject_id", flat=True
        )
    )
    return len([Server.objects.filter(pk=id).delete() for id in ids if id not in busy])


@transaction.atomic
def forget_migrations(before: datetime) -> int:
    """Delete rows of moves that ended before a time. Returns their number, at most BATCH."""
    rows = Migration.objects.filter(status__in=states.MOVES_ENDED, updated_at__lt=before)
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    return Migration.objects.filter(pk__in=ids).delete()[0]
