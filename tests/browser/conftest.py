"""Pictures of pages for the README, and walks through what docs/acceptance promises. The browser itself: tests/browsing.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.browsing import Enter
from tests.live import CLONE, LiveCloud
from tests.rest import Rest

IMAGES = CLONE / "docs" / "images"


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

    def make(
        panel: str, account: str = "admin", *, path: str = "", table: str = "identity", expects: tuple[str, ...] = ()
    ) -> Walk:
        found = Walk(enter(fake_cloud, account, expects=expects), fake_cloud.url, panel, table)
        found.open(path)
        return found

    return make


@pytest.fixture
def net(walk: Callable[..., Walk], fake_cloud: LiveCloud) -> Callable[[Walk, str], NetWalk]:
    """`net(walk("ports", …), "demo")` is a walk whose effects are read back through the API as demo."""
    return lambda found, account="demo": NetWalk(found, Rest(fake_cloud, account))
