"""One's own sessions: seen, ended one by one or all together."""

import hashlib
from datetime import timedelta

from django.contrib import auth
from django.db import transaction

from common.clock import now
from identity.auth import attempts, auditing
from identity.models import PortalSession, Trust
from identity.revocation import services as revocation
from identity.signin.store import SessionStore, data_of

#: An ended session stays so long, so that its page can be gone on with by the same user.
KEEP = timedelta(days=1)
#: A trust that ended stays so long, for who asks what became of it.
KEEP_TRUSTS = timedelta(days=30)


def of_user(user_id: str) -> list[PortalSession]:
    """List the open ones, the last used first."""
    return list(PortalSession.objects.filter(user_id=user_id, expire_date__gt=now()).order_by("-seen_at"))


def name(session_key: str) -> str:
    """Return the name of a session on a page: its key is a secret."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:16]


def is_open(user_id: str, audit_id: str) -> bool:
    """Whether nobody ended a session, and its longest time is not over; it may wait for its user to come back."""
    rows = PortalSession.objects.filter(user_id=user_id, ends_at__gt=now())
    return any(data_of(row).get("audit_id") == audit_id for row in rows)


@transaction.atomic
def end(user_id: str, id: str) -> None:
    """End one of the user's sessions; nothing happens when it is gone already."""
    keys = [row.pk for row in PortalSession.objects.filter(user_id=user_id) if name(row.pk) == id]
    PortalSession.objects.filter(pk__in=keys).delete()
    revocation.note(user_id=user_id)  # its sockets look anew
    if keys:
        auditing.revoked("session", id, user_id)


@transaction.atomic
def end_others(user_id: str, session_key: str) -> None:
    PortalSession.objects.filter(user_id=user_id).exclude(pk=session_key).delete()
    revocation.note(user_id=user_id)
    auditing.revoked("sessions", "", user_id)


@transaction.atomic
def end_everywhere(user_id: str) -> None:
    """End every session and every token of the user."""
    revocation.revoke(user_id=user_id)
    auditing.revoked("all", "", user_id)


def prune() -> None:
    """Delete sessions that ended, failed attempts whose pause is over, and revocations of tokens that are over."""
    PortalSession.objects.filter(expire_date__lt=now() - KEEP).delete()
    attempts.prune()
    revocation.prune()
    Trust.objects.filter(deleted_at__lt=now() - KEEP_TRUSTS).delete()


def sign_anew() -> int:
    """Sessions are signed with the cloud's secret: with the one in use. Returns how many were signed anew."""
    count = 0
    for key in list(PortalSession.objects.values_list("pk", flat=True)):
        with transaction.atomic():
            row = PortalSession.objects.select_for_update(of=("self",)).select_related("user").filter(pk=key).first()
            data = data_of(row) if row is not None else {}
            if row is None or not data:
                continue
            if row.user is not None and auth.HASH_SESSION_KEY in data:
                data[auth.HASH_SESSION_KEY] = row.user.get_session_auth_hash()
            PortalSession.objects.filter(pk=key).update(session_data=SessionStore().encode(data))
            count += 1
    return count
