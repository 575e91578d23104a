"""Ports: docs/acceptance/networking.tsv walked, each effect read back through the API.

In `make test` one action a panel is walked; the whole walks are slow.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_port_is_made(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("ports", "demo", table="networking"))
    _create_a_port(n, "p-quick", "10.90.1.0/24")
    n.page.click(".acts [data-action=delete]")
    n.w.confirm()
    n.page.wait_for_url("**/ports")
    assert n.found("ports", name="p-quick") == []


def _create_a_port(n: NetWalk, name: str, cidr: str) -> str:
    """Every field filled; the first try has an address that no subnet has."""
    w, page = n.w, n.page
    network, subnet = n.network(f"{name}-net", cidr)
    address = cidr.replace("0/24", "77")
    w.open()
    n.create(name=name, ip="192.0.2.7", mac="fa:16:3e:aa:bb:01", device_id="a-firewall", device_owner="ours:appliance")
    page.select_option("#id_network", network["id"])
    page.select_option("#id_subnet", subnet["id"])
    page.select_option("#id_vnic_type", "direct")
    page.locator("#id_admin_state_up").uncheck()
    n.refused("ip", "192.0.2.7")
    assert page.input_value("#id_device_id") == "a-firewall", "a refused dialog keeps what was typed"
    page.fill("#id_ip", address)
    id = n.made("ports")
    port = n.rest.ok("GET", f"{NETWORK}/ports/{id}")["port"]
    assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": address}]
    assert (port["mac_address"], port["device_id"], port["device_owner"]) == (
        "fa:16:3e:aa:bb:01", "a-firewall", "ours:appliance",
    )  # fmt: skip
    assert (port["admin_state_up"], port["binding:vnic_type"], port["port_security_enabled"]) == (False, "direct", True)
    assert len(port["security_groups"]) == 1
    w.saw("bulk action", "create")
    w.saw(
        "form field", "name", "network", "subnet", "IP", "MAC", "admin state", "device ID", "device owner", "VNIC type"
    )
    w.saw("form field", "port security", "security groups")
    expect(page.locator("[data-card=details]")).to_contain_text("a-firewall")
    w.saw("tab", "overview")
    return id


@pytest.mark.slow
def test_ports(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("ports", "demo", table="networking"))
    id = _create_a_port(n, "p-web", "10.90.2.0/24")
    n.w.open()
    n.w.columns("Name", "Fixed IP", "MAC address", "Attached to", "Status", "Switched on")
    n.w.saw("column", "name", "fixed IPs", "MAC", "attached device", "status", "admin state")
    n.narrowed("name", "p-web", "p-web", "name")
    n.narrowed("mac", "fa:16:3e:aa:bb:01", "p-web", "MAC")
    n.narrowed("network", "p-web-net", "p-web", "network", left=2)  # with its DHCP port
    n.chosen("status", "DOWN", "p-web", "status")
    _edit_a_port(n, id)
    _pairs_of_a_port(n, id)
    n.w.open()
    n.w.menu("p-web-2", "delete")
    n.w.confirm()
    expect(n.w.row("p-web-2")).to_have_count(0)
    assert n.found("ports", id=id) == []
    n.w.saw("row action", "delete")
    network, _subnet = n.network("p-several", "10.90.3.0/24")
    for name in ("p-one", "p-two"):
        n.make("port", "ports", network_id=network["id"], name=name)
    delete_several(n.w, "p-one", "p-two")
    assert n.found("ports", network_id=network["id"], device_owner="") == []
    n.w.finish()


def _edit_a_port(n: NetWalk, id: str) -> None:
    n.w.open()
    n.w.menu("p-web", "edit")
    n.fill(name="p-web-2", description="For the shop", addresses="10.90.2.78, and more")
    n.refused("addresses", "10.0.0.10")
    n.fill(addresses="10.90.2.78\n10.90.2.79")
    n.page.locator("#id_port_security").uncheck()
    n.page.locator("#id_admin_state_up").check()
    n.w.submit()
    n.page.wait_for_url(f"**/ports/{id}")
    port = n.one("ports", id=id)
    assert (port["name"], port["description"], port["admin_state_up"]) == ("p-web-2", "For the shop", True)
    assert {ip["ip_address"] for ip in port["fixed_ips"]} == {"10.90.2.78", "10.90.2.79"}
    assert (port["port_security_enabled"], port["security_groups"]) == (False, [])
    n.w.saw("row action", "edit")
    n.w.saw("form field", "fixed IPs", "description")


def _pairs_of_a_port(n: NetWalk, id: str) -> None:
    page, w = n.page, n.w
    w.open()
    w.row("p-web-2").locator("[data-menu]").click()
    expect(page.locator("#menu [data-action=add-pair]")).to_have_attribute("data-why", re.compile("no port security"))
    page.click("#menu [data-action=edit]")
    page.locator("#id_port_security").check()
    w.submit()
    page.wait_for_url(f"**/ports/{id}")
    page.click(".tabs [data-tab=pairs]")
    w.saw("tab", "allowed address pairs")
    page.click("[data-card=pairs] [data-action=add-pair]")
    n.fill(ip="10.90.2.300")
    n.refused("ip", "neither an address nor a network")
    n.fill(ip="10.91.0.0/24", mac="fa:16:3e:aa:bb:02")
    w.submit()
    expect(w.row("10.91.0.0/24")).to_be_visible()
    pair = {"ip_address": "10.91.0.0/24", "mac_address": "fa:16:3e:aa:bb:02"}
    assert n.one("ports", id=id)["allowed_address_pairs"] == [pair]
    w.saw("row action", "add address pair")
    w.menu("10.91.0.0/24", "delete-pair")
    w.confirm()
    expect(w.row("10.91.0.0/24")).to_have_count(0)
    assert n.one("ports", id=id)["allowed_address_pairs"] == []
    w.saw("row action", "delete address pair")
