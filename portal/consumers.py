"""The one socket of a page: which things changed in the project (or anywhere, for operators), never what they are."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from common.actor import Actor
from common.clock import now
from identity import sessions
from identity.sharing import live
from identity.signins.store import SessionStore
from portal.session.watch import EPOCHS

CHECK_EVERY = 60.0  # seconds between looking whether the session still counts, when nothing says that it may have ended
SIGNED_OUT, FOREIGN = 4401, 4403


class Live(AsyncJsonWebsocketConsumer):
    """Forwards `{"changed": kind, "id": …, "revision": …}` of the session's project, and of what is shared with the user."""

    groups_joined: tuple[str, ...] = ()
    watch: asyncio.Task[None] | None = None
    since = 0.0
    ends_in = CHECK_EVERY

    async def connect(self) -> None:
        await self.accept()
        if not self._same_origin():
            await self.close(FOREIGN)
            return
        actor = await self._actor()
        if actor is None:
            await self.close(SIGNED_OUT)
            return
        await self._join(actor)
        self.since = time.monotonic()
        EPOCHS.join()
        self.watch = asyncio.create_task(self._stay_signed_in())
        await self.send_json({"live": True})

    async def _join(self, actor: Actor) -> None:
        """Enter the rooms of the project and of the user's shares; leave those of groups that the user left."""
        own = (f"project.{actor.project_id}",) if actor.project_id else ()
        rooms = tuple(await sync_to_async(live.rooms_of)(actor.user_id))
        wanted = ("admin",) if actor.is_admin else own + rooms
        for group in set(self.groups_joined) - set(wanted):
            await self.channel_layer.group_discard(group, self.channel_name)
        for group in set(wanted) - set(self.groups_joined):
            await self.channel_layer.group_add(group, self.channel_name)
        self.groups_joined = wanted

    async def disconnect(self, code: int) -> None:
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None
            EPOCHS.leave()
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Browsers only say that they are there."""

    async def changes(self, message: dict[str, Any]) -> None:
        """One frame a change, of those that were told together."""
        for change in message["changes"]:
            await self.send_json(change)

    async def _actor(self) -> Actor | None:
        found: Actor | None = await sync_to_async(self._read)()
        return found

    def _read(self) -> Actor | None:
        """Who the session is of now: its row is read anew, since others may have ended it."""
        session = SessionStore(self.scope["session"].session_key)
        actor = sessions.actor_from_session(SimpleNamespace(session=session))  # type: ignore[arg-type]
        if actor is not None and session.row is not None:
            self.ends_in = max(1.0, (session.row.expire_date - now()).total_seconds() + 0.5)
        return actor

    async def _stay_signed_in(self) -> None:
        while True:
            await EPOCHS.changed(min(CHECK_EVERY, self.ends_in))
            actor = await self._actor()
            if actor is None:
                await self._sign_out()
                return
            await self._join(actor)

    async def _sign_out(self) -> None:
        """Nothing more is told. The page closes when it hears so: granian sends no close while it waits to receive."""
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)
        self.groups_joined = ()
        await self.send_json({"signed_out": True})
        await self.close(SIGNED_OUT)

    def _same_origin(self) -> bool:
        headers = dict(self.scope["headers"])
        origin = urlsplit(headers.get(b"origin", b"").decode()).netloc
        return not origin or origin == headers.get(b"host", b"").decode()
