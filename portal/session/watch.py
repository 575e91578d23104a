"""Tells the sockets of one process, within a second, that sessions or roles may have changed: one reader for all of them."""

import asyncio
import contextvars
import logging

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from identity.revocation import services as revocation

log = logging.getLogger(__name__)

#: Seconds between two looks at the epoch; with none connected nobody looks.
EVERY = 0.9


class Epochs:
    """`changed()` waits for the next change that anybody makes."""

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._watchers = 0

    def join(self) -> None:
        self._watchers += 1
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._event = asyncio.Event()
            # A context of its own: the first socket's is gone with the socket, and its thread too.
            self._task = loop.create_task(self._read(), context=contextvars.Context())

    def leave(self) -> None:
        self._watchers -= 1
        if self._watchers <= 0 and self._task is not None:
            self._task.cancel()
            self._task, self._watchers = None, 0

    async def changed(self, seconds: float) -> None:
        """Returns at a change, or after `seconds`."""
        assert self._event is not None  # join() comes first
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return

    async def _read(self) -> None:
        known: tuple[int, int] | None = None
        while True:
            try:
                found = await sync_to_async(revocation.state)(fresh=True)
            except DatabaseError:
                log.exception("the epoch could not be read")  # whoever connects or asks meets the same trouble
                found = known or (0, 0)
            if known is not None and found != known and self._event is not None:
                before, self._event = self._event, asyncio.Event()
                before.set()
            known = found
            await asyncio.sleep(EVERY)


EPOCHS = Epochs()
