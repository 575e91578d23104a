"""Making and checking application credentials' secrets.

A secret of ours has 512 random bits: a keyed hash says whether it is right. One that a user chose may be any word, so it is
hashed as slowly as a password; and whatever is not right costs one slow hash, so that nothing is told by the time it takes.
"""

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Unauthorized
from identity.auth.attempts import FailedAttempts
from identity.auth.passwords import nobodys
from identity.credentials.hashing import HASHES, is_hash, keyed_hash
from identity.models import ApplicationCredential

#: Characters of a secret of ours: 64 bytes in base64.
LENGTH = 86


class WrongSecret(Unauthorized):
    template = _("The request you have made requires authentication.")


def new() -> str:
    return secrets.token_urlsafe(64)


def hashed(secret: str, *, chosen: bool) -> str:
    """Return the hash that is stored of a secret; `chosen` by a user, or made by `new`."""
    return make_password(secret) if chosen else keyed_hash(HASHES, secret)


def check(
    secret: str, *, id: str | None = None, name: str | None = None, user_id: str | None = None, source: str = ""
) -> ApplicationCredential:
    """Return the credential whose secret this is. Raises: WrongSecret, also for an unknown, expired or paused one."""
    rows = ApplicationCredential.objects.select_related("user")
    found = rows.filter(pk=id) if id is not None else rows.filter(user_id=user_id, name=name)
    row = found.first()
    attempts = FailedAttempts("application_credential", row.pk if row else id, name, user_id, source=source)
    fits = _fits(secret, row.secret if row else "")
    if row is None or not fits or attempts.paused or (row.expires_at is not None and row.expires_at <= now()):
        attempts.failed()
        raise WrongSecret()
    attempts.forget()
    if (
        "$" not in row.secret
    ):  # one chosen before those were hashed slowly, or hashed under a secret of the cloud from before
        fresh = hashed(secret, chosen=len(secret) != LENGTH)
        if fresh != row.secret:
            ApplicationCredential.objects.filter(pk=row.pk).update(secret=fresh)
    return row


def _fits(secret: str, stored: str) -> bool:
    if stored and "$" not in stored and is_hash(stored, secret):
        return True
    is_slow = "$" in stored
    return check_password(secret, stored if is_slow else nobodys()) and is_slow
