"""Every project's networks, routers and floating IPs, and RBAC policies: docs/acceptance/networking.tsv walked by an operator."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def _project(n: NetWalk, name: str) -> str:
    answer = n.rest.ok("GET", f"/api/identity/v3/projects?name={name}")
    return str(answer["projects"][0]["id"])


def test_a_network_of_another_project(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("all-networks", "admin", table="networking"), "admin")
    id = _create_a_network(n, "a-quick", "7001")
    n.rest.ok("DELETE", f"{NETWORK}/networks/{id}")


def _create_a_network(n: NetWalk, name: str, segment: str) -> str:
    """For project demo; the first try has a segment without its kind."""
    page = n.page
    n.w.open()
    n.create(name=name)
    page.select_option("#id_project", label="demo")
    page.locator("#id_external").check()
    page.click("#dialog label[data-id=provider]")
    n.fill(segment=segment)
    n.refused("kind", "network_type required")
    page.select_option("#id_kind", "vxlan")
    id = n.made("networks")
    network = n.one("networks", id=id)
    assert network["project_id"] == _project(n, "demo")
    assert (network["provider:network_type"], network["provider:segmentation_id"]) == ("vxlan", int(segment))
    assert network["router:external"] is True
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "project", "provider type", "segmentation ID", "external")
    return id


@pytest.mark.slow
def test_all_networks(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("all-networks", "admin", table="networking"), "admin")
    id = _create_a_network(n, "a-web", "7002")
    n.w.open()
    n.w.columns("Name", "Project", "DHCP agents", "Subnets", "Status")
    n.w.saw("column", "project", "DHCP agent count")
    n.create(name="a-flat")
    n.page.select_option("#id_project", label="demo")
    n.page.click("#dialog label[data-id=provider]")
    n.page.select_option("#id_kind", "flat")
    n.fill(physical="a-nowhere")
    flat = n.made("networks")
    assert n.one("networks", id=flat)["provider:physical_network"] == "a-nowhere"
    n.rest.ok("DELETE", f"{NETWORK}/networks/{flat}")
    n.w.saw("form field", "physical network")
    left = len(n.found("networks", project_id=_project(n, "demo")))
    n.narrowed("project", "demo", "a-web", "project", left)
    n.w.open()
    n.w.menu("a-web", "edit")
    n.fill(name="a-web-2")
    n.page.locator("#id_external").uncheck()
    n.w.submit()
    n.page.wait_for_url(f"**/networks/{id}")
    assert n.one("networks", id=id)["router:external"] is False
    n.w.saw("row action", "edit")
    n.w.open()
    n.w.menu("a-web-2", "delete")
    with n.page.expect_navigation(url="**/all-networks"):
        n.w.confirm()
    expect(n.w.row("a-web-2")).to_have_count(0)
    assert n.found("networks", id=id) == []
    n.w.saw("row action", "delete")
    for name in ("a-one", "a-two"):
        n.make("network", "networks", name=name, project_id=_project(n, "demo"))
    n.w.open()
    for name in ("a-one", "a-two"):
        n.w.row(name).locator("input[type=checkbox]").check()
    n.page.click(".bulk [data-action=delete]")
    with n.page.expect_navigation(url="**/all-networks"):
        n.w.confirm("2")
    assert n.found("networks", name="a-one") == []
    n.w.saw("bulk action", "delete")
    n.w.finish()


@pytest.mark.slow
def test_all_routers(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("all-routers", "admin", table="networking"), "admin")
    n.create()
    n.refused("name", "required")
    n.fill(name="a-router")
    n.page.select_option("#id_project", label="demo")
    id = n.made("routers")
    router = n.one("routers", id=id)
    assert router["project_id"] == _project(n, "demo")
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "project")
    expect(n.page.locator(".crumb a")).to_have_attribute("href", "/all-routers")
    n.w.open()
    n.w.columns("Name", "Project", "Host")
    n.w.saw("column", "project", "host")
    host = n.rest.ok("GET", f"{NETWORK}/routers/{id}/l3-agents")["agents"][0]["host"]
    n.narrowed("project", "demo", "a-router", "project", len(n.found("routers", project_id=router["project_id"])))
    n.w.open(f"all-routers?host={host}")
    expect(n.w.row("a-router")).to_be_visible()
    n.w.open("all-routers?host=no-such-host")
    expect(n.w.row("a-router")).to_have_count(0)
    n.w.saw("filter", "L3 agent")
    n.w.open()
    n.w.menu("a-router", "delete")
    with n.page.expect_navigation(url="**/all-routers"):
        n.w.confirm()
    assert n.found("routers", id=id) == []
    n.w.saw("row action", "delete")
    n.w.finish()


@pytest.mark.slow
def test_all_floating_ips(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("all-floating-ips", "admin", table="networking"), "admin")
    n.create(address="192.0.2.7", description="a-floating")
    n.page.select_option("#id_pool", label="public")
    n.page.select_option("#id_project", label="demo")
    n.refused("address", "192.0.2.7")
    n.fill(address="172.24.4.231")
    n.w.submit()
    expect(n.w.row("172.24.4.231")).to_contain_text("demo")
    floating = n.one("floatingips", description="a-floating")
    assert (floating["project_id"], floating["floating_ip_address"]) == (_project(n, "demo"), "172.24.4.231")
    n.w.saw("bulk action", "allocate")
    n.w.saw("form field", "project", "address")
    n.w.columns("Address", "Project", "Status")
    n.w.saw("column", "project")
    left = len(n.found("floatingips", project_id=floating["project_id"]))
    n.narrowed("project", "demo", "172.24.4.231", "project", left)
    n.w.open()
    n.w.menu("172.24.4.231", "delete")
    with n.page.expect_navigation(url="**/all-floating-ips"):
        n.w.confirm()
    assert n.found("floatingips", id=floating["id"]) == []
    n.w.saw("row action", "release")
    n.w.finish()


def test_a_policy_opens_a_network(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("rbac-policies", "admin", table="networking"), "admin")
    network = n.make("network", "networks", name="a-open")["id"]
    _create_a_policy(n, "a-open")
    n.w.menu("a-open", "delete")
    n.w.confirm()
    expect(n.w.row("a-open")).to_have_count(0)
    assert n.found("rbac-policies", object_id=network) == []
    n.rest.ok("DELETE", f"{NETWORK}/networks/{network}")


def _create_a_policy(n: NetWalk, name: str) -> None:
    """The same once more is refused."""
    network = n.one("networks", name=name)["id"]
    for again in (False, True):
        n.w.open()
        n.create()
        n.page.select_option("#id_network", label=name)
        n.page.select_option("#id_action", "access_as_shared")
        n.page.select_option("#id_target", label="demo")
        if again:
            n.refused("target", "already exists")
        else:
            n.w.submit()
            expect(n.w.row(name)).to_contain_text("demo")
    policy = n.one("rbac-policies", object_id=network)
    assert (policy["object_type"], policy["action"], policy["target_tenant"]) == (
        "network", "access_as_shared", _project(n, "demo"),
    )  # fmt: skip
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "target", "action and type", "object")
    n.w.open()


@pytest.mark.slow
def test_rbac_policies(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("rbac-policies", "admin", table="networking"), "admin")
    networks = [n.make("network", "networks", name=name)["id"] for name in ("a-first", "a-second", "a-third")]
    _create_a_policy(n, "a-first")
    n.w.columns("Object", "Object type", "Project", "Target project", "ID")
    n.w.saw("column", "project", "ID", "object type", "object", "target project")
    n.w.menu("a-first", "edit")
    n.page.select_option("#id_target", label="every project")
    n.w.submit()
    expect(n.w.row("a-first")).to_contain_text("every project")
    assert n.one("rbac-policies", object_id=networks[0])["target_tenant"] == "*"
    n.w.saw("row action", "edit")
    n.w.menu("a-first", "delete")
    n.w.confirm()
    expect(n.w.row("a-first")).to_have_count(0)
    assert n.found("rbac-policies", object_id=networks[0]) == []
    n.w.saw("row action", "delete")
    for id in networks[1:]:
        n.make(
            "rbac_policy",
            "rbac-policies",
            object_type="network",
            object_id=id,
            action="access_as_shared",
            target_tenant="*",
        )
    delete_several(n.w, "a-second", "a-third")
    assert n.found("rbac-policies", object_id=networks[1]) == []
    for id in networks:
        n.rest.ok("DELETE", f"{NETWORK}/networks/{id}")
    n.w.finish()
