"""Pictures of pages for the README, and walks through what docs/acceptance promises. The browser itself: tests/browsing.py."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.browsing import Enter
from tests.live import CLONE, LiveCloud
from tests.rest import Rest

IMAGES = CLONE / "docs" / "images"
LARGEST = 150_000  # bytes of a picture


@pytest.fixture
def picture() -> Callable[[Page, str], Path]:
    """Keeps a screenshot for README and docs/tour.md: there with STACKLING_PICTURES=1, else among the tests' own files."""

    def take(page: Page, name: str, **more: Any) -> Path:
        folder = IMAGES if os.environ.get("STACKLING_PICTURES") == "1" else CLONE / ".pytest_cache" / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.webp"
        Image.open(BytesIO(page.screenshot(**more))).save(path, quality=80, method=6)
        assert path.stat().st_size <= LARGEST, f"{path.name} has {path.stat().st_size} bytes"
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
