"""Rotating what the key store holds, while processes run: each row is readable before, during and after, also of one that was cut."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from common.clock import now
from common.purging import BATCH
from keystore import columns, encryption, keys, secret
from keystore.columns import Say
from keystore.models import Key

IN_FLIGHT: Final = timedelta(hours=1)  # in which a transaction that encrypted with a retired key has ended


def rotate(say: Say) -> int:
    """Wrap every key under the secret in use, and encrypt columns with new data keys. Returns how many texts it encrypted.

    A data key that somebody opened with a former secret opens nothing that is written afterwards.
    """
    wrapped = _wrap_anew()
    _replace_active()
    say(f"keys wrapped anew  {wrapped}")
    count = columns.encrypt_anew(say)
    _wrap_anew()  # of keys that were made in transactions which were open before and have ended meanwhile
    return count


def _wrap_anew() -> int:
    """Wrap under the key-encryption key in use what is under another. One that cannot be opened stays as it is."""
    under, count, after = keys.fingerprint(), 0, ""
    while True:
        with transaction.atomic():
            batch = list(Key.objects.select_for_update().filter(pk__gt=after).order_by("pk")[:BATCH])
            for row in batch:
                if row.wrapped_under != under:
                    try:
                        key = keys.opened(row.id, row.wrapped)
                    except keys.DataKeyLost:
                        continue
                    fresh = secret.fernet(keys.WRAPPING).encrypt(key).decode()
                    count += Key.objects.filter(pk=row.pk).update(wrapped=fresh, wrapped_under=under)
        if not batch:
            return count
        after = batch[-1].pk


@transaction.atomic
def _replace_active() -> None:
    """Retire the columns' data key, unless it was made under the secret in use: then a rotation that was cut goes on."""
    encryption.retire(encryption.UNBOUND_PURPOSE)
    row = Key.objects.select_for_update().filter(purpose=encryption.PURPOSE, is_active=True).first()
    if row is not None and row.made_under != keys.fingerprint():
        encryption.retire(encryption.PURPOSE)
        keys.make(encryption.PURPOSE, is_active=True)


@transaction.atomic
def forget_retired(before: datetime) -> int:
    """Remove retired data keys with which nothing is encrypted any more. Returns how many."""
    retired = Key.objects.filter(
        purpose__in=(encryption.PURPOSE, encryption.UNBOUND_PURPOSE),
        is_active=False,
        retired_at__lt=min(before, now() - IN_FLIGHT),
    )
    ids = set(retired.values_list("id", flat=True))
    return Key.objects.filter(id__in=ids - columns.keys_in_use()).delete()[0] if ids else 0
