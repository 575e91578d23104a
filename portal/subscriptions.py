"""Live updates of one sockets process: one reader of the outbox gives each event to the sockets that it concerns.

A nudge through the channel layer says that there is something to read (common.live). Nobody relies on it: while sockets are open the
reader looks every LOOK seconds, so that what a process committed before it died is told a little later. A page says which event was the
newest when its HTML was made, or which it heard of last before it lost its socket, and gets what came after it (`since`).
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from common.clock import now
from common.live import GROUP, Change
from outbox import places
from outbox.models import Event

log = logging.getLogger(__name__)

LOOK: Final = 5.0  # seconds between two readings without a nudge
SLEPT: Final = 3600.0  # seconds without a reading, as of a machine that slept, after which events may have gone unread
MOST: Final = 2000  # events that a page may be behind
WAITING: Final = 500  # changes that one socket may be behind
#: A page may show what was true a moment before it was made: roles and shares are read anew once a second.
LATE: Final = timedelta(seconds=2)
BEFORE: Final = 200  # events before a page's own that are looked through for that

Since = tuple[list[Change], int] | None  # what changed, up to which event; None: not known


def mark() -> str:
    """Say where the outbox is now: a page that is made now tells it later (`Live._since`)."""
    return f"{places.newest()} {now().timestamp():.3f}"


def _told(event: Event, id: str | None = None) -> Change:
    return {"changed": event.kind, "id": event.object_id if id is None else id, "number": event.number}


def since(number: int, made: datetime | None, groups: Collection[str], shown: Collection[tuple[str, str]]) -> Since:
    """Return (the changes after event `number` for a page in `groups`, the last number they go up to); None if that is not known.

    `shown`: what the page shows, as (kind, id). Things shown are listed whoever hears of the event: public ones change in other projects.
    An id "" is a part of the page that shows any of its kind. `made`: when the page was made, for what it may show that is LATE older.
    """
    events = places.after(max(0, number - BEFORE), limit=BEFORE + MOST + 1)
    last = events[-1].number if events else 0
    if last < number or (number and events[0].number > number + 1) or len(events) > BEFORE + MOST:
        return None  # an event of another database or of before a restored one, or longer ago than events are kept
    is_full = len(events) >= BEFORE and events[BEFORE - 1].number <= number
    if made is not None and is_full and events[0].at >= made - LATE:
        return None  # more happened in that moment than is looked through
    found: dict[tuple[str, str], Change] = {}
    for event in events:
        is_new = event.number > number
        if not is_new and (made is None or event.at < made - LATE):
            continue
        kind, id, is_heard = event.kind, event.object_id, not event.heard_by().isdisjoint(groups)
        if (kind, id) in shown or (is_new and is_heard):
            found[kind, id] = _told(event)
        elif (kind, "") in shown and (not event.is_of_a_project() or is_heard):
            found[kind, ""] = _told(event, "")
    return list(found.values()), last


@dataclass(eq=False)
class Subscription:
    """The queue of one socket: changes for its `groups` wait here until the socket has sent them."""

    groups: frozenset[str]
    _waiting: asyncio.Queue[Change] = field(default_factory=asyncio.Queue)

    def put(self, change: Change) -> None:
        """Queue a change; a socket that is 500 behind is told once that all may have changed instead."""
        if self._waiting.qsize() >= WAITING:
            self.put_everything(change["number"])
        else:
            self._waiting.put_nowait(change)

    def put_everything(self, number: object) -> None:
        """Say that all may have changed, up to the event of this number."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait({"all": True, "number": number})

    async def next(self) -> Change:
        """Wait for the next change."""
        return await self._waiting.get()


class Subscriber:
    """This process's place in the outbox, shared by all its sockets. Without sockets nobody reads."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._listening: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self._began = asyncio.Event()
        self._place = 0

    async def subscribe(self, groups: Collection[str]) -> Subscription:
        """Open a socket's queue: each event that is committed from now on goes there. The first one begins to read."""
        loop = asyncio.get_running_loop()
        # Contexts of their own: the first socket's is gone with the socket.
        if self._listening is None or self._listening.done() or self._listening.get_loop() is not loop:
            self._subscriptions.clear()
            self._nudged = asyncio.Event()
            self._reading = None
            self._listening = loop.create_task(self._listen(), context=contextvars.Context())
        subscription = Subscription(frozenset(groups))
        self._subscriptions.add(subscription)
        if self._reading is None:
            self._began = asyncio.Event()
            self._reading = loop.create_task(self._read(), context=contextvars.Context())
        try:
            await self._began.wait()
        except asyncio.CancelledError:
            self.unsubscribe(subscription)
            raise
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Close a socket's queue; the last one ends the reading."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _listen(self) -> None:
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                while True:
                    await layer.receive(channel)
                    self._nudged.set()
            except Exception:
                log.exception("live: the channel layer cannot be listened to")
                await asyncio.sleep(LOOK)

    async def _read(self) -> None:
        looked = -SLEPT  # of the wall clock, which goes on while a machine sleeps
        while True:
            self._nudged.clear()
            moment = time.time()  # of before the reading: the machine may fall asleep in it
            try:
                if abs(moment - looked) > SLEPT:
                    await self._begin()
                else:
                    await self._give()
                looked = moment
            except DatabaseError:
                log.exception("live: the outbox could not be read")
            try:
                await asyncio.wait_for(self._nudged.wait(), LOOK if self._began.is_set() else 0.5)
            except TimeoutError:
                continue

    async def _begin(self) -> None:
        """Go on after the newest event; sockets that were there before are told that all may have changed."""
        self._place = await database_sync_to_async(places.newest)()
        if self._began.is_set():
            for subscription in self._subscriptions:
                subscription.put_everything(self._place)
        self._began.set()

    async def _give(self) -> None:
        """Give what is new to the sockets that it concerns."""
        while True:
            events = await database_sync_to_async(places.after)(self._place)
            for event in events:
                self._place, rooms = event.number, event.heard_by()
                for subscription in self._subscriptions:
                    if not rooms.isdisjoint(subscription.groups):
                        subscription.put(_told(event))
            if len(events) < places.AT_ONCE:
                return


SUBSCRIBER = Subscriber()
