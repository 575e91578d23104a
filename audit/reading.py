"""Records by pages, each of bounded work whatever is filtered: one index leads, and the rest is looked at within windows of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from audit import cadf
from audit.models import Event

#: Records of the leading index in one window, and how many windows one page may take.
LOOK, WINDOWS = 20_000, 5
#: Rows that one file reads at a time, and windows that it may take.
LOT, ALL_WINDOWS = 500, 50


@dataclass(frozen=True)
class Found:
    """`older`: the id before which the next page begins, "" where nothing is older; `is_cut`: it looked no further, though there is more."""

    rows: list[Event]
    older: str = ""
    is_cut: bool = False


def page(led: "QuerySet[Event]", wanted: Q, size: int, *, before: str = "", windows: int = WINDOWS) -> Found:
    """Find the newest `size` records that are as `wanted`, of those before the id `before`.

    `led` is narrowed by what one index has in its order: a project, an object, a person or a request; and ids.
    """
    rows: list[Event] = []
    for _turn in range(windows):
        found = _window(led, wanted, size - len(rows), before)
        rows += found.rows
        before = found.older
        if len(rows) == size or not before:
            return Found(rows, before)
    return Found(rows, before, is_cut=True)


def _window(led: "QuerySet[Event]", wanted: Q, size: int, before: str) -> Found:
    led = led.filter(pk__lt=before) if before else led
    edge = led.order_by("-pk").values_list("pk", flat=True)[LOOK : LOOK + 1].first()
    inside = led.filter(pk__gte=edge) if edge else led
    rows = list(inside.filter(wanted).order_by("-pk")[: size + 1])
    if len(rows) > size:
        return Found(rows[:size], rows[size - 1].pk)
    return Found(rows, edge or "")


def every(led: "QuerySet[Event]", wanted: Q, most: int) -> Iterator[Event]:
    """Give up to `most` records, the newest first, a lot a query."""
    before, given = "", 0
    for _turn in range(ALL_WINDOWS):
        found = page(led, wanted, min(LOT, most - given), before=before, windows=1)
        yield from found.rows
        given, before = given + len(found.rows), found.older
        if given >= most or not before:
            return


def ends(operation_ids: Collection[str]) -> dict[str, Event]:
    """Operation id → the record of how it ended, of those that have one."""
    if not operation_ids:
        return {}
    rows = Event.objects.filter(operation_id__in=operation_ids).exclude(operation_id="").exclude(outcome=cadf.PENDING)
    return {row.operation_id: row for row in rows.order_by("pk")}


#: What is a change, or the try of one: reads and sign-ins are none. The end of a verb that takes time is told with its beginning.
CHANGES = ~Q(action="read") & ~Q(action__startswith="authenticate")
BEGUN = (Q(operation_id="") & ~Q(outcome=cadf.PENDING)) | (~Q(operation_id="") & Q(outcome=cadf.PENDING))
PARKED = Q(action__in=("update/retry", "update/abandon"))
#: One line a change; and the lines of those that failed.
ONCE = CHANGES & (BEGUN | PARKED)
FAILED = CHANGES & Q(outcome=cadf.FAILURE)
