"""Encryption of credential blobs, and keyed hashes of random secrets, both under the cloud's secret key."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet
from django.conf import settings


def derived_key(purpose: str) -> bytes:
    """32 bytes that only this purpose uses."""
    return hmac.new(settings.SECRET_KEY.encode(), purpose.encode(), hashlib.sha256).digest()


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key("identity.credentials")))


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    return _fernet().decrypt(text.encode()).decode()


def keyed_hash(purpose: str, text: str) -> str:
    """For secrets that are random themselves: a slow hash would add nothing to them."""
    return hmac.new(derived_key(purpose), text.encode(), hashlib.sha256).hexdigest()
