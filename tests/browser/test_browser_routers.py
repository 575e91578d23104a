"""Routers: docs/acceptance/networking.tsv walked, each effect read back through the API."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_router_gets_a_route(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("routers", "demo", table="networking"))
    id = _create_a_router(n, "r-quick", "10.94.1.0/24")
    _routes_of_a_router(n, id, "10.94.1.9")
    subnet = n.one("subnets", cidr="10.94.1.0/24")
    n.rest.ok("PUT", f"{NETWORK}/routers/{id}/remove_router_interface", {"subnet_id": subnet["id"]})
    n.rest.ok("DELETE", f"{NETWORK}/routers/{id}")


def _create_a_router(n: NetWalk, name: str, cidr: str) -> str:
    """With its gateway and first interface; the first try has no name."""
    w, page = n.w, n.page
    _network, subnet = n.network(f"{name}-net", cidr)
    w.open()
    n.create(description="Of the shop")
    n.refused("name", "required")
    assert page.input_value("#id_description") == "Of the shop", "a refused dialog keeps what was typed"
    assert page.locator("#dialog #id_enable_snat").count() == 0, "only administrators choose SNAT"
    page.fill("#id_name", name)
    page.select_option("#id_network", label="public")
    page.select_option("#id_subnet", subnet["id"])
    page.locator("#dialog [name=zones]").first.check()
    page.locator("#id_admin_state_up").check()
    id = n.made("routers")
    router = n.one("routers", id=id)
    assert (router["name"], router["description"], router["admin_state_up"]) == (name, "Of the shop", True)
    assert router["availability_zone_hints"] == ["nova"]
    assert router["external_gateway_info"]["network_id"] == n.one("networks", name="public")["id"]
    port = n.one("ports", device_id=id, device_owner="network:router_interface")
    assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": cidr.replace("0/24", "1")}]
    w.saw("bulk action", "create")
    w.saw(
        "form field",
        "name",
        "admin state",
        "external network",
        "first interface",
        "availability zone hints",
        "description",
    )
    return id


def _routes_of_a_router(n: NetWalk, id: str, hop: str) -> None:
    page, w = n.page, n.w
    w.open(f"routers/{id}/routes")
    w.saw("tab", "static routes")
    page.click("[data-card=routes] [data-action=add-route]")
    n.fill(destination="192.168.9.0/24", nexthop="203.0.113.9")
    n.refused("nexthop", "no interface on a subnet with this address")
    n.fill(nexthop=hop)
    w.submit()
    expect(w.row("192.168.9.0/24")).to_contain_text(hop)
    assert n.one("routers", id=id)["routes"] == [{"destination": "192.168.9.0/24", "nexthop": hop}]
    w.saw("row action", "static routes: add")
    w.saw("form field", "destination", "next hop")
    w.menu("192.168.9.0/24", "delete-route")
    w.confirm()
    expect(w.row("192.168.9.0/24")).to_have_count(0)
    assert n.one("routers", id=id)["routes"] == []
    w.saw("row action", "static routes: delete")


@pytest.mark.slow
def test_routers(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("routers", "demo", table="networking"))
    id = _create_a_router(n, "r-web", "10.94.2.0/24")
    n.w.open()
    n.w.columns("Name", "Status", "External network", "Switched on", "Availability zones")
    n.w.saw("column", "name", "status", "external network", "admin state", "availability zones")
    n.narrowed("name", "r-web", "r-web", "name")
    n.chosen("status", "ACTIVE", "r-web", "status")
    n.chosen("on", "True", "r-web", "admin state")
    _routes_of_a_router(n, id, "10.94.2.9")
    _interfaces_of_a_router(n, id)
    _gateway_of_a_router(n, net(walk("routers", "admin", table="networking"), "admin"), id)
    n.w.open()
    n.w.menu("r-web", "edit")
    n.fill(name="r-web-2", description="")
    n.page.locator("#id_admin_state_up").uncheck()
    n.w.submit()
    expect(n.w.row("r-web-2")).to_be_visible()
    router = n.one("routers", id=id)
    assert (router["name"], router["description"], router["admin_state_up"]) == ("r-web-2", "", False)
    n.w.saw("row action", "edit")
    n.w.menu("r-web-2", "delete")
    n.w.confirm()
    expect(n.page.locator("#dialog [role=alert]")).to_contain_text("still has ports")
    subnet = n.one("subnets", cidr="10.94.2.0/24")
    n.rest.ok("PUT", f"{NETWORK}/routers/{id}/remove_router_interface", {"subnet_id": subnet["id"]})
    n.w.confirm()
    expect(n.w.row("r-web-2")).to_have_count(0)
    assert n.found("routers", id=id) == []
    n.w.saw("row action", "delete")
    for name in ("r-one", "r-two"):
        n.make("router", "routers", name=name)
    delete_several(n.w, "r-one", "r-two")
    assert n.found("routers", name="r-one") == []
    n.w.finish()


def _interfaces_of_a_router(n: NetWalk, id: str) -> None:
    """On an address of one's choice; another of the same range is refused."""
    page, w = n.page, n.w
    _network, subnet = n.network("r-second", "10.94.3.0/24")
    w.open(f"routers/{id}")
    w.saw("tab", "overview")
    page.click(".tabs [data-tab=interfaces]")
    w.saw("tab", "interfaces")
    w.columns("Name", "Fixed IP", "Status", "Type", "Switched on")
    w.saw("column", *(f"interfaces: {name}" for name in ("name", "fixed IPs", "status", "type", "admin state")))
    page.click("[data-card=interfaces] [data-action=add-interface-here]")
    page.select_option("#id_subnet", subnet["id"])
    n.fill(ip="192.0.2.7")
    n.refused("ip", "192.0.2.7")
    n.fill(ip="10.94.3.200")
    w.submit()
    row = page.locator("main tbody tr", has_text="10.94.3.200")
    expect(row).to_be_visible()
    ports = n.found("ports", device_id=id, device_owner="network:router_interface")
    assert "10.94.3.200" in [port["fixed_ips"][0]["ip_address"] for port in ports]
    w.saw("row action", "interfaces: add")
    w.saw("form field", "interface subnet", "interface IP")
    row.locator("[data-menu]").click()
    page.click("#menu [data-action=remove-interface]")
    w.confirm()
    expect(row).to_have_count(0)
    assert len(n.found("ports", device_id=id, device_owner="network:router_interface")) == 1
    w.saw("row action", "interfaces: delete")


