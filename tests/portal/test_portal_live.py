"""The socket: who may listen, and to what."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.test import Client

from identity.models import Project
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
