"""The API reference in a browser: it lists every service, in both themes, with nothing from elsewhere."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from openstackapi import services

pytestmark = pytest.mark.browser
BACKGROUND = {"light": "rgba(0, 0, 0, 0)", "dark": "rgb(28, 32, 34)"}


@pytest.fixture(params=["light", "dark"])
def page(request: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    assert Client().get("/api/schema/").status_code == 200  # made once, before the page waits for it
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        found = chromium.new_page(color_scheme=request.param, viewport={"width": 1280, "height": 900})
        found.theme = request.param  # type: ignore[attr-defined]
        yield found
        chromium.close()


def test_reference_lists_every_service(page: Page, live_server: Any) -> None:
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: hosts.add(urlsplit(asked.url).netloc))
    page.goto(f"{live_server.url}/api/docs/")
    for service in services.every():
        expect(page.locator(f"#operations-tag-{service.type}")).to_be_visible(timeout=30_000)
    page.locator("#operations-tag-placement").click()
    page.locator("#operations-placement-get_placement_traits .opblock-summary").click()
    expect(page.locator("#operations-placement-get_placement_traits .responses-table")).to_be_visible()
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == BACKGROUND[page.theme]  # type: ignore[attr-defined]
    assert hosts - {""} == {urlsplit(live_server.url).netloc}
    assert complaints == []
