"""Keyed hashes of random secrets, under the cloud's secret."""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from django.conf import settings

from hostagent.process import keyfile
from keystore.secret import derived, keys_of, secrets

#: Hashes of application credentials' secrets under secrets of before: a hash cannot be encrypted anew, only made anew at its use.
HASHES: Final = "identity.application_credential"


def keyed_hash(purpose: str, text: str) -> str:
    """For secrets that are random themselves: a slow hash would add nothing to them."""
    return _hash(derived(secrets()[0], purpose), text)


def _hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_hash(stored: str, text: str) -> bool:
    """Whether an application credential's hash is of this secret, under the cloud's secret of now or of before."""
    keys = [derived(key, HASHES) for key in secrets()]
    keys += [bytes.fromhex(key) for key in keys_of(Path(settings.KEYS) / "hashes")]
    return any(hmac.compare_digest(stored, _hash(key, text)) for key in keys)


def keep_hash_key(secret: str) -> None:
    """Hashes under this secret are known for ever. The stored part opens nothing else."""
    path = Path(settings.KEYS) / "hashes"
    known = keyfile.keys_in(path.read_text()) if path.exists() else ()
    key = derived(secret, HASHES).hex()
    if key not in known:
        keyfile.write(path, "".join(f"{one}\n" for one in (key, *known)))
