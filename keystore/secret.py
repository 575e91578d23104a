"""The cloud's secret, and keys for one purpose each that are derived from it.

The secret may be rotated while processes run (cloud/rotation.py): then what the one before encrypted is decrypted too.
"""

import base64
import hashlib
import hmac
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from hostagent.process import keyfile

_files: dict[Path, keyfile.KeyFile] = {}


def keys_of(path: Path) -> tuple[str, ...]:
    """List the keys of a file, read again within a second of a change; the one in use first."""
    if path not in _files:
        _files[path] = keyfile.KeyFile(path)
    return _files[path].keys()


def forget() -> None:
    """Have files read again at once."""
    _files.clear()


def secrets() -> tuple[str, ...]:
    """List the cloud's secret, and while it is rotated the other one. Django signs with the same."""
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    found = keys_of(Path(settings.SECRET_FILE)) if settings.SECRET_FILE is not None else ()
    if not found or found == known:
        return known
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = found[0], list(found[1:])
    return found


def derived(secret: str, purpose: str) -> bytes:
    """Return a key of 32 bytes for one purpose: nobody learns the secret, or another purpose's key, from it."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()


def fernet(purpose: str) -> MultiFernet:
    """Encrypts for one purpose under the secret in use, and decrypts under each that counts."""
    return _fernet(secrets(), purpose)


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derived(key, purpose))) for key in keys])
