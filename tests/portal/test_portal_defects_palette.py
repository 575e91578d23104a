"""D10 of the review of the portal: the palette knows all nouns and verbs, in both languages."""

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, NETWORK, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def ask(page: Page, text: str) -> None:
    """The palette with what was found for a text."""
    if page.locator("#palette[open]").count() == 0:
        page.keyboard.press("Control+k")
    page.fill("#palette-q", text)
    expect(page.locator("#found")).to_have_attribute("data-of", text)
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
    expect(page.locator("#found a")).to_have_count(1)
    expect(first).to_have_attribute("data-action", "launch")
    ask(page, f"stop {name}")
    page.keyboard.press("Enter")
    things.demo.until(server, "SHUTOFF")
    ask(page, key)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/key-pairs/{key}")
    ask(page, "sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")


def test_each_noun_and_verb_is_found_in_both_languages(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """I9: networks by CIDR, ports by address and MAC, images; resize and opening a port of what was found; launching is last."""
    name, net, guards = unused("pal-web"), unused("pal-net"), unused("pal-guards")
    network = things.network(net, "10.95.7.0/24")
    port = things.make(f"{NETWORK}/ports", "port", {"network_id": network, "mac_address": "fa:16:3e:95:07:01"})
    address = things.demo.ok("GET", f"{NETWORK}/ports/{port}")["port"]["fixed_ips"][0]["ip_address"]
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": guards})
    server = things.server(name, security_groups=[{"name": guards}])
    for language in ("en", "zh-hans"):
        page = enter(fake_cloud, language=language)
        for text, path in (
            ("10.95.7.0/24", f"/networks/{network}"), (address, f"/ports/{port}"), ("fa:16:3e:95:07", f"/ports/{port}"),
            ("demo-alt", "/images/"), ("create network", "/networks/create"), ("创建网络", "/networks/create"),
            ("create image", "/images/create"), ("security groups", "/security-groups"), ("安全组", "/security-groups"),
            (f"open port {name}", f"/instances/{server}/open-ssh/me"), (f"resize {name}", f"/instances/{server}/resize"),
            (name, f"/instances/{server}/resize"), (name, f"/security-groups/{group}"),
        ):  # fmt: skip
            ask(page, text)
            links = page.locator("#found a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
            assert any(path in link for link in links), (language, text, links)
            assert links.count("/instances/launch") == 0
            expect(page.locator("#found a").last).to_have_attribute("data-action", "launch")
    ask(page, f"open port {name}")
    page.keyboard.press("Enter")
    opened = f"{NETWORK}/security-group-rules?direction=ingress&security_group_id={group}"
    rules = until(lambda: things.demo.ok("GET", opened)["security_group_rules"], 60, "a rule of what Enter opened")
    assert [(rule["protocol"], rule["port_range_min"], rule["remote_ip_prefix"]) for rule in rules] == [
        ("tcp", 22, "127.0.0.1/32")
    ]


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
