"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 seconds), from credentials of type "totp"."""

import base64
import binascii
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from identity.auth.attempts import FailedAttempts
from identity.credentials.places import BLOB
from identity.models import Credential, User
from keystore.encryption import Unopenable, decrypt

STEP = 30


def check(user: User, passcode: str, *, source: str, alone: bool = False) -> bool:
    """Whether the code is the present one, or the one before, of any of the user's secrets. Each counts once.

    A code is spent even if the rest of the sign-in fails. Many wrong ones pause the source; where a code is all that was
    proven (`alone`), many from anywhere pause codes alone: nobody who knows the password is kept out by that.
    """
    if not user.enabled or not user.domain.enabled:
        return False
    counts = [FailedAttempts("totp", user.pk, source=source)]
    if alone:
        counts.append(FailedAttempts("totp alone", user.pk))
    good = not any(one.paused for one in counts) and _spend_any(user, passcode)
    for one in counts:
        one.forget() if good else one.failed()
    return good


def _spend_any(user: User, passcode: str) -> bool:
    step = int(time.time()) // STEP
    for row in user.credentials.filter(type="totp"):
        try:
            secret = decrypt(row.encrypted_blob, BLOB(row.pk))
        except Unopenable:  # no code fits it, and the attempt counts as one that failed
            continue
        if any(fits(secret, passcode, at * STEP) and _spend(row, at) for at in (step, step - 1)):
            return True
    return False


def _spend(row: Credential, step: int) -> bool:
    """Whether this step's code was still good; of two requests at once, one wins."""
    return bool(Credential.objects.filter(pk=row.pk, last_step__lt=step).update(last_step=step))


def fits(secret: str, passcode: str, moment: int) -> bool:
    """Whether the code is the one of a base32 secret at a moment (seconds since 1970)."""
    try:
        key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
        TOTP(key, 6, SHA1(), STEP, enforce_key_length=False).verify(passcode.encode(), moment)
    except (InvalidToken, binascii.Error, ValueError):
        return False
    return True
