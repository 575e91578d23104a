"""Chromium for tests of pages, one for the whole run. Anything a page complains about fails the test."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.live import LiveCloud

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
    """`enter(cloud, "demo")` is a page of a fresh browser profile, signed in. `expects`: parts of complaints that the test provokes."""
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
        expects: tuple[str, ...] = (),
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
        page.on("console", lambda message: heard(message, expects))
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
