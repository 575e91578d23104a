"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 seconds), from credentials of type "totp"."""

import base64
import binascii
import time
from datetime import timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db.models import F

from common.clock import now
from identity.credentials.crypto import decrypt
from identity.models import Credential, User

STEP = 30
#: Wrong codes in a row before a secret is locked, and for how long: six digits are soon guessed otherwise.
LOCK_AFTER = 10
LOCK_FOR = timedelta(minutes=5)


def check(user: User, passcode: str) -> bool:
    """Whether the code is the present one, or the one before, of any of the user's secrets. Each counts once.

    A code is spent even if the rest of the sign-in fails. Secrets with many wrong codes are locked for a while.
    """
    if not user.enabled or not user.domain.enabled:
        return False
    step = int(time.time()) // STEP
    rows = [row for row in user.credentials.filter(type="totp") if not _locked(row)]
    for row in rows:
        secret = decrypt(row.encrypted_blob)
        for at in (step, step - 1):
            if fits(secret, passcode, at * STEP) and _spend(row, at):
                return True
    for row in rows:
        Credential.objects.filter(pk=row.pk).update(failures=F("failures") + 1, failed_at=now())
    return False


def _locked(row: Credential) -> bool:
    return row.failures >= LOCK_AFTER and row.failed_at is not None and now() - row.failed_at < LOCK_FOR


def _spend(row: Credential, step: int) -> bool:
    """Whether this step's code was still good; of two requests at once, one wins."""
    later = Credential.objects.filter(pk=row.pk, last_step__lt=step)
    return bool(later.update(last_step=step, failures=0, failed_at=None))


def fits(secret: str, passcode: str, moment: int) -> bool:
    """Whether the code is the one of a base32 secret at a moment (seconds since 1970)."""
    try:
        key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
        TOTP(key, 6, SHA1(), STEP, enforce_key_length=False).verify(passcode.encode(), moment)
    except (InvalidToken, binascii.Error, ValueError):
        return False
    return True
