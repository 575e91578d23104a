"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 seconds), from credentials of type "totp"."""

import base64
import binascii
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from identity.credentials.crypto import decrypt
from identity.models import User


def check(user: User, passcode: str) -> bool:
    """Whether the code is the present one, or the one before, of any of the user's secrets."""
    moment = int(time.time())
    for blob in user.credentials.filter(type="totp").values_list("encrypted_blob", flat=True):
        if any(fits(decrypt(blob), passcode, at) for at in (moment, moment - 30)):
            return user.enabled and user.domain.enabled
    return False


def fits(secret: str, passcode: str, moment: int) -> bool:
    """Whether the code is the one of a base32 secret at a moment (seconds since 1970)."""
    try:
        key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
        TOTP(key, 6, SHA1(), 30, enforce_key_length=False).verify(passcode.encode(), moment)
    except (InvalidToken, binascii.Error, ValueError):
        return False
    return True
