"""Events of a transaction, written by one statement in its last moment: a savepoint that is taken back takes its events along."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from common.clock import now
from common.live import Announcement
from outbox.models import Event, project_room

#: PostgreSQL gives numbers when rows are written, not when they are committed: writers take turns until their commit, or a reader that
#: saw a higher number would never look for a lower one that came later. SQLite has one writer anyway.
_TURN: Final = 0x0_0B0_0124
TABLE: Final = Event._meta.db_table
LOT: Final = 90  # rows of one statement: SQLite may take no more than 999 parameters
COLUMNS: Final = ("kind", "object_id", "project_id", "what", "before", "after", "user_id", "request_id", "rooms")


def write(connection: BaseDatabaseWrapper) -> None:
    """Write what the open transaction announced. Called before its commit (common.watched)."""
    told = [entry[1] for entry in connection.run_on_commit if type(entry[1]) is Announcement]
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
        if one.rooms != first.rooms or one.project_id != first.project_id:
            first.rooms = _heard_by(first, one)
    return list(found.values())


def _heard_by(first: Announcement, one: Announcement) -> tuple[str, ...]:
    """The rooms of both: a change for another project than the first's, as of an image's members, is heard there too."""
    also = (project_room(one.project_id),) if one.project_id and one.project_id != first.project_id else ()
    return tuple(dict.fromkeys((*first.rooms, *one.rooms, *also)))


def _row(one: Announcement) -> tuple[str, ...]:
    """The values of COLUMNS."""
    said = (one.kind, one.id, one.project_id or "", one.what[:32], one.before[:32], one.after[:32])
    return (*said, one.cause.user_id, one.cause.request_id, " ".join(one.rooms))
