"""What is open by a share ends with it: consoles within seconds, by its time and by being withdrawn; pages hear of both."""

import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.request import Request

import pytest
import websocket

from tests.rest import COMPUTE, IDENTITY, Rest, until
from tests.trouble.conftest import Troubled
from tests.trouble.screens import console_address, open_console, signed_in

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
WITHIN = 5.0  # seconds from a share's end to a cut console
PASSWORD = "guest's own password"


@pytest.fixture(scope="module")
def guest(_troubled: Troubled) -> Rest:
    """A member of a project of their own, who has nothing to do with demo."""
    admin = Rest(_troubled.cloud, "admin")
    home = admin.ok("POST", f"{IDENTITY}/projects", {"project": {"name": "guest"}})["project"]["id"]
    who = admin.ok(
        "POST", f"{IDENTITY}/users", {"user": {"name": "guest", "password": PASSWORD, "default_project_id": home}}
    )["user"]["id"]
    role = admin.ok("GET", f"{IDENTITY}/roles?name=member")["roles"][0]["id"]
    admin.ok("PUT", f"{IDENTITY}/projects/{home}/users/{who}/roles/{role}")
    return Rest(SimpleNamespace(port=_troubled.cloud.port, password=lambda account: PASSWORD), "guest")  # type: ignore[arg-type]


def share(rest: Rest, server_id: str, level: str, seconds: float | None = None) -> str:
    until_then = None if seconds is None else (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    asked = {"object_type": "server", "object_id": server_id, "level": level, "expires_at": until_then}
    made = rest.ok("POST", f"{IDENTITY}/shares", {"share": {**asked, "user": {"name": "guest"}}})
    return str(made["share"]["id"])


def seconds_until_cut(line: websocket.WebSocket) -> float:
    """Types until nothing comes back any more."""
    begin = time.monotonic()
    try:
        while time.monotonic() < begin + 3 * WITHIN:
            line.send_binary(b".")
            if not line.recv():
                break
            time.sleep(0.1)
    except (OSError, websocket.WebSocketException):
        pass  # cut
    return time.monotonic() - begin


def test_a_console_is_cut_at_the_end_of_its_share(
    troubled: Troubled, guest: Rest, server_id: str, guest_screen: None
) -> None:
    share(Rest(troubled.cloud), server_id, "console", seconds=4)
    end = time.monotonic() + 4
    line = open_console(guest, server_id)
    seconds_until_cut(line)
    assert -0.2 <= time.monotonic() - end <= WITHIN
    assert guest.ask("GET", f"{COMPUTE}/servers/{server_id}").status == 404
    shares = f"{IDENTITY}/shares?object_type=server&object_id={server_id}"
    until(lambda: Rest(troubled.cloud).ok("GET", shares)["shares"] == [], 10, "the clock removes it")


def test_a_console_is_cut_when_its_share_is_withdrawn_and_the_owner_s_is_not(
    troubled: Troubled, guest: Rest, server_id: str, guest_screen: None
) -> None:
    rest = Rest(troubled.cloud)
    made = share(rest, server_id, "operate")
    lent, own = open_console(guest, server_id), open_console(rest, server_id)
    address = console_address(guest, server_id)
    rest.ok("DELETE", f"{IDENTITY}/shares/{made}")
    assert seconds_until_cut(lent) <= WITHIN
    own.send_binary(b"still here")
    assert own.recv() == b"still here"
    own.close()
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(address, subprotocols=["binary"], timeout=10)


# ── Pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grantee_s_page_hears_of_the_share_of_changes_and_of_its_end(
    troubled: Troubled, guest: Rest, server_id: str
) -> None:
    rest, port = Rest(troubled.cloud), troubled.cloud.port
    browser, cookies = signed_in(port, "guest", PASSWORD)
    line = websocket.create_connection(
        f"ws://127.0.0.1:{port}/ws/", cookie=cookies, origin=f"http://127.0.0.1:{port}", timeout=10
    )
    assert json.loads(line.recv()) == {"live": True}

    def hears() -> None:
        while json.loads(line.recv()).get("id") != server_id:  # a process that just began to listen says "all" at first
            pass

    def rows() -> str:
        asked = Request(f"http://127.0.0.1:{port}/instances?rows={server_id}", headers={"HX-Request": "true"})
        page: str = browser.open(asked, timeout=20).read().decode()
        return page

    assert server_id not in rows()
    made = share(rest, server_id, "view")
    hears()
    until(lambda: server_id in rows(), 3, "the row is there")
    rest.ok("PUT", f"{COMPUTE}/servers/{server_id}", {"server": {"name": "renamed"}})
    hears()
    until(lambda: "renamed" in rows(), 3, "the new name is there")
    rest.ok("DELETE", f"{IDENTITY}/shares/{made}")
    hears()
    until(lambda: server_id not in rows(), 3, "the row is gone")
    line.close()
