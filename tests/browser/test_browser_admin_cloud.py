"""The cloud as a whole: its home, usage, hosts, system information and metadata definitions, walked by an operator.

docs/acceptance/admin.tsv; each effect is read back through the API as the same user.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import COMPUTE, IDENTITY, IMAGE, NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
Walks, Nets = Callable[..., Walk], Callable[..., NetWalk]
NAMESPACES = f"{IMAGE}/metadefs/namespaces"


def _tile(n: NetWalk, name: str) -> str:
    return " ".join(n.page.locator(f"[data-tile={name}] .big").inner_text().split())


def _hypervisors(n: NetWalk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = n.rest.ok("GET", f"{COMPUTE}/os-hypervisors/detail")["hypervisors"]
    return found


# ── The operator's home, and usage ──────────────────────────────────────────────────────────────────────────────────


def test_the_operators_home_and_usage(walk: Walks, net: Nets) -> None:
    """I10, I14: promised and used, heat, room, failed work, largest projects; usage by project, by instance, as a file."""
    n = net(walk("cloud", "admin", table="admin"), "admin")
    page, w = n.page, n.w
    every = _hypervisors(n)
    assert _tile(n, "hosts") == f"{sum(one['state'] == 'up' for one in every)} of {len(every)}"
    assert _tile(n, "vcpu").split()[0] == str(sum(one["vcpus_used"] for one in every))
    # the first minute of the cloud's samples ends up to two minutes after its start; the page then shows it by itself
    expect(page.locator("[data-tile=cpu]")).to_contain_text("of", timeout=180_000)
    w.saw("tile", "hosts up", "promised vCPUs, memory, disk", "used CPU, memory, disk")
    for measure in ("memory", "disk", "promised", "cpu"):
        page.click(f"[data-action=heat][data-id={measure}]")
        page.wait_for_url(f"**/cloud?heat={measure}")
        expect(page.locator(".heat a")).to_have_count(len(every))
    page.click(f".heat a[data-id={every[0]['hypervisor_hostname']}]")
    page.wait_for_url(f"**/hosts/{every[0]['hypervisor_hostname']}")
    w.saw("card", "heat map")
    w.open()
    flavors = n.rest.ok("GET", f"{COMPUTE}/flavors/detail")["flavors"]
    expect(page.locator("[data-card=room] li")).to_have_count(len(flavors))
    w.saw("card", "room for instances of each flavor")
    expect(page.locator("[data-card=failed] [data-field=failed]")).to_have_text(re.compile(r"^\d+$"))
    expect(page.locator("[data-card=projects]")).to_be_visible()
    w.saw("card", "failed work of 24 h", "largest projects")
    _usage(n)
    w.finish()


def _usage(n: NetWalk) -> None:
    page, w = n.page, n.w
    page.click(".tabs [data-tab=cloud-usage]")
    page.wait_for_url("**/cloud/usage")
    page.fill("#id_start", "2026-02-03")
    page.fill("#id_end", "2026-02-01")
    page.click("[data-action=apply-range]")
    expect(page.locator("main [role=alert][data-field=end]")).to_contain_text("It ends before it begins.")
    w.open("cloud/usage")
    first, last = page.input_value("#id_start"), page.input_value("#id_end")
    page.click("[data-action=apply-range]")
    page.wait_for_url(re.compile(f"start={first}&end={last}"))
    told = n.rest.ok("GET", f"{COMPUTE}/os-simple-tenant-usage?start={first}T00:00:00")["tenant_usages"]
    rows = page.locator("main tbody tr[data-id]")
    expect(rows).to_have_count(len(told))
    w.columns("Project", "vCPUs", "Disk, GiB", "Memory, MiB", "vCPU-hours", "Disk, GiB-hours", "Memory, MiB-hours")
    w.saw("usage column", "project", "vCPUs", "disk", "RAM", "vCPU-hours", "GB-hours", "MB-hours")
    w.saw("usage filter", "date range")
    with page.expect_download() as download:
        page.click("[data-action=csv]")
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    want = sum(one["total_vcpus_usage"] for one in told)
    assert abs(sum(float(line["vCPU-hours"]) for line in lines) - want) < 0.05 * len(lines) + 0.05
    w.saw("usage bulk action", "CSV")
    id = rows.first.get_attribute("data-id") or ""
    rows.first.locator("a.name").click()
    page.wait_for_url(f"**/cloud/usage/{id}")
    w.columns("Instance", "vCPUs", "Hours", "vCPU-hours")
    page.click("[data-action=month-before]")
    page.wait_for_url(re.compile(r"\?month=\d{4}-\d\d$"))
    w.saw("usage row action", "usage of a project by instance")


@pytest.fixture(autouse=True, scope="module")
def _one_instance(fake_cloud: Any) -> Any:
    """Something that was used."""
    words = ("server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private", "--wait", "a-used")
    id = str(fake_cloud.openstack_json(*words)["id"])
    yield id
    fake_cloud.openstack("server", "delete", "--wait", id)


# ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hosts(walk: Walks, net: Nets) -> None:
    """I10: totals, what each has and has promised, its instances and aggregates; a compute host is switched off and on."""
    n = net(walk("hosts", "admin", table="admin"), "admin")
    page, w = n.page, n.w
    every = _hypervisors(n)
    host = next(one for one in every if one["running_vms"])
    w.columns("Host", "Type", "vCPUs", "Memory", "Disk", "Instances")
    row = w.row(host["hypervisor_hostname"])
    expect(row).to_contain_text(host["hypervisor_type"])
    uses = [text.split()[0] for text in row.locator("span.use").all_inner_texts()]
    assert uses[0] == str(host["vcpus_used"]), uses
    w.saw("column", "hostname", "type", "vCPU used/total", "RAM used/total", "storage used/total", "instances")
    assert _tile(n, "vcpu").split()[0] == str(sum(one["vcpus_used"] for one in every))
    w.saw("gauge", "vCPU", "RAM", "disk")
    row.locator(f"td a[href$='host={host['hypervisor_hostname']}']").click()
    expect(page.locator("main tbody tr[data-id]")).to_have_count(host["running_vms"])
    w.saw("row action", "instances of a host")
    w.open(f"hosts/{host['hypervisor_hostname']}")
    expect(page.locator("[data-card=instances]")).to_contain_text("a-used")
    expect(page.locator("[data-card=aggregates]")).to_be_visible()
    w.saw("page", "of a host: instances, charts, aggregates")
    _compute_hosts(n, host["hypervisor_hostname"])
    _resource_providers(n, host["hypervisor_hostname"])
    w.finish()


def _service(n: NetWalk, host: str) -> dict[str, Any]:
    found = n.rest.ok("GET", f"{COMPUTE}/os-services?host={host}&binary=nova-compute")["services"]
    return dict(found[0])


def _compute_hosts(n: NetWalk, host: str) -> None:
    page, w = n.page, n.w
    w.open()
    page.click(".tabs [data-tab=compute-hosts]")
    page.wait_for_url("**/hosts/-/compute")
    w.columns("Host", "Zone", "Status", "State", "Last heartbeat")
    w.saw("compute host column", "host", "AZ", "status", "state", "since")
    w.menu(host, "disable")
    n.fill(reason="a new disk")
    w.submit()
    expect(page.locator(f"tr[data-why-of={host}]")).to_contain_text("a new disk")
    told = _service(n, host)
    assert (told["status"], told["disabled_reason"]) == ("disabled", "a new disk")
    w.saw("compute host row action", "disable service (reason)")
    page.click("[data-field=enabled] [data-action=filter][data-id=False]")
    page.wait_for_url("**enabled=False")
    expect(page.locator("main tbody tr[data-status]")).to_have_count(1)
    w.saw("compute host filter", "status")
    w.open("hosts/-/compute")
    w.menu(host, "enable")
    expect(w.row(host).locator("[data-status=enabled]")).to_be_visible()
    assert _service(n, host)["status"] == "enabled"
    w.saw("compute host row action", "enable service")


def _resource_providers(n: NetWalk, host: str) -> None:
    page, w = n.page, n.w
    w.open()
    page.click(".tabs [data-tab=resource-providers]")
    page.wait_for_url("**/hosts/-/resource-providers")
    w.columns("Resource provider", "Resource class", "Allocated", "Total", "Reserved", "Ratio", "UUID")
    provider = n.rest.ok("GET", f"/api/placement/resource_providers?name={host}")["resource_providers"][0]
    at = f"/api/placement/resource_providers/{provider['uuid']}"
    have = n.rest.ok("GET", f"{at}/inventories")["inventories"]["VCPU"]
    used = n.rest.ok("GET", f"{at}/usages")["usages"]["VCPU"]
    row = page.locator("main tbody tr").filter(has=page.locator("a.name", has_text=host)).filter(has_text="VCPU")
    expect(row).to_have_count(1)
    cells = [text.strip() for text in row.locator("td").all_inner_texts()]
    assert cells[2].split()[0] == str(used)
    assert cells[3:6] == [str(have["total"]), str(have["reserved"]), f"{have['allocation_ratio']:g}"]
    w.saw("resource provider column", "name", "class", "used", "reserved", "total", "ratio", "UUID")


def test_others_than_operators_are_refused(walk: Walks) -> None:
    w = walk("overview", "demo", path="usage", table="admin")
    expect(w.page.locator("h1")).to_have_text("Usage")
    for path in ("cloud", "cloud/usage", "hosts", "services", "metadata-definitions", "aggregates", "default-quotas"):
        answer = w.page.request.get(f"{w.url}/{path}")
        assert answer.status == 403 and "Not allowed" in answer.text(), path


# ── System information ──────────────────────────────────────────────────────────────────────────────────────────────


def test_system_information(walk: Walks, net: Nets) -> None:
    n = net(walk("services", "admin", table="admin"), "admin")
    page, w = n.page, n.w
    w.columns("Name", "Type", "Region", "Endpoints")
    for service in n.rest.ok("GET", f"{IDENTITY}/services")["services"]:
        row = page.locator(f"tr[data-id='{service['id']}']")
        expect(row).to_contain_text(service["type"])
        expect(row).to_contain_text("public ")
    w.saw("services column", "name", "type", "region", "endpoints")
    page.click(".tabs [data-tab=compute-services]")
    page.wait_for_url("**/services/compute")
    w.columns("Service", "Host", "Zone", "Status", "State", "Last heartbeat")
    told = n.rest.ok("GET", f"{COMPUTE}/os-services")["services"]
    expect(page.locator("[data-card=compute-services] tbody tr[data-id]")).to_have_count(len(told))
    w.saw("compute services column", "name", "host", "zone", "status", "state", "updated")
    page.click(".tabs [data-tab=network-agents]")
    page.wait_for_url("**/services/network")
    w.columns("Agent", "Host", "Zone", "Status", "State", "Last heartbeat")
    w.saw("network agents column", "type", "host", "zone", "status", "state", "updated")
    _agents(n)
    w.finish()


def _agents(n: NetWalk) -> None:
    """An L3 agent is switched off and on, and shows its routers."""
    page, w = n.page, n.w
    agents = n.found("agents", agent_type="L3%20agent")
    expect(page.locator("main tbody tr[data-id]")).to_have_count(len(n.found("agents")))
    one = agents[-1]
    for verb, is_on in (("disable", False), ("enable", True)):
        row = page.locator(f"tr[data-id='{one['id']}']")
        row.locator("[data-menu]").click()
        page.click(f"#menu [data-action={verb}]")
        expect(page.locator(f"tr[data-id='{one['id']}'][data-status={verb}d]")).to_be_visible()
        assert n.rest.ok("GET", f"{NETWORK}/agents/{one['id']}")["agent"]["admin_state_up"] is is_on
        w.saw("network agents row action", verb)
    page.locator(f"tr[data-id='{one['id']}'] [data-menu]").click()
    page.click("#menu [data-action=routers]")
    page.wait_for_url(f"**/all-routers?host={one['host']}")
    w.saw("network agents row action", "view routers")


# ── Metadata definitions ────────────────────────────────────────────────────────────────────────────────────────────

NAMESPACE = {
    "namespace": "A::Walk",
    "display_name": "A walk",
    "description": "What is walked",
    "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
    "properties": {"boot_menu": {"title": "Boot menu", "type": "string", "enum": ["true", "false"]}},
    "objects": [{"name": "Serial", "properties": {"ports": {"title": "Ports", "type": "integer"}}}],
    "tags": [{"name": "kvm"}],
}


def test_a_namespace_is_imported(walk: Walks, net: Nets) -> None:
    n = net(walk("metadata-definitions", "admin", table="admin"), "admin")
    _import_pasted(n, "A::Quick")
    n.page.click(".acts [data-action=delete]")
    n.w.confirm()
    n.page.wait_for_url("**/metadata-definitions")
    assert n.rest.ask("GET", f"{NAMESPACES}/A::Quick").status == 404


def _import_pasted(n: NetWalk, name: str) -> None:
    """The first two tries are no JSON, and no namespace."""
    n.w.open()
    n.create(text='{"namespace": ')
    n.refused("text", "Line 1, column")
    n.fill(text=json.dumps({**NAMESPACE, "namespace": name, "colour": "red"}))
    n.refused("text", "colour")
    n.fill(text=json.dumps({**NAMESPACE, "namespace": name, "created_at": "2026-01-01T00:00:00Z"}))
    n.w.submit()
    n.page.wait_for_url(f"**/metadata-definitions/{name}")
    told = n.rest.ok("GET", f"{NAMESPACES}/{name}")
    assert (told["visibility"], told["protected"], told["tags"]) == ("public", False, [{"name": "kvm"}])
    assert told["properties"].keys() == {"boot_menu"} and told["objects"][0]["name"] == "Serial"
    n.w.saw("bulk action", "import")
    n.w.saw("form field", "JSON", "public", "protected")


@pytest.mark.slow
def test_metadata_definitions(walk: Walks, net: Nets, tmp_path: Path) -> None:
    n = net(walk("metadata-definitions", "admin", table="admin"), "admin")
    page, w = n.page, n.w
    _import_pasted(n, "A::Walk")
    file = tmp_path / "walk.json"
    file.write_text(json.dumps({**NAMESPACE, "namespace": "A::File"}))
    w.open()
    page.click("main [data-action=create]")
    page.set_input_files("#id_file", file)
    page.locator("#id_public").uncheck()
    w.submit()
    page.wait_for_url("**/metadata-definitions/A::File")
    assert n.rest.ok("GET", f"{NAMESPACES}/A::File")["visibility"] == "private"
    w.saw("form field", "file")
    w.open()
    w.columns("Namespace", "Name", "Description", "Resource types", "Public", "Protected")
    w.saw("column", "name", "description", "resource types", "public", "protected")
    n.chosen("visibility", "private", "A::File", "public")
    n.chosen("protected", "False", "A::File", "protected")
    of_images = n.rest.ok("GET", f"{NAMESPACES}?resource_types=OS::Glance::Image")["namespaces"]
    n.narrowed("type", "glance", "A::File", "resource type", len(of_images))
    _change_a_namespace(n)
    w.open("metadata-definitions/A::Walk")
    w.saw("tab", "overview")
    page.click(".tabs [data-tab=contents]")
    for card, text in (("objects", "Serial"), ("properties", "boot_menu"), ("tags", "kvm")):
        expect(page.locator(f"[data-card={card}]")).to_contain_text(text)
    w.saw("tab", "contents")
    w.open()
    w.menu("A::Walk", "delete")
    w.confirm()
    expect(w.row("A::Walk")).to_have_count(0)
    assert n.rest.ask("GET", f"{NAMESPACES}/A::Walk").status == 404
    w.saw("row action", "delete")
    n.rest.ok("POST", NAMESPACES, {"namespace": "A::Other"})
    delete_several(w, "A::File", "A::Other")
    assert n.rest.ask("GET", f"{NAMESPACES}/A::File").status == 404
    w.finish()


def _change_a_namespace(n: NetWalk) -> None:
    page, w = n.page, n.w
    for is_protected in (True, False):
        w.open()
        w.menu("A::Walk", "edit")
        n.fill(description="Walked on")
        page.locator("#id_protected").set_checked(is_protected)
        w.submit()
        page.wait_for_url("**/metadata-definitions/A::Walk")
        told = n.rest.ok("GET", f"{NAMESPACES}/A::Walk")
        assert (told["description"], told["protected"]) == ("Walked on", is_protected)
        why = page.locator(".acts [data-action=delete]").get_attribute("data-why")
        assert ("protected" in (why or "")) is is_protected
    w.saw("row action", "edit")
    w.open()
    w.menu("A::Walk", "types")
    page.locator("#dialog input[value='OS::Glance::Image']").uncheck()
    page.locator("#dialog input[value='OS::Nova::Flavor']").check()
    n.refused("prefixes", "OS::Glance::Image is not ticked above.")
    n.fill(prefixes="OS::Nova::Flavor=hw:")
    w.submit()
    page.wait_for_url("**/metadata-definitions/A::Walk")
    told = n.rest.ok("GET", f"{NAMESPACES}/A::Walk")["resource_type_associations"]
    assert [(one["name"], one["prefix"]) for one in told] == [("OS::Nova::Flavor", "hw:")]
    w.saw("row action", "update associations")
