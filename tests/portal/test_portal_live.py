"""The socket: who may listen, and to what."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.test import Client

from common.clock import now
from identity.models import PortalSession, Project
from identity.signins import services as signins
from portal.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)
APP = SessionMiddlewareStack(URLRouter(websocket_urlpatterns))


def socket(client: Client, origin: bytes = b"http://testserver") -> ApplicationCommunicator:
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}".encode() if name in client.cookies else b""
    headers = [(b"cookie", cookie), (b"host", b"testserver"), (b"origin", origin)]
    return ApplicationCommunicator(APP, {"type": "websocket", "path": "/ws/", "query_string": b"", "headers": headers})


async def said(line: ApplicationCommunicator) -> Any:
    return json.loads((await line.receive_output(timeout=5))["text"])


def test_a_member_hears_of_the_project_and_of_nothing_else(demo: Client) -> None:
    project = Project.objects.get(name="demo", is_domain=False).pk

    @async_to_sync
    async def talk() -> None:
        line = socket(demo)
        await line.send_input({"type": "websocket.connect"})
        assert (await line.receive_output(timeout=5))["type"] == "websocket.accept"
        assert await said(line) == {"live": True}
        layer = get_channel_layer()
        change = {"changed": "server", "id": "s1", "revision": None}
        await layer.group_send("project.other", {"type": "changes", "changes": [change]})
        await layer.group_send("admin", {"type": "changes", "changes": [change]})
        await layer.group_send(f"project.{project}", {"type": "changes", "changes": [{**change, "id": "mine"}]})
        assert await said(line) == {"changed": "server", "id": "mine", "revision": None}
        assert await line.receive_nothing()
        await line.send_input({"type": "websocket.disconnect", "code": 1000})
        await line.wait()

    talk()


@pytest.mark.parametrize(
    ("signed_in", "origin", "code"), [(False, b"http://testserver", 4401), (True, b"http://evil.example", 4403)]
)
def test_strangers_and_foreign_pages_are_sent_away(demo: Client, signed_in: bool, origin: bytes, code: int) -> None:
    @async_to_sync
    async def talk() -> None:
        line = socket(demo if signed_in else Client(), origin)
        await line.send_input({"type": "websocket.connect"})
        await line.receive_output(timeout=5)
        assert (await line.receive_output(timeout=5))["code"] == code

    talk()


@pytest.mark.parametrize("how", ["ended", "everywhere", "idle"])
def test_a_socket_closes_within_a_second_of_its_session_s_end(demo: Client, how: str) -> None:
    row = PortalSession.objects.get(pk=demo.session.session_key)
    if how == "idle":
        PortalSession.objects.filter(pk=row.pk).update(expire_date=now() + timedelta(seconds=1))

    def end() -> None:
        if how == "ended":
            signins.end(row.user_id, signins.name(row.pk))
        elif how == "everywhere":
            signins.end_everywhere(row.user_id)

    @async_to_sync
    async def talk() -> None:
        line = socket(demo)
        await line.send_input({"type": "websocket.connect"})
        await line.receive_output(timeout=5)
        assert await said(line) == {"live": True}
        await asyncio.sleep(0.5)
        await sync_to_async(end)()
        begin = time.monotonic()
        assert await said(line) == {"signed_out": True}
        assert time.monotonic() - begin < (2.5 if how == "idle" else 1.3)
        assert (await line.receive_output(timeout=5))["code"] == 4401
        await line.send_input({"type": "websocket.disconnect", "code": 4401})
        await line.wait()

    talk()
