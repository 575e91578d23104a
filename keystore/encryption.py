"""Texts in columns, encrypted with the data key that is in use: `sealed:<id of the key>:<Fernet text>`."""

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from django.db import IntegrityError, transaction

from common.prepared import Prepared
from keystore import keys, secret
from keystore.models import Key

PURPOSE: Final = "columns"
PREFIX: Final = "sealed:"
#: How version 0.1 encrypted: with a key derived from the cloud's secret, without a key store.
FORMER_PURPOSE: Final = "identity.credentials"
FORMER_PREFIX: Final = "gAAAA"  # how every Fernet text begins: version 0x80 and a time of this century

_active = Prepared(lambda purpose: Key.objects.filter(purpose=purpose, is_active=True))


def active() -> Key:
    """The key with which columns are encrypted now; made where there is none yet."""
    found: Key | None = _active.first(PURPOSE)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return keys.make(PURPOSE, is_active=True)
    except IntegrityError:  # another process was faster
        return Key.objects.get(purpose=PURPOSE, is_active=True)


def _cipher(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(text: str) -> str:
    """A text that only processes with the cloud's secret can read."""
    key = active()
    return f"{PREFIX}{key.id}:{_cipher(keys.opened(key.id, key.wrapped)).encrypt(text.encode()).decode()}"


def decrypt(text: str) -> str:
    """What `encrypt` was given. Raises: InvalidToken, also where the key is gone or cannot be opened."""
    if not text.startswith(PREFIX):
        return secret.fernet(FORMER_PURPOSE).decrypt(text.encode()).decode()
    id, _, token = text.removeprefix(PREFIX).partition(":")
    try:
        return _cipher(keys.material(id)).decrypt(token.encode()).decode()
    except (keys.DataKeyUnknown, keys.DataKeyLost) as error:
        raise InvalidToken(str(error)) from error


def is_encrypted(value: object) -> bool:
    """Whether a value of a column is such a text, of today's form or of version 0.1."""
    return isinstance(value, str) and value.startswith((PREFIX, FORMER_PREFIX))


def key_of(text: str) -> str:
    """The id of the key of an encrypted text; "" for the form of version 0.1."""
    return text.removeprefix(PREFIX).partition(":")[0] if text.startswith(PREFIX) else ""
