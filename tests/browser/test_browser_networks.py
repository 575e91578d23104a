"""Networks and subnets: docs/acceptance/networking.tsv walked, each effect read back through the API."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_network_is_made(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("networks", "demo", table="networking"))
    id = _create_a_network(n, "n-quick", "10.92.1.0/24")
    assert n.rest.ask("DELETE", f"{NETWORK}/networks/{id}").status == 204


def _create_a_network(n: NetWalk, name: str, cidr: str) -> str:
    """Every field of an IPv4 network; the first try has a gateway inside the pool."""
    w, page, start = n.w, n.page, cidr.removesuffix("0/24")
    w.open()
    n.create(name=name, cidr=cidr, description="Of the shop", mtu="1400")
    page.locator("#id_admin_state_up").uncheck()
    page.locator("#id_port_security_enabled").uncheck()
    page.locator("#dialog [name=zones]").first.check()
    assert page.locator("#dialog #id_shared, #dialog #id_external").count() == 0, "only administrators share"
    page.click("#dialog label[data-id=subnet]")
    n.fill(subnet_name=f"{name}-v4", gateway=f"{start}20")
    page.click("#dialog [data-action=next][data-id=details]")
    n.fill(pools=f"{start}10 - {start}50", dns=f"{start}2", routes=f"192.168.7.0/24, {start}9")
    page.locator("#id_enable_dhcp").uncheck()
    n.refused("pools", f"{start}20")
    assert page.input_value("#id_dns") == f"{start}2", "a refused dialog keeps what was typed"
    n.fill(pools=f"{start}21-{start}50\n{start}60 {start}70")
    id = n.made("networks")
    network = n.rest.ok("GET", f"{NETWORK}/networks/{id}")["network"]
    assert (network["name"], network["description"], network["mtu"]) == (name, "Of the shop", 1400)
    assert (network["admin_state_up"], network["port_security_enabled"]) == (False, False)
    assert network["availability_zone_hints"] == ["nova"]
    subnet = n.one("subnets", network_id=id)
    assert (subnet["name"], subnet["cidr"], subnet["gateway_ip"]) == (f"{name}-v4", cidr, f"{start}20")
    assert subnet["allocation_pools"] == [
        {"start": f"{start}21", "end": f"{start}50"}, {"start": f"{start}60", "end": f"{start}70"},
    ]  # fmt: skip
    assert (subnet["enable_dhcp"], subnet["dns_nameservers"]) == (False, [f"{start}2"])
    assert subnet["host_routes"] == [{"destination": "192.168.7.0/24", "nexthop": f"{start}9"}]
    w.saw("bulk action", "create")
    w.saw("form field", "name", "admin state", "create subnet", "availability zone hints", "MTU", "description")
    w.saw(
        "form field",
        "port security",
        "subnet name",
        "CIDR",
        "gateway",
        "DHCP",
        "allocation pools",
        "DNS",
        "host routes",
    )
    return id


@pytest.mark.slow
def test_networks(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("networks", "demo", table="networking"))
    id = _create_a_network(n, "n-web", "10.92.2.0/24")
    n.w.open()
    n.w.columns("Name", "Subnets", "Shared", "External", "Status", "Switched on", "Availability zones")
    n.w.saw("column", "name", "subnets", "shared", "external", "status", "admin state", "availability zones")
    n.narrowed("name", "n-web", "n-web", "name")
    for field, value, row in (
        ("shared", "False", "n-web"), ("external", "True", "public"), ("on", "False", "n-web"), ("status", "ACTIVE", "n-web"),
    ):  # fmt: skip
        n.chosen(field, value, row, {"on": "admin state"}.get(field, field))
    _subnets_of_a_network(n, id)
    _edit_a_network(n, id)
    _as_an_administrator(n, net(walk("networks", "admin", table="networking"), "admin"), id)
    n.w.open()
    n.w.menu("n-web-2", "delete")
    n.w.confirm()
    expect(n.w.row("n-web-2")).to_have_count(0)
    assert n.found("networks", id=id) == []
    n.w.saw("row action", "delete")
    for name in ("n-one", "n-two"):
        n.make("network", "networks", name=name)
    delete_several(n.w, "n-one", "n-two")
    assert n.found("networks", name="n-one") == []
    n.w.finish()


def _subnets_of_a_network(n: NetWalk, id: str) -> None:
    """An IPv6 one, one out of a pool without a gateway; changed and deleted."""
    page, w = n.page, n.w
    pool = n.make("subnetpool", "subnetpools", name="n-pool", prefixes=["10.93.0.0/16"], default_prefixlen=26)
    w.open()
    w.menu("n-web", "create-subnet")
    n.fill(subnet_name="n-v6", cidr="fd00:92::/64")
    page.click("#dialog label[data-id=details]")
    page.select_option("#id_ra_mode", "slaac")
    page.select_option("#id_address_mode", "dhcpv6-stateful")
    n.refused("ra_mode", "must be the same")
    page.select_option("#id_address_mode", "slaac")
    w.submit()
    page.wait_for_url(f"**/networks/{id}/subnets")
    subnet = n.one("subnets", network_id=id, name="n-v6")
    assert (subnet["ip_version"], subnet["ipv6_ra_mode"], subnet["ipv6_address_mode"]) == (6, "slaac", "slaac")
    w.saw("row action", "create subnet")
    w.saw("form field", "IPv6 mode", "IP version")
    w.saw("tab", "subnets")
    w.columns("Name", "Addresses", "IP version", "Gateway")
    w.saw("column", *(f"subnets: {name}" for name in ("name", "CIDR", "version", "gateway")))
    page.click("[data-card=subnets] [data-action=add-subnet]")
    n.fill(subnet_name="n-cut", prefixlen="27")
    n.refused("prefixlen", "Choose the pool")
    page.select_option("#id_pool", pool["id"])
    page.locator("#id_no_gateway").check()
    w.submit()
    expect(w.row("n-cut")).to_be_visible()
    subnet = n.one("subnets", network_id=id, name="n-cut")
    assert (subnet["cidr"].partition("/")[2], subnet["gateway_ip"], subnet["subnetpool_id"]) == ("27", None, pool["id"])
    w.saw("form field", "subnet pool", "prefix length", "disable gateway")
    w.menu("n-cut", "edit-subnet")
    n.fill(name="n-cut-2", dns="not an address")
    n.refused("dns", "10.0.0.10")
    n.fill(dns="10.93.0.2")
    w.submit()
    expect(w.row("n-cut-2")).to_be_visible()
    assert n.one("subnets", name="n-cut-2")["dns_nameservers"] == ["10.93.0.2"]
    w.saw("row action", "subnets: edit")
    w.menu("n-cut-2", "delete-subnet")
    w.confirm()
    expect(w.row("n-cut-2")).to_have_count(0)
    assert n.found("subnets", name="n-cut-2") == []
    w.saw("row action", "subnets: delete")
    _delete_several_subnets(n, id)
    n.rest.ok("DELETE", f"{NETWORK}/subnetpools/{pool['id']}")


def _delete_several_subnets(n: NetWalk, id: str) -> None:
    """One that a port has an address of stays, and says why."""
    page, w = n.page, n.w
    for name, cidr in (("n-kept", "10.94.0.0/28"), ("n-gone", "10.94.0.16/28")):
        n.make("subnet", "subnets", name=name, network_id=id, ip_version=4, cidr=cidr)
    kept = n.one("subnets", name="n-kept")["id"]
    port = n.make("port", "ports", network_id=id, fixed_ips=[{"subnet_id": kept}])["id"]
    w.open(f"networks/{id}/subnets")
    for name in ("n-kept", "n-gone"):
        w.row(name).locator("input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    w.confirm("2")
    expect(page.locator("#dialog")).to_contain_text("1 of 2 deleted")
    assert n.found("subnets", name="n-gone") == [] and n.found("subnets", id=kept) != []
    n.rest.ok("DELETE", f"{NETWORK}/ports/{port}")
    n.rest.ok("DELETE", f"{NETWORK}/subnets/{kept}")
    w.saw("bulk action", "subnets: delete")


def _edit_a_network(n: NetWalk, id: str) -> None:
    page, w = n.page, n.w
    w.open(f"networks/{id}")
    w.saw("tab", "overview")
    expect(page.locator("[data-card=details]")).to_contain_text("Of the shop")
    assert page.locator(".tabs [data-tab=agents]").count() == 0, "DHCP agents are for administrators"
    page.click(".acts [data-action=edit]")
    n.fill(name="n-web-2", mtu="9000")
    n.refused("mtu", "between 68 and")
    n.fill(mtu="1300")
    page.locator("#id_admin_state_up").check()
    w.submit()
    expect(page.locator("h1")).to_have_text("n-web-2")
    network = n.one("networks", id=id)
    assert (network["name"], network["mtu"], network["admin_state_up"]) == ("n-web-2", 1300, True)
    w.saw("row action", "edit")
    page.click(".tabs [data-tab=ports]")
    page.click("[data-card=ports] [data-action=add-port]")
    assert page.input_value("#id_network") == id
    n.fill(name="n-port")
    n.made("ports")
    assert n.one("ports", name="n-port")["network_id"] == id
    w.open(f"networks/{id}/ports")
    w.columns("Name", "Fixed IP", "MAC address", "Attached to", "Status", "Switched on")
    w.saw(
        "column",
        *(f"ports: {name}" for name in ("name", "fixed IPs", "MAC", "attached device", "status", "admin state")),
    )
    w.saw("tab", "ports")
    w.saw("bulk action", "ports: create")
    w.menu("n-port", "delete")
    w.confirm()
    expect(w.row("n-port")).to_have_count(0)


def _as_an_administrator(n: NetWalk, a: NetWalk, id: str) -> None:
    """A shared, external network; and which host serves the DHCP of the other one."""
    page = a.page
    a.create(name="n-open")
    page.locator("#id_shared").check()
    page.locator("#id_external").check()
    made = a.made("networks")
    network = a.one("networks", id=made)
    assert (network["shared"], network["router:external"]) == (True, True)
    a.rest.ok("DELETE", f"{NETWORK}/networks/{made}")
    n.w.saw("form field", "shared", "external")
    n.rest.ok("PUT", f"{NETWORK}/subnets/{n.one('subnets', name='n-web-v4')['id']}", {"subnet": {"enable_dhcp": True}})
    a.w.open(f"networks/{id}/agents")
    n.w.saw("tab", "DHCP agents")
    hosts = [agent["host"] for agent in a.rest.ok("GET", f"{NETWORK}/networks/{id}/dhcp-agents")["agents"]]
    assert len(hosts) == 1
    a.w.columns("Host", "Status", "Switched on", "Last heard of")
    n.w.saw("column", *(f"agents: {name}" for name in ("host", "status", "admin state", "updated")))
    page.click("[data-card=agents] [data-action=add-agent]")
    page.select_option("#id_host", hosts[0])
    a.refused("host", "already hosted")
    other = next(name for name in page.locator("#id_host option").all_inner_texts() if name != hosts[0])
    page.select_option("#id_host", other)
    a.w.submit()
    expect(a.w.row(other)).to_be_visible()
    assert [one["host"] for one in a.rest.ok("GET", f"{NETWORK}/networks/{id}/dhcp-agents")["agents"]] == [other]
    n.w.saw("row action", "agents: add")
    a.w.menu(other, "remove-agent")
    a.w.confirm()
    expect(a.w.row(other)).to_have_count(0)
    assert a.rest.ok("GET", f"{NETWORK}/networks/{id}/dhcp-agents")["agents"] == []
    n.w.saw("row action", "agents: delete")
