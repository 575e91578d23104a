"""Reading events: after a number, or from where a reader stopped."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from common.clock import now
from common.prepared import Prepared
from outbox.models import Event, Place

AT_ONCE: Final = 500
KEEP: Final = timedelta(days=1)  # for which events stay, read or not


def after(number: int, *, limit: int = AT_ONCE) -> list[Event]:
    """List the oldest `limit` events with a higher number, in order."""
    return list(Event.objects.filter(number__gt=number).order_by("number")[:limit])


_newest = Prepared(lambda: Event.objects.order_by("-number").values_list("number")[:1])


def newest() -> int:
    """Find the highest number there is, 0 before the first event."""
    found = _newest.first()
    return found[0] if found else 0


def missed(reader: str) -> tuple[int, int] | None:
    """Find the first and last number that went before this reader came to them: it did not read for longer than KEEP. None: it missed none."""
    number = Place.objects.filter(pk=reader).values_list("number", flat=True).first()
    oldest = Event.objects.order_by("number").values_list("number", flat=True).first()
    return (number + 1, oldest - 1) if number and oldest and oldest > number + 1 else None


def read(reader: str, handle: Callable[[Sequence[Event]], object], *, limit: int = AT_ONCE) -> int:
    """Give `handle` the next events of a reader, and move its place once it has returned. Returns how many there were.

    `handle` may take any time, such as one that prints into a pipe: no transaction is open meanwhile. A reader that dies gets the same
    again; of two processes that read as one reader at the same time both may get the same.
    """
    number = Place.objects.filter(pk=reader).values_list("number", flat=True).first() or 0
    events = after(number, limit=limit)
    if events:
        handle(events)
        with transaction.atomic():
            Place.objects.get_or_create(reader=reader)
            Place.objects.filter(pk=reader, number__lt=events[-1].number).update(number=events[-1].number)
    return len(events)


def forget() -> None:
    """Delete events older than KEEP, and with them what has a lower number, in small transactions.

    The newest stays: numbers go on after it. Times do not rise with the numbers where a clock was wrong for a while.
    """
    old = Event.objects.filter(at__lt=now() - KEEP, number__lt=newest()).aggregate(last=Max("number"))["last"]
    while old is not None:
        numbers = list(
            Event.objects.filter(number__lte=old).order_by("number").values_list("number", flat=True)[:AT_ONCE]
        )
        if not numbers:
            return
        Event.objects.filter(number__lte=numbers[-1]).delete()
