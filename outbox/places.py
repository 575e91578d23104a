"""Reading events: after a number, or from where a reader stopped. What is read and how far are committed together."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction

from common.clock import now
from outbox.models import Event, Place

AT_ONCE: Final = 500
KEEP: Final = timedelta(days=1)  # for which events stay, read or not


def after(number: int, *, limit: int = AT_ONCE) -> list[Event]:
    """The oldest `limit` events with a higher number, in order."""
    return list(Event.objects.filter(number__gt=number).order_by("number")[:limit])


def newest() -> int:
    """The highest number there is, 0 before the first event."""
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


def forget() -> None:
    """Delete events older than KEEP, in small transactions. The newest stays: numbers go on after it."""
    oldest, last = now() - KEEP, newest()
    while True:
        rows = list(Event.objects.order_by("number").values_list("number", "at")[:AT_ONCE])
        old = [number for number, at in rows if at < oldest and number < last]
        if not old:
            return
        Event.objects.filter(number__lte=old[-1]).delete()
