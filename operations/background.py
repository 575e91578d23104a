"""Background work by key, coalesced, run at least once after the last kick, in a control process.

background.register("network", sync_host)
background.kick("network", "host1")          # inside the transaction that made it needed
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import F

from common.clock import now
from common.database import tried_again
from operations import doorbell
from operations.models import Kick

_FUNCTIONS: dict[str, Callable[[str], None]] = {}


def register(kind: str, fn: Callable[[str], None]) -> None:
    _FUNCTIONS[kind] = fn


def kick(kind: str, key: str) -> None:
    """Have `kind`'s function run with `key` soon after this transaction commits."""
    if not Kick.objects.filter(kind=kind, key=key).update(count=F("count") + 1):
        Kick.objects.bulk_create([Kick(kind=kind, key=key)], ignore_conflicts=True)
    transaction.on_commit(lambda: doorbell.ring(f"kick:{kind}:{key}"), robust=True)


def run(kind: str, key: str) -> None:
    """Run what is due. The row goes only if nothing kicked meanwhile, so that no change is missed."""
    row = Kick.objects.filter(kind=kind, key=key).first()
    if row is None:
        return
    try:
        tried_again(_FUNCTIONS[kind])(key)
    except BaseException:
        Kick.objects.filter(pk=row.pk).update(due_at=now())
        raise
    if not Kick.objects.filter(pk=row.pk, count=row.count).delete()[0]:
        doorbell.ring(f"kick:{kind}:{key}")
