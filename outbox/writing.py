"""Events of a transaction, written by one statement in its last moment: a savepoint that is taken back takes its events along."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from common.clock import now
from common.live import Announcement
from outbox.models import Event

#: PostgreSQL gives numbers when rows are written, not when they are committed: writers take turns until their commit, or a reader that
#: saw a higher number would never look for a lower one that came later. SQLite has one writer anyway.
_TURN: Final = 0x0_0B0_0124
TABLE: Final = Event._meta.db_table
LOT: Final = 100  # rows of one statement: SQLite may take no more than 999 parameters
COLUMNS: Final = ("kind", "object_id", "project_id", "what", "before", "after", "user_id", "request_id")


def write(connection: BaseDatabaseWrapper) -> None:
    """Write what the open transaction announced. Called before its commit (common.watched)."""
    told = [entry[1] for entry in connection.run_on_commit if type(entry[1]) is Announcement and entry[1].is_event]
    if not told:
        return
    rows = told if len(told) == 1 else _merged(told)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])
        at = connection.ops.adapt_datetimefield_value(now())
        for start in range(0, len(rows), LOT):
            lot = rows[start : start + LOT]
            cursor.execute(_insert(len(lot)), [value for one in lot for value in (at, *_row(one))])


@lru_cache(maxsize=8)
def _insert(count: int) -> str:
    """A statement of its own for some rows: at this moment of a transaction the ORM would begin another one."""
    names = ("at", *COLUMNS)
    row = f"({', '.join(['%s'] * len(names))})"
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{TABLE}" ({quoted}) VALUES {", ".join([row] * count)}'


def _merged(told: Iterable[Announcement]) -> list[Announcement]:
    """One an object: the state before the first of its changes, and after the last."""
    found: dict[tuple[str, str], Announcement] = {}
    for one in told:
        first = found.get((one.kind, one.id))
        if first is None:
            found[one.kind, one.id] = one
            continue
        first.before, first.after = first.before or one.before, one.after or first.after
        first.what = one.what if one.what != "update" else first.what
    return list(found.values())


def _row(one: Announcement) -> tuple[str, ...]:
    """The values of COLUMNS."""
    said = (one.kind, one.id, one.project_id or "", one.what[:32], one.before[:32], one.after[:32])
    return (*said, one.cause.user_id, one.cause.request_id)
