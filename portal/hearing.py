"""What one sockets process hears of changes: it tells its sockets at once, and remembers for a minute for those that come.

A page asks which of its things changed between the making of its HTML and the opening of its socket. Nothing may be
missed, so whatever is not known for sure is said so: before this process listened, longer ago than it remembers, or
after a number of a teller was left out, the answer is that everything may have changed.
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
class Heard:
    """`at` is when it was committed, where that can be known; else when it was heard."""

    groups: frozenset[str]
    change: Change
    at: float
    heard: float


class Memory:
    """The changes of the last while, with the moment since which none is left out."""

    def __init__(self) -> None:
        self._kept: deque[Heard] = deque()
        self.whole_since = math.inf

    def begin(self, moment: float) -> None:
        """From `moment` on nothing is left out; of before nothing is known."""
        self._kept.clear()
        self.whole_since = moment

    def add(self, heard: Heard) -> None:
        self._kept.append(heard)
        while len(self._kept) > MOST or self._kept[0].heard < heard.heard - KEEP:
            self.whole_since = max(self.whole_since, self._kept.popleft().heard)

    def since(
        self, moment: float, groups: Collection[str], shown: Collection[tuple[str, str]] = ()
    ) -> list[Change] | None:
        """What changed since, for a page that shows `shown`, (kind, id), in these groups; None if that is not known.

        Things shown are told whatever group heard of them: public ones change in other projects. An id "" is a part of
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


def _is_of_no_project(heard: Heard) -> bool:
    return not any(group.startswith("project.") for group in heard.groups)


@dataclass(eq=False)
class Ear:
    """One socket's part: what is told to `groups` waits in it until the socket has sent it."""

    groups: frozenset[str]
    _waiting: asyncio.Queue[Change] = field(default_factory=asyncio.Queue)

    def tell(self, change: Change) -> None:
        """A socket that is too far behind is told once that everything may have changed."""
        if change is EVERYTHING or self._waiting.qsize() >= WAITING:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            change = EVERYTHING
        self._waiting.put_nowait(change)

    async def next(self) -> Change:
        return await self._waiting.get()


class Hearing:
    """`join` and `since` are one step each of the event loop: between them and what is told later nothing is lost."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._ears: set[Ear] = set()
        self._numbers: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._hello = ""

    def join(self, groups: Collection[str]) -> Ear:
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._ears.clear()
            # A context of its own: the first socket's is gone with the socket. It goes on when the last socket leaves.
            self._task = loop.create_task(self._listen(), context=contextvars.Context())
        ear = Ear(frozenset(groups))
        self._ears.add(ear)
        return ear

    def leave(self, ear: Ear) -> None:
        self._ears.discard(ear)

    async def _listen(self) -> None:
        while True:
            self.memory.begin(math.inf)
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
        """A subscription says not when it holds: once we hear ourselves, we hear all."""
        while self._hello:
            try:
                await layer.group_send(GROUP, {"type": "changes", "hello": self._hello})
            except Exception as error:  # noqa: BLE001 - until the layer is there nothing is known, and that is said
                log.warning("live: the channel layer does not answer: %s", error)
            await asyncio.sleep(0.1)

    def take(self, message: dict[str, Any]) -> None:
        """One message of the group: changes under a number, or our own greeting."""
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
            heard = Heard(frozenset(groups), change, at if comparable else moment, moment)
            if not self._hello:
                self.memory.add(heard)
            for ear in self._ears:
                if not heard.groups.isdisjoint(ear.groups):
                    ear.tell(change)

    def _lacks(self, message: dict[str, Any], comparable: bool) -> bool:
        """Whether its teller told something since we listen that we did not hear."""
        known = self._numbers.get(message["from"])
        if known is not None:
            return bool(message["number"] != known + bool(message["changes"]))
        return not comparable or bool(message["before"] >= self.memory.whole_since)

    def _lose(self) -> None:
        """Something may have been told that we did not hear, or began before we listened."""
        if not self._hello:
            self.memory.begin(time.monotonic())
        for ear in self._ears:
            ear.tell(EVERYTHING)


HEARING = Hearing()
