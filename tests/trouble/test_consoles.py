"""Item 6: a console ticket is used once, within a minute, in its own browser, while what it was given by lasts.

By real web sockets through the reverse proxy and the consoles' process.
"""

import json
import sqlite3
import time
from contextlib import closing
from urllib.parse import urlencode
from urllib.request import OpenerDirector, Request

import pytest
import websocket

from tests.rest import Rest, until
from tests.trouble.conftest import Troubled
from tests.trouble.screens import console_address, open_console, signed_in

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


def dial(address: str, cookie: str = "") -> websocket.WebSocket:
    return websocket.create_connection(address, subprotocols=["binary"], timeout=10, cookie=cookie or None)


def refusal(address: str, cookie: str = "") -> str:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        dial(address, cookie).close()
    assert refused.value.status_code == 403
    return str(refused.value)


def echoes(line: websocket.WebSocket, text: bytes = b"here") -> bool:
    line.send_binary(text)
    return bool(line.recv() == text)


class Person:
    """A browser at the portal that asks for tickets of a serial console."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self.browser: OpenerDirector
        self.browser, _cookies = signed_in(port, "demo", password)

    @property
    def cookies(self) -> dict[str, str]:
        (jar,) = [handler.cookiejar for handler in self.browser.handlers if hasattr(handler, "cookiejar")]
        return {cookie.name: cookie.value for cookie in jar}

    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def post(self, path: str) -> bytes:
        (token,) = [value for name, value in self.cookies.items() if "csrf" in name]
        base = f"http://127.0.0.1:{self.port}"
        body = urlencode({"csrfmiddlewaretoken": token}).encode()
        return bytes(self.browser.open(Request(base + path, body, {"Referer": base}), timeout=20).read())

    def address(self, server_id: str) -> str:
        token = json.loads(self.post(f"/instances/{server_id}/console/serial"))["token"]
        return f"ws://127.0.0.1:{self.port}/console/?token={token}"


@pytest.fixture
def person(troubled: Troubled) -> Person:
    return Person(troubled.cloud.port, troubled.cloud.password("demo"))


def test_an_address_of_the_api_opens_one_console(troubled: Troubled, server_id: str, guest_screen: None) -> None:
    rest = Rest(troubled.cloud)
    address = console_address(rest, server_id)
    line = dial(address)
    assert echoes(line)
    assert "has been used" in refusal(address)
    line.close()
    assert "has been used" in refusal(address)
    again = open_console(rest, server_id)  # who asks for a new one has a new one
    again.close()


def test_an_address_is_good_for_a_minute(troubled: Troubled, server_id: str, guest_screen: None) -> None:
    address = console_address(Rest(troubled.cloud), server_id)
    with closing(sqlite3.connect(troubled.cloud.data / "database" / "db.sqlite3", timeout=20)) as database:
        database.execute("UPDATE compute_consoleticket SET expires_at = datetime(expires_at, '-61 seconds')")
        database.commit()
    assert "is over" in refusal(address)


def test_a_ticket_of_the_portal_opens_in_its_own_browser_and_not_after_signing_out(
    troubled: Troubled, person: Person, server_id: str, guest_screen: None
) -> None:
    address = person.address(server_id)
    other = Person(troubled.cloud.port, troubled.cloud.password("demo"))
    other.address(server_id)
    assert "another browser" in refusal(address)
    assert "another browser" in refusal(address, other.cookie())
    line = dial(address, person.cookie())
    assert echoes(line)
    late, cookie = person.address(server_id), person.cookie()
    person.post("/sign-out")
    assert "has ended" in refusal(late, cookie)  # at once
    begin = time.monotonic()
    with pytest.raises((OSError, websocket.WebSocketException)):
        while time.monotonic() < begin + 15:
            if not echoes(line):
                raise websocket.WebSocketConnectionClosedException
            time.sleep(0.1)
    assert time.monotonic() - begin < 8


def test_an_address_dies_with_its_token(troubled: Troubled, server_id: str, guest_screen: None) -> None:
    rest, other = Rest(troubled.cloud), Rest(troubled.cloud)
    address, own = console_address(rest, server_id), open_console(other, server_id)
    rest.ok("DELETE", "/api/identity/v3/auth/tokens", **{"X-Subject-Token": rest.token})
    assert "has ended" in refusal(address)
    assert echoes(own)  # another token of the same user's
    own.close()


def test_a_console_is_kept_by_a_restarted_web_and_opened_again_after_a_restarted_broker(
    troubled: Troubled, server_id: str, guest_screen: None
) -> None:
    rest = Rest(troubled.cloud)
    line = open_console(rest, server_id)
    troubled.wait_restarted("web", troubled.kill("web"))
    troubled.wait_ready()
    assert echoes(line)
    troubled.wait_restarted("bytes", troubled.kill("bytes"))  # nobody watches it now: it ends
    with pytest.raises((OSError, websocket.WebSocketException)):
        for _ in range(50):
            if not echoes(line):
                raise websocket.WebSocketConnectionClosedException
            time.sleep(0.1)
    troubled.wait_ready()

    def opens() -> bool:
        try:
            open_console(rest, server_id).close()
        except (OSError, websocket.WebSocketException):
            return False
        return True

    until(opens, 30, "a console is opened again")
