"""Chromium for tests of pages, one for the whole run. Anything a page complains about fails the test."""

import os
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from cloud.run import users
from tests.live import LiveCloud
from tests.rest import COMPUTE, Rest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: What a browser says of the console of a fake host's guest, which has no screen.
NO_SCREEN: Final = ("/console/?token=", "Failed when connecting: Connection closed", "disconnected RFB object")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # of a page on a machine with other work
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        # Playwright's loop marks this thread as asynchronous; Django's fixtures of other folders run in it later.
        before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield browser
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE") if before is None else None
        browser.close()


Enter = Callable[..., Page]
#: What another test has begun to launch does not go on in this one.
_FORGET = """async () => {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  await fetch("/instances/launch/draft/forget", { method: "POST", headers });
}"""


@pytest.fixture
def enter(chromium: Browser) -> Iterator[Enter]:
    """`enter(cloud, "demo")` is a page of a fresh browser profile, signed in. `expects`: parts of complaints that the test provokes. `draft`: a launch that was begun before goes on."""
    complaints: list[str] = []
    contexts = []

    def heard(message: ConsoleMessage, expects: tuple[str, ...]) -> None:
        if message.type == "error" and "422" not in message.text and not any(text in message.text for text in expects):
            complaints.append(f"{message.text} {message.location.get('url', '')}")

    def make(
        cloud: LiveCloud,
        account: str = "demo",
        *,
        width: int = 1440,
        theme: str = "light",
        language: str = "en",
        touch: bool = False,
        expects: tuple[str, ...] = (),
        draft: bool = False,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=touch, is_mobile=touch
        )  # type: ignore[arg-type]
        context.add_cookies(
            [
                {"name": name, "value": value, "url": cloud.url}
                for name, value in (("theme", theme), ("django_language", language))
            ]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard(message, expects))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{cloud.url}/sign-in")
        page.fill("#u", account)
        page.fill("#p", cloud.password(account))
        page.click("[data-action=sign-in]")
        page.wait_for_url(f"{cloud.url}/")
        if not draft:
            page.evaluate(_FORGET)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def take_new_address(page: Page) -> str:
    """Choose a new floating IP in the form of a launch; what other tests left free stands before it. Returns the choice."""
    new = page.locator("#fi option[value^='new:']:enabled").first.get_attribute("value")
    assert new is not None
    page.select_option("#fi", new)
    return new


#: Takes part in one talk at a guest's console.
Talk = Callable[[socket.socket], None]


@pytest.fixture
def guest_line(fake_cloud: LiveCloud) -> Iterator[Callable[[str, str, Talk], None]]:
    """`guest_line(server_id, "vnc", talk)`: somebody who answers at the place where a real host's guest does; `serial` is the other kind."""
    lines: list[socket.socket] = []
    made: list[Path] = []

    def make(server_id: str, kind: str, talk: Talk) -> None:
        host = Rest(fake_cloud, "admin").ok("GET", f"{COMPUTE}/servers/{server_id}")["server"]["OS-EXT-SRV-ATTR:host"]
        folder = Path(fake_cloud.ready["run"]) / "hosts" / host
        path = folder / f"{kind}-{server_id}.sock"
        lines.append(line := socket.socket(socket.AF_UNIX))
        line.bind(str(path))
        made.append(path)
        shutil.chown(path, group=users.USERS["bytes"])  # who opens it, as a real host's
        path.chmod(0o660)
        line.listen()
        threading.Thread(target=serve, args=(line, talk), daemon=True).start()

    def serve(line: socket.socket, talk: Talk) -> None:
        while True:
            try:
                guest, _address = line.accept()
            except OSError:
                return
            lines.append(guest)
            threading.Thread(target=until_cut, args=(guest, talk), daemon=True).start()

    def until_cut(guest: socket.socket, talk: Talk) -> None:
        with suppress(OSError):
            talk(guest)

    yield make
    for line in lines:
        line.close()
    for path in made:
        path.unlink()


@pytest.fixture
def serial_port(guest_line: Callable[[str, str, Talk], None]) -> Callable[[str], bytearray]:
    """`serial_port(server_id)`: a machine that says login; what is typed there."""

    def make(server_id: str) -> bytearray:
        typed = bytearray()

        def talk(guest: socket.socket) -> None:
            guest.sendall(b"login: ")
            while data := guest.recv(4096):
                typed.extend(data)

        guest_line(server_id, "serial", talk)
        return typed

    return make


@pytest.fixture
def screen(guest_line: Callable[[str, str, Talk], None]) -> Callable[[str], bytearray]:
    """`screen(server_id)`: a machine with a blank screen, in the words of RFB 3.8; what viewers send to it."""

    def make(server_id: str) -> bytearray:
        sent = bytearray()

        def talk(guest: socket.socket) -> None:
            guest.sendall(b"RFB 003.008\n")
            guest.recv(12)
            guest.sendall(b"\1\1")  # one kind of security: none
            guest.recv(1)
            guest.sendall(bytes(4))  # it was right
            guest.recv(1)
            pixels = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
            guest.sendall(struct.pack(">HH", 64, 64) + pixels + struct.pack(">I", 4) + b"demo")
            while data := guest.recv(4096):
                sent.extend(data)

        guest_line(server_id, "vnc", talk)
        return sent

    return make
