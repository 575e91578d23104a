"""Flavors, aggregates and default quotas: docs/acceptance/admin.tsv walked by an operator, each effect read back through the API.

In `make test` one action a panel is walked; the whole walks are slow.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.rest import COMPUTE, IDENTITY, NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
FLAVORS, AGGREGATES = f"{COMPUTE}/flavors", f"{COMPUTE}/os-aggregates"
Walks, Nets = Callable[..., Walk], Callable[..., NetWalk]
SIZES = {"vcpus": "2", "ram": "768", "disk": "7", "ephemeral": "3", "swap": "64", "rxtx_factor": "1.5"}


def _project(n: NetWalk, name: str) -> str:
    return str(n.rest.ok("GET", f"{IDENTITY}/projects?name={name}")["projects"][0]["id"])


# ── Flavors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_flavor_called_create_has_a_page(walk: Walks, net: Nets) -> None:
    n = net(walk("flavors", "admin", table="admin"), "admin")
    _create_a_flavor(n, "create", "f-quick")
    expect(n.page.locator("h1")).to_have_text("f-quick")
    n.page.click(".acts [data-menu]")
    n.page.click("#menu [data-action=delete]")
    n.w.confirm()
    n.page.wait_for_url("**/flavors")
    assert n.rest.ask("GET", f"{FLAVORS}/create").status == 404


def _create_a_flavor(n: NetWalk, id: str, name: str) -> None:
    """A private one with every size, for project demo; the first try has a name that is taken."""
    page = n.page
    n.create(name="tiny", id=id, description="The shop's", **SIZES)
    page.click("#dialog label[data-id=access]")
    page.locator("#id_is_public").uncheck()
    page.locator(f"#dialog input[value='{_project(n, 'demo')}']").check()
    n.refused("name", "Flavor with name tiny already exists.")
    n.fill(name=name)
    n.w.submit()
    page.wait_for_url(f"**/flavors/{id}")
    made = n.rest.ok("GET", f"{FLAVORS}/{id}")["flavor"]
    names = ("name", "vcpus", "ram", "disk", "OS-FLV-EXT-DATA:ephemeral", "swap", "rxtx_factor", "description")
    assert [made[one] for one in names] == [name, 2, 768, 7, 3, 64, 1.5, "The shop's"]
    assert made["os-flavor-access:is_public"] is False
    assert _may(n, id) == [_project(n, "demo")]
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "name", "ID", "description", "vCPUs", "RAM", "root disk", "ephemeral disk", "swap")
    n.w.saw("form field", "RX/TX factor", "public", "access")


def _may(n: NetWalk, id: str) -> list[str]:
    return [one["tenant_id"] for one in n.rest.ok("GET", f"{FLAVORS}/{id}/os-flavor-access")["flavor_access"]]


@pytest.mark.slow
def test_flavors(walk: Walks, net: Nets) -> None:
    n = net(walk("flavors", "admin", table="admin"), "admin")
    n.w.columns("Name", "vCPUs", "Memory", "Disk", "Ephemeral disk", "Swap", "Public", "Metadata", "ID")
    n.w.saw("column", "name", "vCPUs", "RAM", "root disk", "ephemeral disk", "swap", "ID", "public", "metadata")
    _create_a_flavor(n, "f-1", "f-web")
    expect(n.page.locator("[data-card=access]")).to_contain_text("demo")
    n.w.saw("page", "of a flavor")
    larger = [one for one in n.rest.ok("GET", f"{FLAVORS}/detail?is_public=None")["flavors"] if one["ram"] >= 700]
    n.narrowed("min_ram", "700", "f-web", "min RAM", len(larger))
    n.narrowed("min_disk", "7", "f-web", "min disk", len([one for one in larger if one["disk"] >= 7]))
    n.chosen("is_public", "False", "f-web", "public")
    _change_a_flavor(n)
    for name in ("f-one", "f-two"):
        sizes = {"vcpus": 1, "ram": 64, "disk": 1}
        n.rest.ok("POST", FLAVORS, {"flavor": {"name": name, "id": name, **sizes}})
    delete_several(n.w, "f-one", "f-two")
    assert n.rest.ask("GET", f"{FLAVORS}/f-one").status == 404
    n.w.finish()


def _change_a_flavor(n: NetWalk) -> None:
    page, w = n.page, n.w
    w.open()
    w.menu("f-web", "access")
    page.locator(f"#dialog input[value='{_project(n, 'demo')}']").uncheck()
    page.locator(f"#dialog input[value='{_project(n, 'admin')}']").check()
    w.submit()
    page.wait_for_url("**/flavors/f-1")
    assert _may(n, "f-1") == [_project(n, "admin")]
    w.saw("row action", "modify access")
    w.open()
    w.menu("f-web", "metadata")
    n.fill(extra_specs="hw:cpu_policy=fast")
    n.refused("extra_specs", "invalid value 'fast'")
    n.fill(extra_specs="hw:cpu_policy=shared\nnote=of the shop")
    w.submit()
    page.wait_for_url("**/flavors/f-1")
    specs = n.rest.ok("GET", f"{FLAVORS}/f-1/os-extra_specs")["extra_specs"]
    assert specs == {"hw:cpu_policy": "shared", "note": "of the shop"}
    w.saw("row action", "update metadata")
    w.open()
    w.menu("f-web", "edit")
    n.fill(description="For the shop")
    w.submit()
    page.wait_for_url("**/flavors/f-1")
    assert n.rest.ok("GET", f"{FLAVORS}/f-1")["flavor"]["description"] == "For the shop"
    w.saw("row action", "edit")
    w.open()
    w.menu("f-web", "delete")
    w.confirm()
    expect(w.row("f-web")).to_have_count(0)
    assert n.rest.ask("GET", f"{FLAVORS}/f-1").status == 404
    w.saw("row action", "delete")


def test_the_list_of_flavors_fits_a_phone(fake_cloud: LiveCloud, enter: Enter) -> None:
    """No letter of a column is cut at 360 px, in either language."""
    for language in ("en", "zh-hans"):
        page = enter(fake_cloud, "admin", width=360, language=language)
        page.goto(f"{fake_cloud.url}/flavors")
        over = page.evaluate("[...document.querySelectorAll('.tw')].map(one => one.scrollWidth - one.clientWidth)")
        assert over == [0], language


# ── Aggregates ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_aggregate_is_made(walk: Walks, net: Nets) -> None:
    n = net(walk("aggregates", "admin", table="admin"), "admin")
    id, host = _create_an_aggregate(n, "a-quick")
    n.rest.ok("POST", f"{AGGREGATES}/{id}/action", {"remove_host": {"host": host}})
    n.w.open()
    n.w.menu("a-quick", "delete")
    n.w.confirm()
    expect(n.w.row("a-quick")).to_have_count(0)
    assert n.rest.ask("GET", f"{AGGREGATES}/{id}").status == 404


def _create_an_aggregate(n: NetWalk, name: str) -> tuple[str, str]:
    """With a host in it that has no instance, and may change its zone; the same name once more is refused."""
    every = n.rest.ok("GET", f"{COMPUTE}/os-hypervisors/detail")["hypervisors"]
    host = str(next(one["hypervisor_hostname"] for one in every if not one["running_vms"]))
    n.create(name=name)
    n.page.locator(f"#dialog input[value={host}]").check()
    n.w.submit()
    n.page.wait_for_url(re.compile(r"/aggregates/\d+$"))
    id = n.page.url.rpartition("/")[2]
    made = n.rest.ok("GET", f"{AGGREGATES}/{id}")["aggregate"]
    assert (made["name"], made["availability_zone"], made["hosts"]) == (name, None, [host])
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "name", "hosts")
    n.w.open()
    n.create(name=name)
    n.refused("name", "already exists")
    return id, host


@pytest.mark.slow
def test_aggregates(walk: Walks, net: Nets) -> None:
    n = net(walk("aggregates", "admin", table="admin"), "admin")
    w, page = n.w, n.page
    id, host = _create_an_aggregate(n, "a-north")
    w.open()
    w.columns("Name", "Availability zone", "Hosts", "Metadata")
    w.saw("column", "name", "availability zone", "hosts", "metadata")
    w.menu("a-north", "edit")
    n.fill(name="a-polar", zone="polar")
    w.submit()
    page.wait_for_url(f"**/aggregates/{id}")
    found = n.rest.ok("GET", f"{AGGREGATES}/{id}")["aggregate"]
    assert (found["name"], found["availability_zone"]) == ("a-polar", "polar")
    w.saw("row action", "edit")
    w.saw("form field", "availability zone")
    _zones(n, host)
    w.open()
    w.menu("a-polar", "metadata")
    n.fill(metadata="ssd=true\nrack=7")
    w.submit()
    page.wait_for_url(f"**/aggregates/{id}")
    found = n.rest.ok("GET", f"{AGGREGATES}/{id}")["aggregate"]
    assert found["metadata"] == {"availability_zone": "polar", "ssd": "true", "rack": "7"}
    w.saw("row action", "update metadata")
    w.open()
    w.menu("a-polar", "hosts")
    page.locator(f"#dialog input[value={host}]").uncheck()
    w.submit()
    page.wait_for_url(f"**/aggregates/{id}")
    assert n.rest.ok("GET", f"{AGGREGATES}/{id}")["aggregate"]["hosts"] == []
    w.saw("row action", "manage hosts")
    w.open()
    w.menu("a-polar", "delete")
    w.confirm()
    expect(w.row("a-polar")).to_have_count(0)
    assert n.rest.ask("GET", f"{AGGREGATES}/{id}").status == 404
    w.saw("row action", "delete")
    for name in ("a-one", "a-two"):
        n.rest.ok("POST", AGGREGATES, {"aggregate": {"name": name}})
    delete_several(w, "a-one", "a-two")
    assert not {"a-one", "a-two"} & {one["name"] for one in n.rest.ok("GET", AGGREGATES)["aggregates"]}
    w.finish()


def _zones(n: NetWalk, host: str) -> None:
    n.w.open("aggregates/zones")
    n.w.columns("Availability zone", "Available", "Hosts")
    row = n.page.locator("tr[data-id=polar]")
    expect(row).to_contain_text(host)
    told = n.rest.ok("GET", f"{COMPUTE}/os-availability-zone")["availabilityZoneInfo"]
    assert {one["zoneName"] for one in told} == {"nova", "polar"}
    expect(row).to_have_attribute("data-status", "available")
    n.w.saw("zones column", "name", "hosts", "available")


# ── Default quotas ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_default_quotas(walk: Walks, net: Nets) -> None:
    n = net(walk("default-quotas", "admin", table="admin"), "admin")
    w, page = n.w, n.page
    path = f"{COMPUTE}/os-quota-class-sets/default"
    before = n.rest.ok("GET", path)["quota_class_set"]["instances"]
    for service in ("compute", "network"):
        expect(page.locator(f"[data-card=quota-{service}]")).to_be_visible()
        w.saw("tab", service)
    page.click("[data-card=quota-compute] [data-action^=edit]")
    n.fill(instances="-2")
    n.refused("instances", "greater than or equal to -1")
    for value in (17, before):
        n.fill(instances=str(value))
        w.submit()
        expect(page.locator("#dialog")).to_be_hidden()
        page.wait_for_load_state()
        assert n.rest.ok("GET", path)["quota_class_set"]["instances"] == value
        w.open()
        page.click("[data-card=quota-compute] [data-action^=edit]")
    w.saw("row action", "edit: compute")
    w.open()
    own = f"{NETWORK}/quotas/{n.rest.project_id}/default"
    before = n.rest.ok("GET", own)["quota"]["port"]
    for value in (23, before):
        w.open()
        page.click("[data-card=quota-network] [data-action^=edit]")
        n.fill(port=str(value))
        w.submit()
        expect(page.locator("#dialog")).to_be_hidden()
        page.wait_for_load_state()
        assert n.rest.ok("GET", own)["quota"]["port"] == value
    w.saw("row action", "edit: network")
    w.finish()
