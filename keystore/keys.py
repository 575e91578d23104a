"""Data keys: made, asked for by their id, removed. What a key says is known in this process alone, and only while it needs it."""

import hashlib
import os
from functools import lru_cache
from typing import Final

from cryptography.fernet import InvalidToken
from django.utils.translation import gettext_lazy as _

from common.errors import NotFound, Unavailable
from keystore import secret
from keystore.models import Key

WRAPPING: Final = "keystore.wrapping"  # what the key-encryption key is derived for
SIZE: Final = 32  # bytes of a key
KEPT: Final = 256  # keys that a process remembers


class DataKeyUnknown(NotFound):
    template = _("The key store has no key %(id)s.")


class DataKeyLost(Unavailable):
    template = _(
        "Key %(id)s cannot be opened: it was wrapped under a secret that this cloud no longer has. Restore keys/secret from a backup of that time."
    )


def fingerprint() -> str:
    """Return a fingerprint of the key-encryption key in use; it tells nothing of the key."""
    return hashlib.sha256(secret.derived(secret.secrets()[0], f"{WRAPPING}.fingerprint")).hexdigest()[:16]


def make(purpose: str, *, project_id: str | None = None, is_active: bool = False) -> Key:
    """Make a key of 32 random bytes in the caller's transaction; its row is what to keep the id of."""
    under = fingerprint()
    wrapped = secret.fernet(WRAPPING).encrypt(os.urandom(SIZE)).decode()
    return Key.objects.create(
        purpose=purpose,
        project_id=project_id,
        wrapped=wrapped,
        wrapped_under=under,
        made_under=under,
        is_active=is_active,
    )


def material(id: str, purpose: str | None = None) -> bytes:
    """Return the 32 bytes of a key, which was made for `purpose` where that is given. Raises: DataKeyUnknown, DataKeyLost."""
    rows = Key.objects.filter(id=id) if purpose is None else Key.objects.filter(id=id, purpose=purpose)
    wrapped = rows.values_list("wrapped", flat=True).first()
    if wrapped is None:
        raise DataKeyUnknown(id=id)
    return opened(id, wrapped)


def remove(id: str) -> None:
    """Remove a key: what is encrypted with it can never be read again. One that is not there is success."""
    Key.objects.filter(id=id).delete()
    _known.cache_clear()


def opened(id: str, wrapped: str) -> bytes:
    """Return the key that a row's text wraps. Raises: DataKeyLost."""
    try:
        return _known(wrapped, secret.secrets())
    except InvalidToken:
        raise DataKeyLost(id=id) from None


@lru_cache(maxsize=KEPT)
def _known(wrapped: str, _under: tuple[str, ...]) -> bytes:
    """Unwrap a key once; under other secrets it is tried again."""
    return secret.fernet(WRAPPING).decrypt(wrapped.encode())
