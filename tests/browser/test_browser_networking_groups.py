"""Security groups and the editor of their rules: docs/acceptance/networking.tsv walked, each effect read back through the API."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_rule_is_added_with_several_ports(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("security-groups", "demo", table="networking"))
    id = _create_a_group(n, "s-quick")
    _several_ports(n, id)
    n.rest.ok("DELETE", f"{NETWORK}/security-groups/{id}")


def _create_a_group(n: NetWalk, name: str) -> str:
    """The first try is called as every project's own group is."""
    n.w.open()
    n.create(name="default", description="For the shop")
    n.w.submit()
    expect(n.page.locator("#dialog [role=alert]")).to_contain_text("already exists")
    assert n.page.input_value("#id_description") == "For the shop", "a refused dialog keeps what was typed"
    n.fill(name=name)
    id = n.made("security-groups")
    group = n.one("security-groups", id=id)
    assert (group["name"], group["description"]) == (name, "For the shop")
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "name", "description")
    return id


def _lines(n: NetWalk, way: str) -> Locator:
    return n.page.locator(f"#rules [data-card={way}] [data-line]:visible")


def _add(n: NetWalk, way: str, preset: str = "") -> Locator:
    """One more line, by the button or by a chip."""
    button = f"[data-action=preset][data-id='{preset}']" if preset else "[data-action=add-line]"
    before = _lines(n, way).count()
    n.page.click(f"#rules [data-card={way}] {button}")
    expect(_lines(n, way)).to_have_count(before + 1)
    return _lines(n, way).last


def _save(n: NetWalk, saying: str) -> None:
    """Saved, and said anew: what an earlier save said is put away first."""
    for said in n.page.locator("#toasts [data-dismiss]").all():
        said.click()
    n.page.click("#rules [data-action=save-rules]")
    expect(n.page.locator("#toasts")).to_contain_text(saying)


def _rules(n: NetWalk, id: str, way: str) -> list[dict[str, Any]]:
    return n.found("security-group-rules", security_group_id=id, direction=way)


def _several_ports(n: NetWalk, id: str) -> None:
    """In one field; what is no port is refused at its line, and everything that was typed stays."""
    page = n.page
    line = _add(n, "ingress")
    line.locator("[data-field=ports]").fill("22, http, 8000-8100")
    line.locator("[data-field=remote]").select_option("cidr")
    line.locator("[data-field=cidr]").fill("10.0.0.0/8")
    line.locator("[data-field=description]").fill("From the office")
    page.click("#rules [data-action=save-rules]")
    expect(page.locator("#rules .why")).to_contain_text("“http” is no port")
    line = _lines(n, "ingress").last
    expect(line.locator("[data-field=description]")).to_have_value("From the office")
    line.locator("[data-field=ports]").fill("22, 80 8000 - 8100")
    _save(n, "3 rules added, 0 removed")
    found = _rules(n, id, "ingress")
    assert sorted((rule["port_range_min"], rule["port_range_max"]) for rule in found) == [
        (22, 22),
        (80, 80),
        (8000, 8100),
    ]
    assert {(rule["protocol"], rule["remote_ip_prefix"], rule["ethertype"]) for rule in found} == {
        ("tcp", "10.0.0.0/8", "IPv4")
    }
    assert {rule["description"] for rule in found} == {"From the office"}
    expect(_lines(n, "ingress").locator("[data-field=ports]")).to_have_value("22, 80, 8000-8100")
    n.w.saw("row action", "rules: add")
    n.w.saw("form field", "protocol", "several ports", "remote network", "rule description", "direction")


