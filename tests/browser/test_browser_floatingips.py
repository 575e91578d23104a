"""Floating IPs: docs/acceptance/networking.tsv walked, each effect read back through the API."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_floating_ip_is_allocated_and_released(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("floating-ips", "demo", table="networking"))
    ip = _allocate(n, "f-quick")["floating_ip_address"]
    n.w.menu(ip, "delete")
    n.w.confirm()
    expect(n.w.row(ip)).to_have_count(0)
    assert n.found("floatingips", floating_ip_address=ip) == []


def _allocate(n: NetWalk, description: str) -> dict[str, Any]:
    """The first try has a domain that does not end with a dot."""
    w, page = n.w, n.page
    w.open()
    n.create(description=description, dns_name="shop", dns_domain="example.org")
    page.select_option("#id_pool", label="public")
    w.submit()
    expect(page.locator("#dialog [data-field=dns_domain] .bad")).to_be_visible()
    assert page.input_value("#id_description") == description, "a refused dialog keeps what was typed"
    page.fill("#id_dns_domain", "example.org.")
    w.submit()
    expect(page.locator("#toasts")).to_contain_text("is yours")
    floating = n.one("floatingips", description=description)
    assert (floating["dns_name"], floating["dns_domain"]) == ("shop", "example.org.")
    assert floating["floating_network_id"] == n.one("networks", name="public")["id"]
    w.saw("bulk action", "allocate")
    w.saw("form field", "pool", "description", "DNS name", "DNS domain")
    return floating


@pytest.mark.slow
def test_floating_ips(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("floating-ips", "demo", table="networking"))
    floating = _allocate(n, "f-web")
    ip = floating["floating_ip_address"]
    n.w.open()
    n.w.columns("Address", "Description", "DNS name", "Fixed IP", "Pool", "Status")
    expect(n.w.row(ip)).to_contain_text("shop.example.org")
    n.w.saw("column", "IP", "description", "DNS name", "DNS domain", "fixed IP", "pool", "status")
    _lead_somewhere(n, floating)
    n.w.menu(ip, "delete")
    n.w.confirm()
    expect(n.w.row(ip)).to_have_count(0)
    assert n.found("floatingips", floating_ip_address=ip) == []
    n.w.saw("row action", "release")
    _release_several(n)
    a = net(walk("floating-ips", "admin", table="networking"), "admin")
    a.create(address="192.0.2.7")
    a.page.select_option("#id_pool", label="public")
    a.refused("address", "192.0.2.7")
    a.fill(address="172.24.4.223")
    a.w.submit()
    expect(a.w.row("172.24.4.223")).to_be_visible()
    a.rest.ok("DELETE", f"{NETWORK}/floatingips/{a.one('floatingips', floating_ip_address='172.24.4.223')['id']}")
    n.w.saw("form field", "address")
    n.w.finish()


def _lead_somewhere(n: NetWalk, floating: dict[str, Any]) -> None:
    """To a port behind a router; one that no router joins is no choice. Narrowed by each of its ids."""
    w, page, ip = n.w, n.page, floating["floating_ip_address"]
    private = n.one("networks", name="private")
    port = n.make("port", "ports", network_id=private["id"], name="f-port")
    lonely, _subnet = n.network("f-lonely", "10.95.1.0/24")
    n.make("port", "ports", network_id=lonely["id"], name="f-lonely-port")
    fixed = port["fixed_ips"][0]["ip_address"]
    w.menu(ip, "associate")
    choices = page.locator("#dialog #id_port option")
    expect(choices.filter(has_text=f"f-port: {fixed}")).to_have_count(1)
    expect(choices.filter(has_text="f-lonely-port")).to_have_count(0)
    page.select_option("#id_port", label=f"f-port: {fixed}")
    w.submit()
    expect(w.row(ip)).to_contain_text(fixed)
    found = n.one("floatingips", id=floating["id"])
    assert (found["port_id"], found["fixed_ip_address"]) == (port["id"], fixed)
    w.saw("row action", "associate")
    w.saw("form field", "port to associate")
    left = len(n.found("floatingips"))
    n.narrowed("address", ip, ip, "IP")
    n.narrowed("network", found["floating_network_id"], ip, "network ID", left)
    n.narrowed("router", found["router_id"], ip, "router ID")
    n.narrowed("port", port["id"], ip, "port ID")
    other = n.make("floatingip", "floatingips", floating_network_id=found["floating_network_id"])
    w.open()
    w.menu(other["floating_ip_address"], "associate")
    page.select_option("#id_port", label=f"f-port: {fixed}")
    n.refused("port", "already has a floating IP")
    n.rest.ok("DELETE", f"{NETWORK}/floatingips/{other['id']}")
    w.open()
    w.menu(ip, "edit")
    n.fill(description="For the shop")
    w.submit()
    expect(w.row(ip)).to_contain_text("For the shop")
    assert n.one("floatingips", id=floating["id"])["description"] == "For the shop"
    w.saw("row action", "edit")
    w.menu(ip, "disassociate")
    expect(w.row(ip)).not_to_contain_text(fixed)
    assert n.one("floatingips", id=floating["id"])["port_id"] is None
    w.saw("row action", "disassociate")
    n.chosen("status", "DOWN", ip, "status")
    w.open()


def _release_several(n: NetWalk) -> None:
    network = n.one("networks", name="public")["id"]
    ips = [n.make("floatingip", "floatingips", floating_network_id=network)["floating_ip_address"] for _ in range(2)]
    n.w.open()
    for ip in ips:
        n.w.row(ip).locator("input[type=checkbox]").check()
    n.page.click(".bulk [data-action=release]")
    expect(n.page.locator("#dialog h2")).to_contain_text("Release these 2?")
    n.w.confirm("2")
    for ip in ips:
        expect(n.w.row(ip)).to_have_count(0)
        assert n.found("floatingips", floating_ip_address=ip) == []
    n.w.saw("bulk action", "release")
