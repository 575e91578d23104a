"""What is sealed in the database under the cloud's secret, and sealing it anew when that is rotated.

Apps name their columns in AppConfig.ready(): `resealing.register("identity.Credential", "encrypted_blob")`. A column holds a sealed text,
or JSON with sealed texts in it.
"""

from collections.abc import Callable
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import transaction

from identity.credentials import crypto

BATCH: Final = 200
MARK: Final = "gAAAA"  # how every Fernet text begins: version 0x80 and a time of this century

Say = Callable[[str], None]
_SEALED: list[tuple[str, str]] = []
_ALSO: dict[str, Callable[[], int]] = {}


def register(model: str, field: str) -> None:
    if (model, field) not in _SEALED:
        _SEALED.append((model, field))


def also(name: str, work: Callable[[], int]) -> None:
    """`work` makes anew what is under the secret in another way, and returns how much that was."""
    _ALSO[name] = work


def sealed() -> list[tuple[str, str]]:
    return list(_SEALED)


def run(say: Say) -> int:
    """Seals everything with the secret in use. May be cut and run again. Returns how many values it sealed."""
    total = 0
    for label, field in _SEALED:
        count = _column(apps.get_model(label), field, say)
        say(f"{_called(label, field)}  {count}")
        total += count
    for name, work in _ALSO.items():
        count = work()
        say(f"{apps.get_model(name)._meta.verbose_name}: signature  {count}")
        total += count
    return total


def _called(label: str, field: str) -> str:
    """What people call a column: `application credential: secret`."""
    meta = apps.get_model(label)._meta
    return f"{meta.verbose_name}: {meta.get_field(field).verbose_name}"


def _column(model: Any, field: str, say: Say) -> int:
    count, after = 0, None
    while True:
        rows = model.objects.order_by("pk") if after is None else model.objects.filter(pk__gt=after).order_by("pk")
        with transaction.atomic():
            batch = list(rows.select_for_update()[:BATCH])
            for row in batch:
                value = getattr(row, field)
                anew, changed = _anew(
                    value, lambda pk=row.pk: say(f"{model._meta.label} {pk}: no secret of this cloud opens it")
                )
                if changed:
                    model.objects.filter(pk=row.pk).update(**{field: anew})
                    count += changed
        if not batch:
            return count
        after = batch[-1].pk


def _anew(value: Any, lost: Callable[[], None]) -> tuple[Any, int]:
    """(the value with every sealed text in it sealed anew, how many those were)."""
    if isinstance(value, dict):
        parts = {name: _anew(one, lost) for name, one in value.items()}
        return {name: one for name, (one, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        found = [_anew(one, lost) for one in value]
        return [one for one, _ in found], sum(count for _, count in found)
    if not isinstance(value, str) or not value.startswith(MARK):
        return value, 0
    try:
        return crypto.fernet("identity.credentials").rotate(value.encode()).decode(), 1
    except InvalidToken:  # not ours, or damaged long ago
        lost()
        return value, 0