def _gateway_of_a_router(n: NetWalk, a: NetWalk, id: str) -> None:
    """Cleared by its owner; set by an administrator, who also chooses address and SNAT."""
    page, w = n.page, n.w
    w.open()
    w.menu("r-web", "clear-gateway")
    expect(page.locator("#toasts")).to_contain_text("cleared")
    assert n.one("routers", id=id)["external_gateway_info"] is None
    w.saw("row action", "clear gateway")
    w.open(f"routers/{id}")
    page.click(".acts [data-action=set-gateway]")
    n.refused("network", "Choose the network")
    page.select_option("#id_network", label="public")
    w.submit()
    expect(page.locator("[data-card=details]")).to_contain_text("public")
    assert n.one("routers", id=id)["external_gateway_info"]["enable_snat"] is True
    w.saw("row action", "set gateway")
    w.saw("form field", "gateway network")
    a.w.open(f"routers/{id}")
    a.page.click(".acts [data-action=set-gateway]")
    a.page.locator("#id_enable_snat").uncheck()
    a.fill(ip="192.0.2.7")
    a.refused("ip", "192.0.2.7")
    a.fill(ip="172.24.4.222")
    a.w.submit()
    expect(a.page.locator("[data-card=details]")).to_contain_text("172.24.4.222")
    info = n.one("routers", id=id)["external_gateway_info"]
    assert (info["enable_snat"], info["external_fixed_ips"][0]["ip_address"]) == (False, "172.24.4.222")
    w.saw("form field", "gateway SNAT", "gateway address", "SNAT")
