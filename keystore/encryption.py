"""Texts in columns, encrypted with the data key that is in use for the place where they stand: `sealed:2:<id of the key>:<Fernet text>`.

Fernet takes no associated data, so the place is mixed into the key: a text that somebody moved to another row or column does not open.
Before, texts were bound to no place (`sealed:<id of the key>:<Fernet text>`); they open until they are written anew. A data key of the
one kind opens nothing of the other, so that once a rotation has bound all, and the nightly purge removed the keys of before, none does.
"""

import base64
import hashlib
import hmac
import json
import logging
from dataclasses import astuple, dataclass
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Unavailable
from common.prepared import Prepared
from keystore import keys, secret
from keystore.models import Key

log = logging.getLogger(__name__)

PURPOSE: Final = "bound columns"
PREFIX: Final = "sealed:"
BOUND: Final = f"{PREFIX}2:"
UNBOUND_PURPOSE: Final = "columns"  # of keys of texts that are bound to no place
#: How version 0.1 encrypted: with a key derived from the cloud's secret, without a key store.
FORMER_PURPOSE: Final = "identity.credentials"
FORMER_PREFIX: Final = "gAAAA"  # how every Fernet text begins: version 0x80 and a time of this century


class Unopenable(Unavailable, InvalidToken):
    template = _(
        "What is stored encrypted opens with no key of this cloud. Restore keys/secret from a backup of that time, or set the value again."
    )


class Misplaced(Unopenable):
    template = _(
        "What is stored encrypted was encrypted for another place in the database, or is damaged. Set the value again, and find out who moved it."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an encrypted text stands, for good. Texts are bound to it: another name for any of these, and they do not open."""

    model: str  # its label
    field: str
    row: str  # what its row is known by as long as there is one

    def key(self, material: bytes) -> bytes:
        """Return the key of 32 bytes for this place."""
        return hmac.new(material, json.dumps(astuple(self)).encode(), hashlib.sha256).digest()


_active = Prepared(lambda purpose: Key.objects.filter(purpose=purpose, is_active=True))


def active() -> Key:
    """Return the key with which columns are encrypted now; made where there is none yet."""
    found: Key | None = _active.first(PURPOSE)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            retire(UNBOUND_PURPOSE)
            return keys.make(PURPOSE, is_active=True)
    except IntegrityError:  # another process was faster
        return Key.objects.get(purpose=PURPOSE, is_active=True)


def retire(purpose: str) -> None:
    """Have the key that is in use for a purpose only decrypt from now on."""
    Key.objects.filter(purpose=purpose, is_active=True).update(is_active=False, retired_at=now())


def _cipher(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(text: str, place: Place) -> str:
    """Return a text that only processes with the cloud's secret can read, and only in its place."""
    key = active()
    cipher = _cipher(place.key(keys.opened(key.id, key.wrapped)))
    return f"{BOUND}{key.id}:{cipher.encrypt(text.encode()).decode()}"


def decrypt(text: str, place: Place) -> str:
    """Return what `encrypt` was given. Raises: Misplaced; Unopenable, also where the key is gone or cannot be opened."""
    id = key_of(text)
    try:
        return _plain(text, id, place)
    except (keys.DataKeyUnknown, keys.DataKeyLost, InvalidToken) as error:
        log.warning(
            "an encrypted text of %s cannot be read: key %s, %s", place, id or "of version 0.1", error or "not its text"
        )
        if id and isinstance(error, InvalidToken) and text.startswith(BOUND):
            raise Misplaced() from error
        raise Unopenable() from error


def _plain(text: str, id: str, place: Place) -> str:
    token = text.rpartition(":")[2].encode()
    if not id:
        return secret.fernet(FORMER_PURPOSE).decrypt(token).decode()
    if text.startswith(BOUND):
        return _cipher(place.key(keys.material(id, PURPOSE))).decrypt(token).decode()
    return _cipher(keys.material(id, UNBOUND_PURPOSE)).decrypt(token).decode()


def is_encrypted(value: object) -> bool:
    """Whether a value of a column is such a text, of whatever form."""
    return isinstance(value, str) and value.startswith((PREFIX, FORMER_PREFIX))


def key_of(text: str) -> str:
    """Return the id of the key of an encrypted text; "" for the form of version 0.1."""
    return text.removeprefix(BOUND).removeprefix(PREFIX).partition(":")[0] if text.startswith(PREFIX) else ""
