"""The socket: who may listen, and to what."""

import asyncio
import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.test import Client

from common import live
from common.clock import now
from identity.models import PortalSession, Project
from identity.signin import services as signins
from outbox import places
from portal.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)
APP = SessionMiddlewareStack(URLRouter(websocket_urlpatterns))


def socket(client: Client, origin: bytes = b"http://testserver") -> ApplicationCommunicator:
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}".encode() if name in client.cookies else b""
    headers = [(b"cookie", cookie), (b"host", b"testserver"), (b"origin", origin)]
    return ApplicationCommunicator(APP, {"type": "websocket", "path": "/ws/", "query_string": b"", "headers": headers})


async def said(line: ApplicationCommunicator) -> Any:
    """What the socket says next."""
    return json.loads((await line.receive_output(timeout=5))["text"])


async def opened(client: Client) -> ApplicationCommunicator:
    line = socket(client)
    await line.send_input({"type": "websocket.connect"})
    assert (await line.receive_output(timeout=5))["type"] == "websocket.accept"
    assert await said(line) == {"live": True}
    return line


async def closed(line: ApplicationCommunicator) -> None:
    await line.send_input({"type": "websocket.disconnect", "code": 1000})
    await line.wait()


async def asked(line: ApplicationCommunicator, **question: Any) -> Any:
    await line.send_input({"type": "websocket.receive", "text": json.dumps(question)})
    return await said(line)


def test_a_member_hears_of_the_project_and_of_nothing_else(demo: Client) -> None:
    project = Project.objects.get(name="demo", is_domain=False).pk

    @async_to_sync
    async def talk() -> None:
        line = await opened(demo)

        @sync_to_async
        def change() -> None:
            live.announce("server", "s1", "other")
            live.announce("host", "h1")
            live.announce("server", "mine", project)

        await change()
        number = await sync_to_async(places.newest)()
        assert await said(line) == {"changed": "server", "id": "mine", "number": number}
        assert await line.receive_nothing()
        await closed(line)

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


@pytest.mark.parametrize(("origin", "code"), [(b"https://cloud.example", None), (b"http://testserver", 4403)])
def test_with_a_public_url_a_socket_is_opened_from_there_alone(
    demo: Client, settings: Any, origin: bytes, code: int | None
) -> None:
    """C2: a proxy in front may ask us by another name than its own; sockets go by the public one as pages do."""
    settings.PUBLIC_URL = "https://cloud.example"

    @async_to_sync
    async def talk() -> None:
        line = socket(demo, origin)
        await line.send_input({"type": "websocket.connect"})
        await line.receive_output(timeout=5)
        if code:
            assert (await line.receive_output(timeout=5))["code"] == code
        else:
            assert await said(line) == {"live": True}
        await line.send_input({"type": "websocket.disconnect", "code": 1000})
        await line.wait()

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


def test_a_page_hears_what_changed_since_it_was_made(demo: Client) -> None:
    """Between the making of the page and the opening of its socket: of its project, and of what it shows from elsewhere."""
    project = Project.objects.get(name="demo", is_domain=False).pk

    @async_to_sync
    async def talk() -> None:
        page = await sync_to_async(demo.get)("/instances")
        made = re.search(r'data-live="([^"]+)"', page.content.decode())
        assert made is not None

        @sync_to_async
        def change() -> int:
            live.announce("server", "mine", project)
            live.announce("server", "others", "other")
            live.announce("network", "public", "other")
            live.announce("flavor", "new")
            return places.newest()

        last = await change()
        answers = []
        number, at, own = made[1].split(" ")
        for text in (made[1], f"{last + 1} {at} {own}", f"{2**70} {at} {own}", f"x {at} {own}", f"{number} {at} other"):
            line = await opened(demo)
            shows = [["network", "public"], ["server", "quiet"], ["flavor", ""]]
            answers.append(await asked(line, made=text, heard=0, shows=shows))
            await closed(line)
        told, *unknown = answers
        assert [(one["changed"], one["id"]) for one in told["since"]] == [
            ("server", "mine"),
            ("network", "public"),
            ("flavor", ""),
        ]
        assert told["number"] == last
        assert unknown == [{"all": True}] * 4

    talk()


def test_a_socket_that_opens_again_hears_what_its_page_missed(demo: Client) -> None:
    """It was told to read everything anew, each time that the front or the sockets process was begun again."""
    project = Project.objects.get(name="demo", is_domain=False).pk
    announce = sync_to_async(live.announce)

    @async_to_sync
    async def talk() -> None:
        page = await sync_to_async(demo.get)("/instances")
        made = re.search(r'data-live="([^"]+)"', page.content.decode())
        assert made is not None
        line = await opened(demo)
        await asked(line, made=made[1], heard=0, shows=[])
        await announce("server", "heard", project)
        heard = (await said(line))["number"]
        await closed(line)
        await announce("server", "missed", project)
        line = await opened(demo)
        found = await asked(line, made=made[1], heard=heard, shows=[["server", "heard"]])
        assert [one["id"] for one in found["since"]] == ["missed"] and found["number"] > heard
        await closed(line)

    talk()
