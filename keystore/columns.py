"""Columns that hold encrypted texts, and encrypting them anew.

Apps name theirs at start: `columns.register("identity.Credential", "encrypted_blob")`. A column holds an encrypted text, or JSON with
encrypted texts in it, each for the place of its row (`encryption.Place`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import transaction

from common.purging import BATCH
from keystore import encryption

Say = Callable[[str], None]
_COLUMNS: dict[tuple[str, str], Callable[[Any], str]] = {}
_ALSO: dict[str, Callable[[], int]] = {}


def register(model: str, field: str, row_id: Callable[[Any], str] = lambda row: str(row.pk)) -> None:
    """Name a column whose texts are encrypted (keystore.encryption). `row_id(row)` is what their places call its row."""
    _COLUMNS[model, field] = row_id


def also(name: str, work: Callable[[], int]) -> None:
    """Have `work()` make anew what is under the cloud's secret in another way; it returns how much that was."""
    _ALSO[name] = work


def registered() -> list[tuple[str, str]]:
    """(model's label, field) of every column."""
    return list(_COLUMNS)


def encrypt_anew(say: Say) -> int:
    """Encrypt every text with the data key in use. May be cut and run again. Returns how many texts it encrypted."""
    total = 0
    for label, field in _COLUMNS:
        count = _column(label, field, say)
        say(f"{_called(label, field)}  {count}")
        total += count
    for name, work in _ALSO.items():
        count = work()
        say(f"{apps.get_model(name)._meta.verbose_name}: signature  {count}")
        total += count
    return total


def keys_in_use() -> set[str]:
    """Ids of the keys with which texts of the columns are encrypted."""
    found: set[str] = set()
    for label, field in _COLUMNS:
        for value in apps.get_model(label)._default_manager.values_list(field, flat=True).iterator():
            found.update(encryption.key_of(text) for text in _texts(value))
    return found - {""}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str) and encryption.is_encrypted(value):
        yield value


def _called(label: str, field: str) -> str:
    """What people call a column: `application credential: secret`."""
    meta = apps.get_model(label)._meta
    return f"{meta.verbose_name}: {getattr(meta.get_field(field), 'verbose_name', field)}"


def _column(label: str, field: str, say: Say) -> int:
    model, row_id = apps.get_model(label), _COLUMNS[label, field]
    count, after = 0, None
    every = model._default_manager.order_by("pk")
    key_id = encryption.active().id
    while True:
        rows = every if after is None else every.filter(pk__gt=after)
        with transaction.atomic():
            batch = list(rows.select_for_update()[:BATCH])
            for row in batch:
                place = encryption.Place(label, field, row_id(row))
                anew, changed = _anew(getattr(row, field), key_id, place, say)
                if changed:
                    model._default_manager.filter(pk=row.pk).update(**{field: anew})
                    count += changed
        if not batch:
            return count
        after = batch[-1].pk


def _anew(value: object, key_id: str, place: encryption.Place, say: Say) -> tuple[object, int]:
    """(the value with every text in it encrypted anew, how many those were)."""
    if isinstance(value, dict):
        parts = {name: _anew(one, key_id, place, say) for name, one in value.items()}
        return {name: one for name, (one, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        found = [_anew(one, key_id, place, say) for one in value]
        return [one for one, _ in found], sum(count for _, count in found)
    if not isinstance(value, str) or not encryption.is_encrypted(value) or encryption.key_of(value) == key_id:
        return value, 0
    try:
        return encryption.encrypt(encryption.decrypt(value, place), place), 1
    except encryption.Misplaced:
        say(f"{place.model} {place.row}: it was encrypted for another place, or is damaged")
    except InvalidToken:  # not ours
        say(f"{place.model} {place.row}: no key of this cloud opens it")
    return value, 0
