"""The map of networks: docs/acceptance/networking.tsv walked, each effect read back through the API."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.live import LiveCloud

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def _choose(page: Page, id: str, title: str) -> None:
    """A click on the map: the card beside it."""
    page.click(f".map [data-id='{id}']")
    expect(page.locator("#side [data-card=side] h2")).to_have_text(title)


def test_a_network_is_made_from_the_map(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("topology", "demo", table="networking"))
    id = _make_a_network(n, "t-quick", "10.96.1.0/24")
    _choose(n.page, f"network:{id}", "t-quick")
    n.page.click("#side [data-action=delete]")
    n.w.confirm()
    expect(n.page.locator(f".map [data-id='network:{id}']")).to_have_count(0)
    assert n.found("networks", id=id) == []
    n.w.saw("row action", "delete network")


def _make_a_network(n: NetWalk, name: str, cidr: str) -> str:
    """And back to the map, where it stands."""
    n.page.click("main [data-action=create-network]")
    n.fill(name=name, cidr="10.96.0.0/99")
    n.refused("cidr", "not a network")
    n.fill(cidr=cidr)
    n.w.submit()
    expect(n.page.locator(".map .lane", has_text=name)).to_be_visible()
    assert n.page.url.endswith("/topology")
    n.w.saw("bulk action", "create network")
    return str(n.one("networks", name=name)["id"])


@pytest.mark.slow
def test_topology(walk: Callable[..., Walk], net: Callable[..., NetWalk], fake_cloud: LiveCloud) -> None:
    """I5: lanes, a card beside them for what is clicked, and what changes shows by itself; the graph; each action of the map."""
    n = net(walk("topology", "demo", table="networking"))
    page, w = n.page, n.w
    id = _make_a_network(n, "t-web", "10.96.2.0/24")
    lane = page.locator(".map .lane", has_text="t-web")
    expect(lane).to_contain_text("not routed")
    page.click("main [data-action=create-router]")
    n.fill(name="t-router")
    page.select_option("#id_network", label="public")
    w.submit()
    expect(page.locator(".map .hub", has_text="t-router")).to_contain_text("SNAT")
    router = n.one("routers", name="t-router")["id"]
    w.saw("bulk action", "create router")
    w.saw("tab", "topology")
    _join(n, router, id)
    server = fake_cloud.openstack_json(
        "server", "create", "--image", "demo", "--flavor", "tiny", "--network", id, "--wait", "t-server"
    )["id"]
    expect(page.locator(f".map [data-id='instance:{server}']")).to_contain_text("10.96.2.")  # by itself
    _subnets(n, id)
    page.uncheck("#addresses")
    expect(page.locator(".map .addr:visible")).to_have_count(0)
    page.check("#addresses")
    w.saw("row action", "toggle labels")
    lane.locator("summary").click(position={"x": 5, "y": 5})
    expect(page.locator(f".map [data-id='instance:{server}']")).to_be_hidden()
    w.saw("row action", "collapse networks")
    _graph(n, server)
    _the_instance(n, server)
    _leave(n, router, id)
    w.finish()


def _join(n: NetWalk, router: str, network: str) -> None:
    _choose(n.page, f"router:{router}", "t-router")
    n.page.click("#side [data-action=add-interface]")
    n.page.select_option("#id_subnet", n.one("subnets", network_id=network)["id"])
    n.w.submit()
    expect(n.page.locator(".map .lane", has_text="t-web")).not_to_contain_text("not routed")
    assert len(n.found("ports", device_id=router, device_owner="network:router_interface")) == 1
    n.w.saw("row action", "add interface")


def _subnets(n: NetWalk, id: str) -> None:
    page = n.page
    n.w.open()
    _choose(page, f"network:{id}", "t-web")
    expect(page.locator("#side [data-action=launch]")).to_have_attribute("href", f"/instances/launch?networks={id}")
    n.w.saw("bulk action", "launch instance")
    page.click("#side [data-action=create-subnet]")
    n.fill(subnet_name="t-more", cidr="10.96.2.0/25")
    n.refused("cidr", "overlaps")
    n.fill(cidr="10.96.3.0/24")
    n.w.submit()
    expect(page.locator(".map .lane", has_text="t-web")).to_contain_text("10.96.3.0/24")
    _choose(page, f"network:{id}", "t-web")
    part = page.locator("#side .parts li", has_text="10.96.3.0/24")
    part.locator("[data-action=delete-subnet]").click()
    n.w.confirm()
    expect(page.locator(".map .lane", has_text="t-web")).not_to_contain_text("10.96.3.0/24")
    assert n.found("subnets", name="t-more") == []
    n.w.saw("row action", "delete subnet")


def _graph(n: NetWalk, server: str) -> None:
    """As many nodes as the map has; a new network comes by itself."""
    page = n.page
    page.click("[data-action=graph]")
    page.wait_for_url("**view=graph")
    expect(page.locator("#graph canvas")).to_have_count(3)
    before = int(page.locator("#graph").get_attribute("data-nodes") or 0)
    data = page.locator("#graph-data").text_content() or ""
    assert f"instance:{server}" in data and before == len(re.findall('"kind"', data))
    other = n.make("network", "networks", name="t-new")
    expect(page.locator("#graph")).to_have_attribute("data-nodes", str(before + 1))
    n.rest.ok("DELETE", f"/api/network/v2.0/networks/{other['id']}")
    expect(page.locator("#graph")).to_have_attribute("data-nodes", str(before))
    n.w.saw("tab", "graph")


def _the_instance(n: NetWalk, server: str) -> None:
    page = n.page
    n.w.open()
    _choose(page, f"instance:{server}", "t-server")
    expect(page.locator("#side [data-action=console]")).to_have_attribute("href", re.compile("/console$"))
    n.w.saw("row action", "open console")
    page.click("#side [data-action=delete]")
    n.w.confirm()
    expect(page.locator(f".map [data-id='instance:{server}']")).to_have_count(0)
    assert n.rest.ask("GET", f"/api/compute/v2.1/servers/{server}").status == 404
    n.w.saw("row action", "delete instance")


def _leave(n: NetWalk, router: str, network: str) -> None:
    """A router with an interface is not deleted; without one it is."""
    page = n.page
    n.w.open()
    _choose(page, f"router:{router}", "t-router")
    page.click("#side [data-action=delete]")
    n.w.confirm()
    expect(page.locator("#dialog [role=alert]")).to_contain_text("still has ports")
    page.keyboard.press("Escape")
    page.click("#side [data-action=remove-interface]")
    n.w.confirm()
    expect(page.locator(".map .lane", has_text="t-web")).to_contain_text("not routed")
    assert n.found("ports", device_id=router, device_owner="network:router_interface") == []
    n.w.saw("row action", "remove interface")
    _choose(page, f"router:{router}", "t-router")
    page.click("#side [data-action=delete]")
    n.w.confirm()
    expect(page.locator(".map .hub", has_text="t-router")).to_have_count(0)
    assert n.found("routers", id=router) == []
    n.w.saw("row action", "delete router")
    _choose(page, f"network:{network}", "t-web")
    page.click("#side [data-action=delete]")
    n.w.confirm()
    expect(page.locator(f".map [data-id='network:{network}']")).to_have_count(0)
    n.w.saw("row action", "delete network")
