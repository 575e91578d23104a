"""The way out of a failed launch, by hand."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def page(fake_cloud: LiveCloud, enter: Enter) -> Page:
    """Signed in as demo."""
    return enter(fake_cloud)


def test_a_failed_launch_runs_smaller_after_one_click(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """I4: row, banner and page of a failed launch offer the nearest flavor that fits; a click brings it to run, in its place."""
    name = unused("huge")
    things.make(f"{COMPUTE}/flavors", "flavor", {"name": name, "ram": 150, "vcpus": 1, "disk": 1_000_000}, things.admin)
    server = things.server(name, "ERROR", flavor=name)
    for path in ("/instances", "/", f"/instances/{server}/activity", f"/instances/{server}"):
        page.goto(fake_cloud.url + path)
        smaller = page.locator(f"[data-action=launch-as][data-id='{server}']")
        expect(smaller).to_have_text(re.compile("^Launch as tiny"))
        expect(page.locator(f"[data-action=try-again][data-id='{server}']")).to_be_visible()
    smaller.click()
    expect(page.locator(".head[data-status=ACTIVE]")).to_be_visible(timeout=60_000)
    expect(page.locator(".facts.lead")).to_contain_text("tiny")
    expect(smaller).to_have_count(0)
