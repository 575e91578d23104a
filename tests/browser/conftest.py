"""Chromium, signed in at the portal of a live cloud. Anything a page complains about fails the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.live import CLONE, LiveCloud
from tests.rest import Rest

IMAGES = CLONE / "docs" / "images"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


@pytest.fixture
def enter(chromium: Browser) -> Iterator[Enter]:
    """`enter(cloud, "demo")` is a page of a fresh browser profile, signed in."""
    complaints: list[str] = []
    contexts = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "422" not in message.text:
            complaints.append(f"{message.text} {message.location.get('url', '')}")

    def make(
        cloud: LiveCloud, account: str = "demo", *, width: int = 1440, theme: str = "light", language: str = "en"
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        context.add_cookies(
            [
                {"name": name, "value": value, "url": cloud.url}
                for name, value in (("theme", theme), ("django_language", language))
            ]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{cloud.url}/sign-in")
        page.fill("#u", account)
        page.fill("#p", cloud.password(account))
        page.click("[data-action=sign-in]")
        page.wait_for_url(f"{cloud.url}/")
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def picture() -> Callable[[Page, str], Path]:
    """Keeps a screenshot for the README."""

    def take(page: Page, name: str, **more: Any) -> Path:
        IMAGES.mkdir(parents=True, exist_ok=True)
        path = IMAGES / f"{name}.png"
        page.screenshot(path=path, **more)
        return path

    return take


@pytest.fixture
def walk(fake_cloud: LiveCloud, enter: Enter) -> Callable[..., Walk]:
    """`walk("projects")` is a browser at that panel, which knows what docs/acceptance promises of it."""

    def make(panel: str, account: str = "admin", *, path: str = "", table: str = "identity") -> Walk:
        found = Walk(enter(fake_cloud, account), fake_cloud.url, panel, table)
        found.open(path)
        return found

    return make


@pytest.fixture
def net(walk: Callable[..., Walk], fake_cloud: LiveCloud) -> Callable[[Walk, str], NetWalk]:
    """`net(walk("ports", …), "demo")` is a walk whose effects are read back through the API as demo."""
    return lambda found, account="demo": NetWalk(found, Rest(fake_cloud, account))
