"""Making and checking application credentials' secrets."""

import hmac
import secrets

from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Unauthorized
from identity.credentials.crypto import keyed_hash
from identity.models import ApplicationCredential


class WrongSecret(Unauthorized):
    template = _("The request you have made requires authentication.")


def new() -> str:
    return secrets.token_urlsafe(64)


def hashed(secret: str) -> str:
    return keyed_hash("identity.application_credential", secret)


def check(
    secret: str, *, id: str | None = None, name: str | None = None, user_id: str | None = None
) -> ApplicationCredential:
    """The credential whose secret this is. Raises: WrongSecret, also for an unknown or expired one."""
    rows = ApplicationCredential.objects.select_related("user")
    found = rows.filter(pk=id) if id is not None else rows.filter(user_id=user_id, name=name)
    row = found.first()
    fits = hmac.compare_digest(row.secret if row else "", hashed(secret))
    if row is None or not fits or (row.expires_at is not None and row.expires_at <= now()):
        raise WrongSecret()
    return row
