"""Encryption of credential blobs, and keyed hashes of random secrets, both under the cloud's secret.

The secret may be rotated while processes run (cloud/rotation.py): then what the one before sealed is opened too.
"""

import base64
import hashlib
import hmac
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from hostagent.process import keyfile

#: What hashed application credentials' secrets under secrets of before: a hash cannot be sealed anew, only made anew at its use.
HASHES: Final = "identity.application_credential"

_files: dict[Path, keyfile.KeyFile] = {}


def _keys_of(path: Path) -> tuple[str, ...]:
    if path not in _files:
        _files[path] = keyfile.KeyFile(path)
    return _files[path].keys()


def forget() -> None:
    """Files are read again at once."""
    _files.clear()


def secrets() -> tuple[str, ...]:
    """The cloud's secret, and while it is rotated the other one. Django signs with the same."""
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    found = _keys_of(Path(settings.SECRET_FILE)) if settings.SECRET_FILE is not None else ()
    if not found or found == known:
        return known
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = found[0], list(found[1:])
    return found


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()


def fernet(purpose: str) -> MultiFernet:
    """What seals for this purpose alone."""
    return _fernet(secrets(), purpose)


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, purpose))) for key in keys])


def encrypt(text: str) -> str:
    return fernet("identity.credentials").encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    return fernet("identity.credentials").decrypt(text.encode()).decode()


def keyed_hash(purpose: str, text: str) -> str:
    """For secrets that are random themselves: a slow hash would add nothing to them."""
    return _hash(_derived(secrets()[0], purpose), text)


def _hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_hash(stored: str, text: str) -> bool:
    """Whether an application credential's hash is of this secret, under the cloud's secret of now or of before."""
    keys = [_derived(key, HASHES) for key in secrets()]
    keys += [bytes.fromhex(key) for key in _keys_of(Path(settings.KEYS) / "hashes")]
    return any(hmac.compare_digest(stored, _hash(key, text)) for key in keys)


def keep_hash_key(secret: str) -> None:
    """Hashes under this secret are known for ever. What is kept of it opens nothing else."""
    path = Path(settings.KEYS) / "hashes"
    known = keyfile.keys_in(path.read_text()) if path.exists() else ()
    key = _derived(secret, HASHES).hex()
    if key not in known:
        keyfile.write(path, "".join(f"{one}\n" for one in (key, *known)))
