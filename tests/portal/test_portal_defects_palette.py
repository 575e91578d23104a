"""D10 of the review of the portal: the palette knows all nouns and verbs, in both languages."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def ask(page: Page, text: str) -> None:
    """The palette with what was found for a text."""
    if page.locator("#palette[open]").count() == 0:
        page.keyboard.press("Control+k")
    with page.expect_response(re.compile(r"/find\?q=.")):
        page.fill("#palette-q", text)
    expect(page.locator("#found li").first).to_be_visible()


def test_the_palette_does_what_is_typed(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D10: settings, sign out, a key's name and a verb lead there in either language; none of them to the launch form."""
    key, name = unused("pal-key"), unused("pal")
    things.demo.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": key}})
    server = things.server(name)
    page = enter(fake_cloud)
    first = page.locator("#found a").first
    for text, action in (("settings", "settings"), ("设置", "settings"), ("sign out", "press"), ("退出", "press"), ("theme", "press"),
                         (f"stop {name}", "stop"), (f"关机{name}", "stop"), (f"launch {name}", "launch"), ("flavors", "flavors")):  # fmt: skip
        ask(page, text)
        expect(first).to_have_attribute("data-action", action)
    ask(page, "tiny")
    expect(first).to_contain_text("tiny")
    ask(page, "no-such-thing-at-all")
    expect(page.locator("#found a")).to_have_count(0)
    ask(page, f"stop {name}")
    page.keyboard.press("Enter")
    things.demo.until(server, "SHUTOFF")
    ask(page, key)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/key-pairs/{key}")
    ask(page, "sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")


def test_operators_find_everything(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D10: hosts, users, projects, roles and another project's instances."""
    name = unused("pal-far")
    server = things.server(name)
    page = enter(fake_cloud, "admin")
    for text, path in (("fake2", "/hosts/fake2"), (name, f"/instances/{server}"), ("reader", "/roles")):
        ask(page, text)
        assert path in (page.locator("#found a").first.get_attribute("href") or "")
    for text, wanted in (
        ("demo", {"/users/", "/projects/"}),
        ("create user", {"/users/create"}),
        ("创建用户", {"/users/create"}),
    ):
        ask(page, text)
        links = page.locator("#found a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert all(any(path in link for link in links) for path in wanted), links
