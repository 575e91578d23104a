"""Change events of one websocket process: put into open sockets' subscriptions at once, kept 60 s for sockets that open later.

A page asks which of its things changed between the making of its HTML and the opening of its socket. Nothing may be
missed, so whatever is not known for sure is said so: before this process listened, longer ago than it remembers, or
after a number of a publisher was left out, the answer is that everything may have changed.
"""

import asyncio
import contextvars
import logging
import math
import time
import uuid
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from channels.layers import get_channel_layer

from common.live import GROUP, Change, boot

log = logging.getLogger(__name__)

KEEP = 60.0  # seconds that a change is remembered
MOST = 5000  # changes remembered
WAITING = 500  # changes that one socket may be behind
#: A page may show what was true a moment before it was made: roles and shares are read anew once a second.
LATE = 2.0
EVERYTHING: Change = {"all": True}


@dataclass(frozen=True, slots=True)
class Event:
    """One change and the groups that may know of it.

    `at`: when it was committed, where that can be known, else when it was received; `received`: by this process. Seconds of its
    monotonic clock.
    """

    groups: frozenset[str]
    change: Change
    at: float
    received: float


class Backlog:
    """The events of the last 60 s, with the moment since which none is missing."""

    def __init__(self) -> None:
        self._kept: deque[Event] = deque()
        self.whole_since = math.inf

    def begin(self, moment: float) -> None:
        """Start over: complete from `moment` on, nothing known of before."""
        self._kept.clear()
        self.whole_since = moment

    def add(self, event: Event) -> None:
        """Keep an event; the oldest go once they are over 60 s old or too many."""
        self._kept.append(event)
        while len(self._kept) > MOST or self._kept[0].received < event.received - KEEP:
            self.whole_since = max(self.whole_since, self._kept.popleft().received)

    def since(
        self, moment: float, groups: Collection[str], shown: Collection[tuple[str, str]] = ()
    ) -> list[Change] | None:
        """List the changes since `moment` for a page in `groups` that shows `shown` (kind, id); None if that is not known.

        Things shown are listed whatever group the event was for: public ones change in other projects. An id "" is a part of
        the page that shows any of its kind.
        """
        if moment - LATE < self.whole_since:
            return None
        found: dict[tuple[object, object], Change] = {}
        for one in self._kept:
            if one.at < moment - LATE:
                continue
            kind, id = one.change["changed"], one.change["id"]
            if (kind, id) in shown or (one.at >= moment and not one.groups.isdisjoint(groups)):
                found[(kind, id)] = one.change
            elif (kind, "") in shown and (_is_of_no_project(one) or not one.groups.isdisjoint(groups)):
                found[(kind, "")] = {**one.change, "id": ""}
        return list(found.values())


def _is_of_no_project(event: Event) -> bool:
    return not any(group.startswith("project.") for group in event.groups)


@dataclass(eq=False)
class Subscription:
    """The queue of one socket: changes for its `groups` wait here until the socket has sent them."""

    groups: frozenset[str]
    _waiting: asyncio.Queue[Change] = field(default_factory=asyncio.Queue)

    def put(self, change: Change) -> None:
        """Queue a change; a socket that is 500 behind gets one EVERYTHING instead of all of them."""
        if change is EVERYTHING or self._waiting.qsize() >= WAITING:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            change = EVERYTHING
        self._waiting.put_nowait(change)

    async def next(self) -> Change:
        """Wait for the next change."""
        return await self._waiting.get()


class Subscriber:
    """This process's subscription to the channel layer, shared by all its sockets.

    `subscribe` and `Backlog.since` are one step each of the event loop: nothing is lost between them and later events.
    """

    def __init__(self) -> None:
        self.backlog = Backlog()
        self._subscriptions: set[Subscription] = set()
        self._numbers: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._hello = ""

    def subscribe(self, groups: Collection[str]) -> Subscription:
        """Open a socket's queue; the first one starts listening to the channel layer."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._subscriptions.clear()
            # A context of its own: the first socket's is gone with the socket. It goes on when the last socket leaves.
            self._task = loop.create_task(self._listen(), context=contextvars.Context())
        subscription = Subscription(frozenset(groups))
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    async def _listen(self) -> None:
        while True:
            self.backlog.begin(math.inf)
            try:
                await self._receive()
            except Exception:
                log.exception("live: the channel layer cannot be listened to")
                await asyncio.sleep(1)

    async def _receive(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        self._hello = uuid.uuid4().hex
        greeting = asyncio.create_task(self._greet(layer))
        try:
            while True:
                self.take(await layer.receive(channel))
        finally:
            greeting.cancel()

    async def _greet(self, layer: Any) -> None:
        """Send our own greeting until it comes back: only then the layer's subscription is known to hold."""
        while self._hello:
            try:
                await layer.group_send(GROUP, {"type": "changes", "hello": self._hello})
            except Exception as error:  # noqa: BLE001 - until the layer is there nothing is known, and that is said
                log.warning("live: the channel layer does not answer: %s", error)
            await asyncio.sleep(0.1)

    def take(self, message: dict[str, Any]) -> None:
        """Receive one message of the group: changes under a publisher's number, or our own greeting."""
        if "hello" in message:
            if message["hello"] == self._hello:
                self._hello = ""
                self._lose()
            return
        changes, comparable, moment = message["changes"], message["boot"] == boot(), time.monotonic()
        if self._lacks(message, comparable):
            self._lose()
        self._numbers[message["from"]] = message["number"]
        for groups, change, at in changes:
            event = Event(frozenset(groups), change, at if comparable else moment, moment)
            if not self._hello:
                self.backlog.add(event)
            for subscription in self._subscriptions:
                if not event.groups.isdisjoint(subscription.groups):
                    subscription.put(change)

    def _lacks(self, message: dict[str, Any], comparable: bool) -> bool:
        """True if its publisher sent something since we listen that never arrived."""
        known = self._numbers.get(message["from"])
        if known is not None:
            return bool(message["number"] != known + bool(message["changes"]))
        return not comparable or bool(message["before"] >= self.backlog.whole_since)

    def _lose(self) -> None:
        """Forget the backlog and send EVERYTHING to each socket: an event may be missing."""
        if not self._hello:
            self.backlog.begin(time.monotonic())
        for subscription in self._subscriptions:
            subscription.put(EVERYTHING)


SUBSCRIBER = Subscriber()
