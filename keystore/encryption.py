"""Texts in columns, encrypted with the data key that is in use: `sealed:<id of the key>:<Fernet text>`."""

import base64
import logging
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Unavailable
from common.prepared import Prepared
from keystore import keys, secret
from keystore.models import Key

log = logging.getLogger(__name__)

PURPOSE: Final = "columns"
PREFIX: Final = "sealed:"
#: How version 0.1 encrypted: with a key derived from the cloud's secret, without a key store.
FORMER_PURPOSE: Final = "identity.credentials"
FORMER_PREFIX: Final = "gAAAA"  # how every Fernet text begins: version 0x80 and a time of this century


class Unopenable(Unavailable, InvalidToken):
    template = _(
        "What is stored encrypted opens with no key of this cloud. Restore keys/secret from a backup of that time, or set the value again."
    )


_active = Prepared(lambda purpose: Key.objects.filter(purpose=purpose, is_active=True))


def active() -> Key:
    """Return the key with which columns are encrypted now; made where there is none yet."""
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
    """Return a text that only processes with the cloud's secret can read."""
    key = active()
    return f"{PREFIX}{key.id}:{_cipher(keys.opened(key.id, key.wrapped)).encrypt(text.encode()).decode()}"


def decrypt(text: str) -> str:
    """Return what `encrypt` was given. Raises: Unopenable, also where the key is gone or cannot be opened."""
    id = key_of(text)
    try:
        if not id:
            return secret.fernet(FORMER_PURPOSE).decrypt(text.encode()).decode()
        token = text.removeprefix(f"{PREFIX}{id}:")
        return _cipher(keys.material(id)).decrypt(token.encode()).decode()
    except (keys.DataKeyUnknown, keys.DataKeyLost, InvalidToken) as error:
        log.warning("an encrypted text cannot be read: key %s, %s", id or "of version 0.1", error or "not its text")
        raise Unopenable() from error


def is_encrypted(value: object) -> bool:
    """Whether a value of a column is such a text, of today's form or of version 0.1."""
    return isinstance(value, str) and value.startswith((PREFIX, FORMER_PREFIX))


def key_of(text: str) -> str:
    """Return the id of the key of an encrypted text; "" for the form of version 0.1."""
    return text.removeprefix(PREFIX).partition(":")[0] if text.startswith(PREFIX) else ""
