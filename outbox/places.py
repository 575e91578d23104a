"""Reading events: after a number, or from where a reader stopped. What is read and how far are committed together."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from common.clock import now
from outbox.models import Event, Place

AT_ONCE: Final = 500
KEEP: Final = timedelta(days=1)  # for which events stay, read or not


def after(number: int, *, limit: int = AT_ONCE) -> list[Event]:
    """List the oldest `limit` events with a higher number, in order."""
    return list(Event.objects.filter(number__gt=number).order_by("number")[:limit])


def newest() -> int:
    """Find the highest number there is, 0 before the first event."""
    return Event.objects.order_by("-number").values_list("number", flat=True).first() or 0


def read(reader: str, handle: Callable[[Sequence[Event]], object], *, limit: int = AT_ONCE) -> int:
    """Give `handle` the next events of a reader, in the transaction that moves its place. Returns how many there were.

    Of two processes that read as one reader the second waits, and gets what follows.
    """
    with transaction.atomic():
        Place.objects.get_or_create(reader=reader)
        place = Place.objects.select_for_update().get(reader=reader)
        events = after(place.number, limit=limit)
        if events:
            handle(events)
            Place.objects.filter(pk=reader).update(number=events[-1].number)
    return len(events)


def missed(reader: str) -> tuple[int, int] | None:
    """Find the first and last number that went before this reader came to them: it did not read for longer than KEEP. None: it missed none."""
    number = Place.objects.filter(pk=reader).values_list("number", flat=True).first()
    oldest = Event.objects.order_by("number").values_list("number", flat=True).first()
    return (number + 1, oldest - 1) if number and oldest and oldest > number + 1 else None


def give_slowly(reader: str, handle: Callable[[Sequence[Event]], object], *, limit: int = AT_ONCE) -> int:
    """As `read`, for a `handle` that may take any time, such as one that prints into a pipe: no transaction is open meanwhile.

    Of two processes that read as one reader at the same time both may get the same. Returns how many there were.
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
