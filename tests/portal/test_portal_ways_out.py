"""The way out of a failed launch, by hand."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, NETWORK

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


def test_what_ssh_lacks_is_brought_step_by_step(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """I2: the card says the first thing that is missing: an address, then port 22, then the key; each with its button.

    Port 22 is tried: the fake's guests answer as sshd does.
    """
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": unused("reach")})
    server = things.server(unused("reach"), security_groups=[{"name": group}])
    page.goto(f"{fake_cloud.url}/instances/{server}")
    card = page.locator("[data-card=reach]")
    expect(card).to_have_attribute("data-missing", "address")
    card.locator("[data-action=floating-ip]").click()
    page.click("#dialog [data-action=submit], #dialog button[type=submit]")
    expect(card).to_have_attribute("data-missing", "port", timeout=20_000)
    expect(card).to_contain_text("ssh demo@")
    card.locator("[data-action=open-ssh-me]").click()
    expect(card).to_have_attribute("data-missing", "key", timeout=20_000)
    rules = things.demo.ok("GET", f"{NETWORK}/security-groups/{group}")["security_group"]["security_group_rules"]
    (opened,) = [rule for rule in rules if rule["direction"] == "ingress"]
    assert (opened["port_range_min"], opened["port_range_max"], opened["protocol"]) == (22, 22, "tcp")
    assert opened["remote_ip_prefix"].endswith("/32")
    expect(card.locator("[data-action=console]")).to_be_visible()
    expect(card).to_contain_text("ssh answers", timeout=20_000)
    card.locator("summary").click()
    expect(card.locator("code").nth(1)).to_contain_text("putty demo@")
    address = card.locator("code").first.inner_text().partition("@")[2]
    (row,) = things.demo.ok("GET", f"{NETWORK}/floatingips?floating_ip_address={address}")["floatingips"]
    things.demo.ok("DELETE", f"{NETWORK}/floatingips/{row['id']}")
