"""The launch form: docs/acceptance/compute.tsv walked, each effect read back through the API.

In `make test` a launch with every option, and a draft; the rest is slow.
"""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.browsing import Enter, take_new_address
from tests.live import LiveCloud
from tests.portal.defects import unused
from tests.rest import COMPUTE, IMAGE, NETWORK, VOLUME, Rest, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
INSTANCE = re.compile(r"/instances/[0-9a-f-]{36}$")


@pytest.fixture
def launch(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> Iterator[NetWalk]:
    """At the launch form as demo, with nothing begun; instances that it makes go with the test."""
    n = net(walk("instances/launch", "demo", table="compute", expects=("400 (Bad Request)",)))
    _afresh(n.page)
    before = {one["id"] for one in n.rest.ok("GET", f"{COMPUTE}/servers")["servers"]}
    yield n
    for one in n.rest.ok("GET", f"{COMPUTE}/servers")["servers"]:
        if one["id"] not in before:
            n.rest.delete(one["id"])


def _afresh(page: Page) -> None:
    if page.locator("[data-action=forget-draft]").count():
        page.click("[data-action=forget-draft]")
        page.wait_for_url("**/instances/launch")
        expect(page.locator("[data-action=forget-draft]")).to_have_count(0)


def _launched(n: NetWalk) -> dict[str, Any]:
    n.page.click("[data-summary] [data-action=submit]")
    n.page.wait_for_url(INSTANCE)
    found: dict[str, Any] = n.rest.ok("GET", f"{COMPUTE}/servers/{n.page.url.rpartition('/')[2]}")["server"]
    return found


def test_a_launch_from_volumes(launch: NetWalk) -> None:
    """A root disk on a new volume, without a size first; then from a volume that is there, and from a snapshot of it."""
    n, page = launch, launch.page
    page.fill("#n", unused("on-volume"))
    expect(page.locator("#vs")).to_be_hidden()
    page.locator("input[name=on_volume]").check()
    assert int(page.input_value("#vs")) >= 1, "as large as the image at least"
    page.fill("#vs", "0")
    page.click("[data-summary] [data-action=submit]")
    expect(page.locator("#f-volume_size")).to_contain_text("Say how large the volume is to be")
    page.fill("#vs", "2")
    page.select_option("#vt", index=1)
    kind = n.rest.ok("GET", f"{VOLUME}/types/{page.input_value('#vt')}")["volume_type"]["name"]
    page.locator("input[name=volume_goes]").check()
    made = _launched(n)
    (disk,) = n.rest.ok("GET", f"{COMPUTE}/servers/{made['id']}")["server"]["os-extended-volumes:volumes_attached"]
    volume = n.rest.ok("GET", f"{VOLUME}/volumes/{disk['id']}")["volume"]
    assert (made["image"], volume["size"], volume["bootable"], volume["volume_type"]) == ("", 2, "true", kind)
    assert disk["delete_on_termination"] is True

    image = n.rest.named(f"{IMAGE}/images", "images", "demo")
    name = unused("root")
    asked = {"volume": {"size": 1, "name": name, "imageRef": image}}
    root = n.rest.ok("POST", f"{VOLUME}/volumes", asked)["volume"]["id"]
    until(lambda: n.rest.ok("GET", f"{VOLUME}/volumes/{root}")["volume"]["status"] == "available", 60, "the volume")
    kept = n.rest.ok("POST", f"{VOLUME}/snapshots", {"snapshot": {"volume_id": root, "name": name}})["snapshot"]["id"]
    until(lambda: n.rest.ok("GET", f"{VOLUME}/snapshots/{kept}")["snapshot"]["status"] == "available", 60, "the copy")
    for value, is_new in ((f"snapshot:{kept}", True), (f"volume:{root}", False)):
        page.goto(f"{page.url.partition('/instances')[0]}/instances/launch")
        _afresh(page)
        page.fill("#n", unused("from"))
        page.click("[data-volumes] summary")
        page.locator(f"input[name=image][value='{value}']").check()
        expect(page.locator("#vs")).to_be_visible(visible=is_new)
        expect(page.locator("input[name=on_volume]")).to_be_hidden()
        made = _launched(n)
        until(lambda: n.rest.ok("GET", f"{COMPUTE}/servers/{made['id']}")["server"]["status"] == "ACTIVE", 60, value)  # noqa: B023
        (disk,) = n.rest.ok("GET", f"{COMPUTE}/servers/{made['id']}")["server"]["os-extended-volumes:volumes_attached"]
        assert (disk["id"] == root) is not is_new
        n.rest.delete(made["id"])


def test_a_launch_with_every_option(launch: NetWalk) -> None:
    _every_option(launch)


def _every_option(n: NetWalk) -> None:
    """A wrong address is refused, and everything else that was typed is there still; then all of it is launched."""
    page, name = n.page, unused("every")
    network, subnet = n.network(f"{name}-net", "10.77.0.0/24")
    port = n.make(
        "port", "ports", network_id=n.rest.named(f"{NETWORK}/networks", "networks", "private"), name=f"{name}-port"
    )
    page.reload()
    expect(page.locator(".proj, [data-action=projects]").first).to_contain_text("demo")
    page.fill("#n", name)
    for box in page.locator("input[name=networks]").all():
        box.set_checked(box.get_attribute("value") == network["id"])
    page.locator("input[name=doors][value=ssh]").check()
    page.locator("input[name=doors][value=https]").check()
    page.click("[data-more] summary")
    page.fill("#d", "Everything at once")
    page.select_option("#z", "nova")
    page.select_option("#dc", "AUTO")
    page.locator("input[name=config_drive]").check()
    page.locator(f"input[name=ports][value='{port['id']}']").check()
    page.fill(f"#ip-{network['id']}", "10.99.0.9")
    page.fill("#md", "role=web\nteam=shop")
    page.fill("#hi", "different_host=11111111-2222-3333-4444-555555555555")
    page.click("[data-action=server-group-create]")
    page.fill("#dialog #id_name", f"{name}-group")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#sg option:checked")).to_contain_text(f"{name}-group")
    page.click("[data-summary] [data-action=submit]")
    expect(page.locator("#f-fixed")).to_contain_text("10.99.0.9")
    assert page.input_value("#md") == "role=web\nteam=shop" and page.input_value("#d") == "Everything at once"
    page.fill(f"#ip-{network['id']}", "10.77.0.9")
    made = _launched(n)
    assert (made["name"], made["description"], made["OS-DCF:diskConfig"]) == (name, "Everything at once", "AUTO")
    assert made["metadata"] == {"role": "web", "team": "shop"} and made["config_drive"] == "True"
    interfaces = n.rest.ok("GET", f"{COMPUTE}/servers/{made['id']}/os-interface")["interfaceAttachments"]
    assert port["id"] in {one["port_id"] for one in interfaces}
    assert {"subnet_id": subnet["id"], "ip_address": "10.77.0.9"} in [
        ip for one in interfaces for ip in one["fixed_ips"]
    ]
    (group,) = [
        one
        for one in n.rest.ok("GET", f"{COMPUTE}/os-server-groups")["server_groups"]
        if one["name"] == f"{name}-group"
    ]
    assert group["members"] == [made["id"]] and group["policy"] == "anti-affinity"
    held = {
        one["name"] for one in n.rest.ok("GET", f"{COMPUTE}/servers/{made['id']}/os-security-groups")["security_groups"]
    }
    assert {"open-ssh", "open-https"} <= held and "open-http" not in held
    rules = [rule for one in n.found("security-groups", name="open-https") for rule in one["security_group_rules"]]
    assert {(rule["port_range_min"], rule["remote_ip_prefix"]) for rule in rules if rule["direction"] == "ingress"} == {
        (443, "0.0.0.0/0"), (443, "::/0"),
    }  # fmt: skip
    n.w.saw(
        "form field", "project", "name", "description", "availability zone", "networks", "fixed IP of a network", "ports",
        "boxes SSH, HTTP, HTTPS", "disk partition", "configuration drive", "server group", "server group made in place",
        "scheduler hints", "metadata: own keys",
    )  # fmt: skip


def test_a_half_filled_launch_goes_on_elsewhere(launch: NetWalk, fake_cloud: LiveCloud, enter: Enter) -> None:
    _drafts(launch, fake_cloud, enter)


def _drafts(n: NetWalk, cloud: LiveCloud, enter: Enter) -> None:
    """Typed in one browser that is closed and signed out, it goes on in another; a launch clears it, and secrets are nowhere."""
    page, name = n.page, unused("half")
    n.w.open("instances/launch")
    page.fill("#n", name)
    page.click("[data-more] summary")
    page.fill("#md", "role=draft")
    page.fill("textarea[name=user_data]", "#!/bin/sh\necho {{root_password}} {{domain}}\n")
    page.fill("#v-root_password", "not to be kept")
    with page.expect_response("**/instances/launch/draft"):
        page.fill("#v-domain", "example.org")
    page.context.close()
    n.w.saw("draft", "goes on after the tab was closed")
    again = enter(cloud, "demo", draft=True)
    again.goto(f"{cloud.url}/instances/launch")
    expect(again.locator("[data-draft]")).to_be_visible()
    assert (again.input_value("#n"), again.input_value("#md")) == (name, "role=draft")
    assert (again.input_value("#v-domain"), again.input_value("#v-root_password")) == ("example.org", "")
    assert "not to be kept" not in cloud.manage("shell", "-c", _KEPT).stdout
    n.w.saw("draft", "goes on after the session ended", "keeps no secret")
    again.click("[data-summary] [data-action=submit]")
    expect(again.locator("#f-user_data")).to_contain_text("Fill in root_password")
    again.fill("#v-root_password", "s3cret")
    again.click("[data-summary] [data-action=submit]")
    again.wait_for_url(INSTANCE)
    made = n.rest.ok("GET", f"{COMPUTE}/servers/{again.url.rpartition('/')[2]}", version="2.79")["server"]
    sent = (
        base64.b64decode(made["OS-EXT-SRV-ATTR:user_data"] or "").decode()
        if made.get("OS-EXT-SRV-ATTR:user_data")
        else ""
    )
    assert sent in ("", "#!/bin/sh\necho s3cret example.org\n")
    again.goto(f"{cloud.url}/instances/launch")
    expect(again.locator("[data-draft]")).to_have_count(0)
    assert again.input_value("#n") == ""
    n.w.saw("draft", "gone after the launch")
    n.w.saw("user data", "variables")


_KEPT = "from compute.drafts.models import Draft; print([draft.fields for draft in Draft.objects.all()])"


@pytest.mark.slow
def test_launch(launch: NetWalk, fake_cloud: LiveCloud, enter: Enter, tmp_path: Path) -> None:
    """I3 and the rest of the table."""
    _every_option(launch)
    launch.w.open("instances/launch")
    _offers(launch)
    _user_data(launch, tmp_path)
    _templates(launch)
    _sources(launch)
    _drafts(launch, fake_cloud, enter)
    launch.w.finish()


def _offers(n: NetWalk) -> None:
    """What each choice says before it is made, and the count in every row."""
    page = n.page
    card = page.locator("#f-image label").filter(has=page.locator("[data-name=demo]"))
    expect(card).to_contain_text("log in as demo")
    expect(card.locator("use[href$='#brand-debian']")).to_have_count(1)
    expect(page.locator("#f-groups label", has_text="default")).to_contain_text("lets nobody in from outside")
    expect(page.locator("#f-groups label", has_text="open-ssh")).to_contain_text("open: 22")
    n.w.saw("form field", "security groups with what they open")
    row = page.locator("[data-flavor]").filter(has=page.locator("[data-name='m1.large']"))
    expect(row).to_contain_text("room for")
    before = row.locator("[data-after-words]").inner_text()
    page.fill("#c", "3")
    expect(row.locator("[data-after-words]")).not_to_have_text(before)
    expect(page.locator("[data-of=instances]")).to_have_text(re.compile(r"^\d+ of 10$"))
    page.fill("#c", "5")
    expect(row).to_have_attribute("data-why", re.compile("over quota: .* vCPU of 20"))
    expect(row.locator("input")).to_be_disabled()
    page.fill("#c", "1")
    expect(row.locator("input")).to_be_enabled()
    n.w.saw("form field", "count with quota preview", "flavor with what it adds to the quota")


def _user_data(n: NetWalk, folder: Path) -> None:
    page, area = n.page, n.page.locator("textarea[name=user_data]")
    page.locator("[data-recipes]").select_option(label="Docker host")
    expect(area).to_have_value(re.compile("docker.io"))
    page.fill("#v-image", "nginx")
    assert page.locator("[data-line-numbers]").inner_text().split()[-1] == str(area.input_value().count("\n") + 1)
    n.w.saw("user data", "ready-made pieces", "line numbers")
    page.click("#f-snippet_name summary")
    page.fill("[name=snippet_name]", "my docker")
    page.click("[data-action=save-snippet]")
    page.wait_for_url("**/instances/launch")
    assert page.input_value("#v-image") == "nginx", "what was typed goes on"
    n.w.saw("user data", "save")
    page.click("#f-snippet_name summary")
    page.fill("[name=snippet_name]", "my docker")
    page.click("[data-action=save-snippet]")
    expect(page.locator("#f-snippet_name")).to_contain_text("exists already")
    page.locator("[data-recipes]").select_option(label="my docker")
    expect(area).to_have_value(re.compile("docker.io"))
    n.w.saw("user data", "insert")
    page.click("[data-action=delete-snippet]")
    n.w.confirm()
    page.wait_for_url("**/instances/launch")
    expect(page.locator("[data-action=delete-snippet]")).to_have_count(0)
    n.w.saw("user data", "delete")
    file = folder / "start.sh"
    file.write_text("#!/bin/sh\ntouch /started\n")
    page.set_input_files("[data-user-data-file]", file)
    expect(area).to_have_value(file.read_text())
    expect(page.locator("[data-user-data-size]")).to_have_text(f"{file.stat().st_size} B / 48 KiB")
    n.w.saw("form field", "user data typed", "user data of a file, with its size")


def _templates(n: NetWalk) -> None:
    page, name = n.page, unused("shop")
    page.fill("#n", name)
    page.fill("#c", "2")
    page.click("[data-more] summary") if not page.locator("#d").is_visible() else None
    page.fill("#d", "From a template")
    page.click("[data-action=save-template]")
    expect(page.locator("#f-template_name")).to_contain_text("1 to 255 characters")
    assert page.input_value("#d") == "From a template"
    page.fill("[name=template_name]", "shops")
    page.click("[data-action=save-template]")
    page.wait_for_url("**/instances/launch?template=*")
    n.w.saw("template", "save")
    n.w.open("instances/launch")
    page.click("[data-action=forget-draft]")
    expect(page.locator("[data-draft]")).to_have_count(0)
    assert page.input_value("#n") == ""
    n.w.saw("draft", "begun afresh")
    page.click("[data-action=use-template]")
    page.wait_for_url("**/instances/launch?template=*")
    assert (page.input_value("#n"), page.input_value("#c"), page.input_value("#d")) == (name, "2", "From a template")
    page.click("[data-summary] [data-action=submit]")
    page.wait_for_url("**/instances")
    made = [one["name"] for one in n.rest.ok("GET", f"{COMPUTE}/servers?name={name}")["servers"]]
    assert sorted(made) == [f"{name}-1", f"{name}-2"]
    n.w.saw("template", "launch from")
    n.w.open("instances/launch")
    page.click("[data-action=delete-template]")
    n.w.confirm()
    page.wait_for_url("**/instances/launch")
    expect(page.locator("[data-action=use-template]")).to_have_count(0)
    n.w.saw("template", "delete")


def _sources(n: NetWalk) -> None:
    """From a snapshot, with a key made in place, a floating IP, and a metadata key that definitions tell of."""
    page, admin = n.page, Rest(n.rest.cloud, "admin")
    space = {
        "namespace": unused("shop"), "visibility": "public", "resource_type_associations": [{"name": "OS::Nova::Server"}],
        "properties": {"shop_tier": {"title": "Tier", "type": "string", "default": "gold"}},
    }  # fmt: skip
    admin.ok("POST", f"{IMAGE}/metadefs/namespaces", space)
    server, name = n.rest.boot(unused("source")), unused("snap")
    n.rest.until(server, "ACTIVE")
    n.rest.act(server, {"createImage": {"name": name}})
    n.rest.until(server, "ACTIVE")
    until(
        lambda: [one for one in n.rest.ok("GET", f"{IMAGE}/images?name={name}")["images"] if one["status"] == "active"],
        60,
        name,
    )
    image = n.rest.named(f"{IMAGE}/images", "images", name)
    n.w.open("instances/launch")
    page.fill("#n", name)
    page.locator(f"input[name=image][value='{image}']").check()
    page.click("[data-action=key-pair-create]")
    page.fill("#dialog #id_name", name)
    page.click("#dialog [data-action=submit]")
    page.click("#dialog [data-action=done]")
    expect(page.locator("#k option:checked")).to_have_text(re.compile(name))
    take_new_address(page)
    page.click("[data-more] summary")
    page.select_option("[data-known]", label="shop_tier")
    made = _launched(n)
    assert made["image"]["id"] == image and made["key_name"] == name and made["metadata"] == {"shop_tier": "gold"}
    addresses = [one for net in made["addresses"].values() for one in net]
    assert "floating" in {one["OS-EXT-IPS:type"] for one in addresses}
    n.w.saw(
        "form field", "source: image", "source: instance snapshot", "key pair", "key pair made in place", "floating IP"
    )
    n.w.saw("form field", "metadata: known keys")
    admin.ok("DELETE", f"{IMAGE}/metadefs/namespaces/{space['namespace']}")
