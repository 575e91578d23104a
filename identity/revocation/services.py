"""What revokes tokens, and the epoch that tells every process to forget what it cached."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max

from common.clock import now
from identity.revocation.models import Epoch, RevocationEvent
from identity.signins.models import PortalSession

#: Seconds between two reads of the epoch: the longest that a revocation may go unseen in another process.
READ_EVERY = 1.0

_value = 0
_read_at = -READ_EVERY


def epoch(*, fresh: bool = False) -> int:
    """The present epoch; read from the database at most once a second unless `fresh`."""
    global _value, _read_at
    at = time.monotonic()
    if fresh or at - _read_at >= READ_EVERY:
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM identity_epoch WHERE id = 1")
            row = cursor.fetchone()
        _value = row[0] if row else -time.monotonic_ns()  # no row yet: nothing stays cached
        _read_at = at
    return _value


def touch() -> None:
    """Something changed that may alter what a token or session may do. Seen here at once, elsewhere within 1 s."""
    if not Epoch.objects.filter(pk=1).update(value=F("value") + 1):
        Epoch.objects.create(pk=1, value=time.time_ns())  # never a number that another database of ours had
    _forget()
    transaction.on_commit(_forget)


def _forget() -> None:
    global _read_at
    _read_at = -READ_EVERY


def revoke(**match: str | None) -> RevocationEvent:
    """Revoke every token issued until now that matches, e.g. ``revoke(user_id=…)`` or ``revoke(audit_id=…)``.

    What ends every token of a user ends the portal sessions too.
    """
    moment = now()
    if match.keys() == {"user_id"}:
        PortalSession.objects.filter(user_id=match["user_id"]).delete()
    event = RevocationEvent.objects.create(
        **match,
        issued_before=moment,
        revoked_at=moment,
        expires_at=moment + timedelta(seconds=settings.TOKEN_LIFETIME + 60),
    )
    touch()
    return event


def is_revoked(
    *,
    issued_at: datetime,
    audit_ids: tuple[str, ...],
    user_id: str,
    project_id: str | None,
    domain_ids: set[str],
    trust_id: str | None = None,
    consumer_id: str | None = None,
    access_token_id: str | None = None,
) -> bool:
    """Whether an event matches a token. One indexed query over events that are still young enough to matter, and none
    for a token that is younger than every event."""
    newest = _newest_event()
    if newest is None or issued_at > newest:
        return False
    have: dict[str, set[Any]] = {
        "user_id": {user_id},
        "project_id": {project_id} - {None},
        "domain_id": domain_ids,
        "trust_id": {trust_id} - {None},
        "consumer_id": {consumer_id} - {None},
        "access_token_id": {access_token_id} - {None},
        "audit_id": set(audit_ids[:1]),
        "audit_chain_id": set(audit_ids[-1:]),
    }
    rows = RevocationEvent.objects.filter(issued_before__gte=issued_at).values(*have)
    return any(all(row[name] is None or row[name] in have[name] for name in have) for row in rows)


_newest: tuple[int, datetime | None] = (0, None)


def _newest_event() -> datetime | None:
    """When the last revocation was, as of the present epoch: each of them raises it."""
    global _newest
    at = epoch()
    if _newest[0] == at:
        return _newest[1]
    moment: datetime | None = RevocationEvent.objects.aggregate(newest=Max("issued_before"))["newest"]
    if not connection.in_atomic_block:  # an epoch that is rolled back comes again, for other events
        _newest = at, moment
    return moment


def prune() -> int:
    """Forget events older than any token can be. Returns how many."""
    return RevocationEvent.objects.filter(expires_at__lt=now()).delete()[0]
