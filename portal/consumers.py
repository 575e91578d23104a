"""The one socket of a page: which things changed in the project (or anywhere, for operators), never what they are.

The page says first when it was made, what it heard of last and what it shows, and gets what changed since (portal.subscriptions).
"""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from authorization.context import RequestContext
from common.clock import now
from identity.signin import sessions
from identity.signin.store import SessionStore
from openstackapi import links
from outbox.models import OPERATORS, project_room
from portal.session.watch import EPOCHS
from portal.subscriptions import SUBSCRIBER, Since, Subscription, since
from sharing import live

CHECK_EVERY = 60.0  # seconds between looking whether the session still counts, when nothing says that it may have ended
SIGNED_OUT, FOREIGN = 4401, 4403
SHOWN = 2000  # things of one page that are looked for
LARGEST = 2**63 - 1  # number that a column holds


class Live(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Forwards `{"changed": kind, "id": …, "number": …}` of the session's project, and of what is shared with the user."""

    subscription: Subscription | None = None
    project_id: str | None = None
    tasks: tuple[asyncio.Task[None], ...] = ()
    asked = False
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
        self.subscription = await SUBSCRIBER.subscribe(await self._groups(actor))
        EPOCHS.join()
        await self.send_json({"live": True})
        self.tasks = (
            asyncio.create_task(self._stay_signed_in()),
            asyncio.create_task(self._send_events(self.subscription)),
        )

    async def _groups(self, actor: RequestContext) -> frozenset[str]:
        """The rooms of the project and of the user's shares; operators get everything."""
        self.project_id = actor.project_id
        if actor.is_admin:
            return frozenset({OPERATORS})
        own = {project_room(actor.project_id)} if actor.project_id else set()
        return frozenset(own | set(await sync_to_async(live.rooms_of)(actor.user_id)))

    async def disconnect(self, code: int) -> None:
        if self.tasks:
            EPOCHS.leave()
        for task in self.tasks:
            task.cancel()
        self.tasks = ()
        self._deafen()

    def _deafen(self) -> None:
        if self.subscription is not None:
            SUBSCRIBER.unsubscribe(self.subscription)
        self.subscription = None

    async def receive_json(self, content: object, **kwargs: object) -> None:
        """Answer the page's first message: `{"made": …, "heard": …, "shows": [[kind, id], …]}` → `{"since": [change, …], "number": …}`.

        `made` is what the page says (`ui/root.html`), `heard` the last number that a socket of its gave it, 0 for none. Without `since`
        it is not known what changed.
        """
        if self.subscription is None or self.asked:
            return
        self.asked = True
        found = await self._since(self.subscription, content)
        await self.send_json({"all": True} if found is None else {"since": found[0], "number": found[1]})

    async def _since(self, subscription: Subscription, content: Any) -> Since:
        try:
            newest, at, project_id = str(content["made"]).split(" ")
            last, heard = int(newest), int(content.get("heard", 0))
            made = datetime.fromtimestamp(float(at), UTC)
            shown = {(str(kind), str(id)) for kind, id in content["shows"][:SHOWN]}
        except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
            return None
        if project_id != (self.project_id or "") or len(content["shows"]) > SHOWN or max(last, heard) > LARGEST:
            return None  # among others the session moved to another project
        number, at_made = (heard, None) if heard > last else (last, made)
        found: Since = await database_sync_to_async(since)(number, at_made, subscription.groups, shown)
        return found

    async def _send_events(self, subscription: Subscription) -> None:
        """Send one frame a change."""
        while True:
            await self.send_json(await subscription.next())

    async def _actor(self) -> RequestContext | None:
        found: RequestContext | None = await sync_to_async(self._read)()
        return found

    def _read(self) -> RequestContext | None:
        """Read the session's row anew, since others may have ended it: the actor, None where it has."""
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
            groups = await self._groups(actor)
            if self.subscription is not None:
                self.subscription.groups = groups

    async def _sign_out(self) -> None:
        """Unsubscribe and tell the page, which closes the socket itself: granian sends no close while it waits to receive."""
        self._deafen()
        await self.send_json({"signed_out": True})
        await self.close(SIGNED_OUT)

    def _same_origin(self) -> bool:
        headers = dict(self.scope["headers"])
        origin = urlsplit(headers.get(b"origin", b"").decode()).netloc
        return not origin or origin == links.netloc(headers.get(b"host", b"").decode())