@pytest.mark.slow
def test_security_groups(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    """I12: the rule editor, and each action of a group."""
    n = net(walk("security-groups", "demo", table="networking"))
    id = _create_a_group(n, "s-web")
    n.w.open()
    n.w.columns("Name", "Description", "ID")
    n.w.saw("column", "name", "ID", "description")
    n.narrowed("name", "s-web", "s-web", "name")
    n.narrowed("id", id, "s-web", "ID")
    n.w.open()
    n.w.menu("s-web", "rules")
    n.page.wait_for_url(f"**/security-groups/{id}")
    n.w.saw("row action", "manage rules")
    n.w.saw("tab", "rules")
    _several_ports(n, id)
    _other_rules(n, id)
    _edit_and_remove(n, id)
    _what_it_touches(n, id)
    n.w.open()
    n.w.menu("s-web", "edit")
    n.fill(name="s-web-2", description="")
    n.w.submit()
    expect(n.w.row("s-web-2")).to_be_visible()
    assert n.one("security-groups", id=id)["name"] == "s-web-2"
    n.w.saw("row action", "edit")
    n.w.menu("s-web-2", "delete")
    n.w.confirm()
    expect(n.page.locator("#dialog [role=alert]")).to_contain_text("in use")
    n.rest.ok("DELETE", f"{NETWORK}/ports/{n.one('ports', name='s-port')['id']}")
    n.w.confirm()
    expect(n.w.row("s-web-2")).to_have_count(0)
    assert n.found("security-groups", id=id) == []
    n.w.saw("row action", "delete")
    for name in ("s-one", "s-two"):
        n.make("security_group", "security-groups", name=name)
    delete_several(n.w, "s-one", "s-two")
    assert n.found("security-groups", name="s-one") == []
    n.w.finish()


def _other_rules(n: NetWalk, id: str) -> None:
    """By chips; from the reader's address, another group, everyone; of ICMP and of another protocol."""
    line = _add(n, "ingress", "HTTPS")
    expect(line.locator(".open")).to_be_visible()
    expect(line.locator(".open")).to_have_text("open to everyone")
    mine = _add(n, "ingress", "SSH from my address")
    expect(mine.locator(".open")).to_be_hidden()
    ping = _add(n, "ingress", "Ping")
    ping.locator("[data-field=ports]").fill("8/0")
    ping.locator("[data-field=family]").select_option("IPv4")
    group = _add(n, "ingress")
    group.locator("[data-field=protocol]").select_option("udp")
    group.locator("[data-field=ports]").fill("any")
    group.locator("[data-field=remote]").select_option(label="group s-web")
    group.locator("[data-field=family]").select_option("IPv6")
    out = _add(n, "egress")
    out.locator("[data-field=protocol]").select_option("gre")
    _save(n, "7 rules added, 0 removed")
    found = _rules(n, id, "ingress")
    https = [rule["ethertype"] for rule in found if rule["port_range_min"] == 443]
    assert sorted(https) == ["IPv4", "IPv6"]
    assert [rule["remote_ip_prefix"] for rule in found if rule["port_range_min"] == 22 and not rule["description"]] == [
        "127.0.0.1/32"
    ]
    icmp = [rule for rule in found if rule["protocol"] == "icmp"]
    assert [(rule["port_range_min"], rule["port_range_max"]) for rule in icmp] == [(8, 0)]
    assert [(rule["protocol"], rule["ethertype"]) for rule in found if rule["remote_group_id"] == id] == [
        ("udp", "IPv6")
    ]
    assert {rule["ethertype"] for rule in _rules(n, id, "egress") if rule["protocol"] == "gre"} == {"IPv4", "IPv6"}
    n.w.saw("form field", "presets", "my address", "ICMP type and code", "remote group", "ether type", "other protocol")


def _edit_and_remove(n: NetWalk, id: str) -> None:
    """Only the difference is sent: what stays keeps its id, and so does what somebody else made meanwhile."""
    before = {rule["id"] for rule in _rules(n, id, "ingress")}
    other = n.make(
        "security_group_rule", "security-group-rules", security_group_id=id, direction="ingress", protocol="tcp",
        port_range_min=5432, port_range_max=5432, remote_ip_prefix="10.9.0.0/16",
    )  # fmt: skip
    several = n.page.locator(
        "#rules [data-card=ingress] [data-line]", has=n.page.locator("[value='22, 80, 8000-8100']")
    )
    several.locator("[data-field=ports]").fill("22, 81")
    _save(n, "1 rules added, 2 removed")
    after = {rule["id"] for rule in _rules(n, id, "ingress")}
    assert other["id"] in after and len(before & after) == len(before) - 2
    n.w.saw("row action", "rules: edit")
    count = _lines(n, "egress").count()
    _lines(n, "egress").last.locator("[data-action=drop-line]").click()
    _save(n, "0 rules added, 2 removed")
    expect(_lines(n, "egress")).to_have_count(count - 1)
    n.w.saw("row action", "rules: delete")
    for _line in range(_lines(n, "ingress").count()):
        _lines(n, "ingress").first.locator("[data-action=drop-line]").click()
    _save(n, "0 rules added")
    assert _rules(n, id, "ingress") == []
    expect(n.page.locator("#rules [data-card=ingress] .none")).to_have_text("No rule: nothing reaches it.")
    n.w.saw("bulk action", "rules: delete")


def _what_it_touches(n: NetWalk, id: str) -> None:
    network = n.one("networks", name="private")
    n.make("port", "ports", network_id=network["id"], name="s-port", security_groups=[id])
    n.w.open(f"security-groups/{id}")
    expect(n.page.locator(".facts.lead")).to_contain_text("touches 1 port")
    n.page.click(".tabs [data-tab=ports]")
    n.page.wait_for_url(re.compile("/ports$"))
    expect(n.w.row("s-port")).to_be_visible()
    n.w.saw("tab", "what it touches")
