"""Instances: docs/acceptance/compute.tsv walked, each effect read back through the API as the same user.

A test says with `walks` which lines it walks; all of the table that say `works` have one. In `make test` the dialogs that write
without a host are walked; the rest is slow.
"""

import base64
import re
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from playwright.sync_api import Locator, expect

from tests.browser.acceptance import Walk, lines
from tests.browser.netwalk import NetWalk
from tests.browsing import NO_SCREEN
from tests.live import LiveCloud
from tests.portal.defects import unused
from tests.rest import COMPUTE, IMAGE, NETWORK, Rest, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
Test = TypeVar("Test", bound=Callable[..., None])
#: (panel, kind, name) of the lines that a test here walks.
WALKED: set[tuple[str, str, str]] = set()


def walks(kind: str, *names: str, panel: str = "instances") -> Callable[[Test], Test]:
    """The lines that hold when the test has passed."""

    def note(test: Test) -> Test:
        WALKED.update((panel, kind, name) for name in names)
        return test

    return note


def test_every_line_of_instances_has_a_test_that_walks_it() -> None:
    panels = ("instances", "all-instances")
    rows = {(row["panel"], row["kind"], row["name"]): row["state"] for row in lines("compute")}
    assert {line for line, state in rows.items() if line[0] in panels and state == "works"} == WALKED


class OneWalk:
    """The page of one instance, and what the API says of it."""

    def __init__(self, n: NetWalk, name: str, id: str) -> None:
        self.n, self.w, self.page, self.rest = n, n.w, n.page, n.rest
        self.name, self.id = name, id

    def open(self, tab: str = "") -> None:
        self.page.goto(f"{self.w.url}/instances/{self.id}{'/' if tab else ''}{tab}")

    def listed(self, path: str = "/instances") -> Locator:
        """Its row in a list."""
        self.page.goto(self.w.url + path)
        return self.page.locator(f"main tbody tr[data-id='{self.id}']")

    @property
    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rest.ok("GET", f"{COMPUTE}/servers/{self.id}")["server"]
        return found

    def menu(self, action: str) -> None:
        self.page.click("main .head [data-menu]")
        self.page.click(f"#menu [data-action={action}]")

    def submit(self) -> None:
        self.w.submit()
        expect(self.page.locator("#dialog")).to_be_hidden()

    def becomes(self, status: str) -> None:
        expect(self.page.locator(f"main .head[data-status={status}]")).to_be_visible(timeout=60_000)
        self.rest.until(self.id, status)

    def actions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rest.ok("GET", f"{COMPUTE}/servers/{self.id}/os-instance-actions")[
            "instanceActions"
        ]
        return found

    def console_log(self) -> str:
        return str(self.rest.act(self.id, {"os-getConsoleOutput": {}}).json["output"])

    def interfaces(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rest.ok("GET", f"{COMPUTE}/servers/{self.id}/os-interface")[
            "interfaceAttachments"
        ]
        return found


@pytest.fixture
def one(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> Iterator[OneWalk]:
    """An instance of demo's that runs, at its page."""
    n, name = net(walk("instances", "demo", table="compute", expects=NO_SCREEN)), unused("walked")
    found = OneWalk(n, name, n.rest.boot(name))
    n.rest.until(found.id, "ACTIVE")
    found.open()
    yield found
    if found.rest.server(found.id) is not None:
        found.rest.delete(found.id)


@pytest.fixture
def vast(fake_cloud: LiveCloud) -> Iterator[str]:
    """The name of a flavor for whose disk no host has room."""
    admin, name = Rest(fake_cloud, "admin"), unused("vast")
    body = {"name": name, "vcpus": 1, "ram": 128, "disk": 1_000_000}
    id = admin.ok("POST", f"{COMPUTE}/flavors", {"flavor": body})["flavor"]["id"]
    yield name
    admin.ok("DELETE", f"{COMPUTE}/flavors/{id}")


@walks("row action", "edit", "update metadata", "edit tags")
def test_an_instance_is_described(one: OneWalk) -> None:
    """Name, description, metadata and tags; a tag that the API refuses is refused, and what was typed stays."""
    o, page = one, one.page
    o.menu("edit")
    page.fill("#id_name", f"{o.name}-2")
    page.fill("#id_description", "The shop's")
    o.submit()
    assert (o.shown["name"], o.shown["description"]) == (f"{o.name}-2", "The shop's")
    page.click("[data-card=metadata] [data-action=metadata]")
    page.fill("#id_metadata", "role web")
    o.w.submit()
    expect(page.locator("#dialog [data-field=metadata]")).to_contain_text("Each line is name=value.")
    page.fill("#id_metadata", "role=web\nteam=shop")
    o.submit()
    assert o.shown["metadata"] == {"role": "web", "team": "shop"}
    expect(page.locator("[data-card=metadata]")).to_contain_text("shop")
    o.menu("tags")
    page.fill("#id_tags", "web\na/b")
    o.w.submit()
    expect(page.locator("#dialog [data-field=tags]")).to_contain_text("without comma or slash")
    assert page.input_value("#id_tags") == "web\na/b"
    page.fill("#id_tags", "web\nshop")
    o.submit()
    assert sorted(o.shown["tags"]) == ["shop", "web"]
    page.click("main .head [data-menu]")
    expect(page.locator("#menu [data-action=change-password]")).to_have_attribute(
        "data-why", re.compile("no guest agent")
    )
    expect(page.locator("#menu [data-action=password]")).to_have_attribute("data-why", re.compile("has posted none"))
    page.keyboard.press("Escape")


@pytest.mark.slow
@walks("row action", "attach interface", "detach interface", "edit port security groups", "edit security groups")
@walks(
    "tab", "Interfaces: name", "Interfaces: network", "Interfaces: fixed IPs", "Interfaces: MAC", "Interfaces: status"
)
@walks("tab", "Interfaces: admin state", "Interfaces: edit port", "Interfaces: edit security groups")
def test_interfaces(one: OneWalk) -> None:
    """Attached by a network with a chosen address, and by a port; the groups of one; detached from the row and from the menu."""
    o, page, n, name = one, one.page, one.n, unused("wire")
    network, subnet = n.network(name, "10.66.0.0/24")
    port = n.make("port", "ports", network_id=network["id"], name=f"{name}-port")
    o.menu("attach")
    page.select_option("#id_network", network["id"])
    page.fill("#id_address", "192.0.2.9")
    o.w.submit()
    expect(page.locator("#dialog [data-field=address]")).to_contain_text("192.0.2.9")
    assert page.input_value("#id_network") == network["id"]
    page.fill("#id_address", "10.66.0.9")
    o.submit()
    until(
        lambda: [
            one for one in o.interfaces() if {"subnet_id": subnet["id"], "ip_address": "10.66.0.9"} in one["fixed_ips"]
        ],
        30,
        "attached",
    )
    o.open("interfaces")
    page.click("[data-action=attach-interface]")
    page.select_option("#id_port", port["id"])
    o.submit()
    until(lambda: port["id"] in [one["port_id"] for one in o.interfaces()], 30, "attached by its port")
    row = page.locator(f"tr[data-id='{port['id']}']")
    for head in ("Network", "Status", "Fixed IP", "Name", "Switched on", "MAC"):
        expect(page.locator("thead th", has_text=re.compile(f"^\\s*{head}")).first).to_be_visible()
    for text in (f"{name}-port", name, port["fixed_ips"][0]["ip_address"], port["mac_address"]):
        expect(row).to_contain_text(text)
    group = n.make("security_group", "security-groups", name=name)
    row.locator("[data-action=port-groups]").click()
    expect(page.locator("#dialog input[name=groups]").first).to_be_visible()
    for box in page.locator("#dialog input[name=groups]").all():
        box.set_checked(box.get_attribute("value") == group["id"])
    o.submit()
    assert n.one("ports", id=port["id"])["security_groups"] == [group["id"]]
    row.locator("[data-action=edit-port]").click()
    page.fill("#dialog #id_name", f"{name}-renamed")
    o.w.submit()
    page.wait_for_url("**/interfaces")
    assert n.one("ports", id=port["id"])["name"] == f"{name}-renamed"
    row.locator("[data-action=detach-interface]").click()
    o.w.confirm()
    until(lambda: port["id"] not in [one["port_id"] for one in o.interfaces()], 30, "detached")
    o.open()
    o.menu("detach-one")
    expect(page.locator("#id_port option", has_text=name)).to_have_count(1)
    chosen = next(one for one in page.locator("#id_port option").all() if name in one.inner_text())
    page.select_option("#id_port", chosen.get_attribute("value"))
    o.submit()
    until(lambda: len(o.interfaces()) == 1, 30, "detached from the menu")
    o.menu("groups")
    page.locator(f"#dialog input[name=groups][value='{group['id']}']").check()
    o.submit()
    assert name in {
        one["name"] for one in o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-security-groups")["security_groups"]
    }


@pytest.mark.slow
@walks("row action", "associate floating IP", "disassociate floating IP")
def test_floating_ips(one: OneWalk) -> None:
    """A new one is led to it, let go with its address kept, and once released with it."""
    o, page = one, one.page

    def leading() -> list[dict[str, Any]]:
        ports = [one["port_id"] for one in o.interfaces()]
        return [one for one in o.n.found("floatingips") if one["port_id"] in ports]

    for release in (False, True):
        o.menu("floating-ip")
        o.submit()
        (found,) = leading()
        o.menu("disassociate")
        page.locator("#id_release").set_checked(release)
        o.submit()
        assert leading() == []
        assert bool(o.n.found("floatingips", id=found["id"])) != release
    page.click("main .head [data-menu]")
    expect(page.locator("#menu [data-action=disassociate]")).to_have_attribute(
        "data-why", re.compile("No floating IP leads")
    )
    page.keyboard.press("Escape")


#: Verbs that ask nothing, by the state from which and to which they lead: verb, what the API shows then, what the table calls it.
VERBS = (
    ("pause", "PAUSED", "pause"), ("unpause", "ACTIVE", "resume from pause"), ("suspend", "SUSPENDED", "suspend"),
    ("resume", "ACTIVE", "resume"), ("stop", "SHUTOFF", "shut off"), ("start", "ACTIVE", "start"),
    ("reboot", "ACTIVE", "soft reboot"), ("reboot_hard", "ACTIVE", "hard reboot"),
    ("shelve", "SHELVED_OFFLOADED", "shelve"), ("unshelve", "ACTIVE", "unshelve"),
)  # fmt: skip


@pytest.mark.slow
@walks("row action", *(name for _verb, _status, name in VERBS))
def test_verbs_that_ask_nothing(one: OneWalk) -> None:
    o = one
    for verb, status, _name in VERBS:
        o.open()
        had = len(o.actions())
        o.menu(verb)
        until(lambda had=had: len(o.actions()) > had, 30, verb)
        o.becomes(status)


@pytest.mark.slow
@walks("row action", "lock", "unlock")
def test_a_lock(one: OneWalk) -> None:
    """What an operator has locked its owner cannot open, and is told so."""
    o, page = one, one.page
    for verb, is_locked in (("lock", True), ("unlock", False)):
        o.open()
        o.menu(verb)
        until(lambda want=is_locked: o.shown["locked"] is want, 20, verb)
    Rest(o.rest.cloud, "admin").act(o.id, {"lock": {}})
    o.open()
    page.click("main .head [data-menu]")
    expect(page.locator("#menu [data-action=unlock]")).to_have_attribute("data-why", re.compile("."))
    assert o.rest.ask("POST", f"{COMPUTE}/servers/{o.id}/action", {"unlock": None}).status == 403
    Rest(o.rest.cloud, "admin").act(o.id, {"unlock": None})


@pytest.mark.slow
@walks("row action", "resize", "confirm resize", "revert resize")
@walks("form field", "resize: new flavor", "resize: disk partition")
@walks("improvement", "I8")
def test_a_resize(one: OneWalk) -> None:
    """I8: the banner and the filled button of what the state waits for; reverted once, confirmed once."""
    o, page = one, one.page
    small = o.rest.named(f"{COMPUTE}/flavors", "flavors", "small")
    for verb, flavor, part in (("revert_resize", "tiny", "AUTO"), ("confirm_resize", "small", "MANUAL")):
        o.open()
        o.menu("resize")
        page.select_option("#id_flavor", small)
        page.select_option("#id_disk_config", part)
        o.submit()
        o.becomes("VERIFY_RESIZE")
        banner = page.locator("[data-banner=resized]")
        expect(banner).to_contain_text("It runs as small")
        expect(page.locator("main .head .btn-primary[data-action=confirm_resize]")).to_be_visible()
        banner.locator(f"[data-action={verb}]").click()
        o.becomes("ACTIVE")
        expect(banner).to_have_count(0)
        assert o.shown["flavor"]["original_name"] == flavor
        assert o.shown["OS-DCF:diskConfig"] == part


@pytest.mark.slow
@walks("row action", "create snapshot", "rebuild")
@walks("form field", "snapshot: name", "rebuild: image", "rebuild: disk partition", "rebuild: description")
@walks("tab", "Snapshots")
@walks("improvement", "I6")
def test_snapshots_and_rebuilds(one: OneWalk) -> None:
    """I6: the tab of snapshots: taken, rolled back to, launched from, deleted."""
    o, page, name = one, one.page, unused("snap")
    o.open("snapshots")
    page.click("[data-card=snapshots] [data-action=snapshot]")
    page.fill("#id_name", name)
    o.submit()
    row = page.locator("[data-card=snapshots] tbody tr", has_text=name)
    expect(row.locator("[data-status=active]")).to_be_visible(timeout=60_000)
    image = o.rest.named(f"{IMAGE}/images", "images", name)
    o.rest.until(o.id, "ACTIVE")
    row.locator("[data-menu]").click()
    expect(page.locator("#menu [data-action=launch]")).to_have_attribute("href", re.compile(f"image={image}"))
    page.click("#menu [data-action=roll-back]")
    o.w.confirm()
    page.wait_for_url(f"**/instances/{o.id}")
    until(lambda: o.shown["image"]["id"] == image, 30, "rolled back")
    o.becomes("ACTIVE")
    o.menu("rebuild")
    page.select_option("#id_image", label="demo")
    page.fill("#id_description", "Made anew")
    page.select_option("#id_disk_config", "AUTO")
    o.submit()
    o.becomes("ACTIVE")
    until(lambda: o.shown["description"] == "Made anew" and o.shown["image"]["id"] != image, 30, "rebuilt")
    assert o.shown["OS-DCF:diskConfig"] == "AUTO"
    o.open("snapshots")
    row.locator("[data-menu]").click()
    page.click("#menu [data-action=delete-snapshot]")
    o.w.confirm()
    page.wait_for_url("**/snapshots")
    expect(row).to_have_count(0)
    assert o.rest.ok("GET", f"{IMAGE}/images?name={name}")["images"] == []


@pytest.mark.slow
@walks("row action", "retrieve password")
def test_the_password_that_the_guest_posted(one: OneWalk, fake_cloud: LiveCloud) -> None:
    """What the guest has posted is decrypted in the page, by three forms of the key; another key is told so."""
    o, page, key = one, one.page, rsa.generate_private_key(public_exponent=65537, key_size=2048)
    posted = base64.b64encode(key.public_key().encrypt(b"W1ndows!", padding.PKCS1v15())).decode()
    fake_cloud.manage(
        "shell", "-c", f"from compute.metadata import passwords; passwords.keep({o.id!r}, {posted.encode()!r})"
    )
    assert o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-server-password")["password"] == posted
    o.open()
    o.menu("password")
    page.wait_for_url("**/password")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    page.fill("[data-private]", _pem(other, serialization.PrivateFormat.PKCS8))
    page.click("[data-action=decrypt]")
    expect(page.locator("[data-wrong]")).to_contain_text("another key pair")
    for form in (
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.PrivateFormat.PKCS8,
        serialization.PrivateFormat.OpenSSH,
    ):
        page.fill("[data-private]", _pem(key, form))
        page.click("[data-action=decrypt]")
        expect(page.locator("[data-plain]")).to_have_text("W1ndows!")
        page.fill("[data-private]", "no key")
        page.click("[data-action=decrypt]")
        expect(page.locator("[data-wrong]")).to_contain_text("no private RSA key")
    page.click("[data-action=clear-password]")
    expect(page.locator("main")).to_contain_text("has posted none")
    assert o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-server-password")["password"] == ""


def _pem(key: rsa.RSAPrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.mark.slow
@walks("tab", "Overview: ids, spec, IPs, security groups, metadata")
def test_what_the_overview_tells(one: OneWalk) -> None:
    o, page = one, one.page
    o.rest.ok("PUT", f"{COMPUTE}/servers/{o.id}/metadata", {"metadata": {"role": "web"}})
    o.open()
    address = o.interfaces()[0]["fixed_ips"][0]["ip_address"]
    for text in (o.id, address):
        expect(page.locator(f"main [data-copy='{text}']").first).to_be_visible()
    expect(page.locator("main a[href^='/security-groups/']")).to_have_text("default")
    expect(page.locator("[data-card=metadata]")).to_contain_text("web")
    spec = o.shown["flavor"]
    expect(page.locator("main .facts")).to_contain_text(f"{spec['original_name']} {spec['vcpus']} vCPU")


@pytest.mark.slow
@walks("tab", "Overview: fault")
def test_a_fault(one: OneWalk, vast: str) -> None:
    """Why an instance could not be made, and that each host lacks room on its disk."""
    failed = OneWalk(one.n, unused("failed"), one.rest.boot(unused("failed"), flavor=vast))
    failed.rest.until(failed.id, "ERROR")
    assert failed.shown["fault"]["message"]
    failed.open()
    expect(one.page.locator("main .note.bad")).to_contain_text("GiB")
    failed.rest.delete(failed.id)


@pytest.mark.slow
@walks("row action", "view log")
@walks("tab", "Log: last lines", "Log: full log")
def test_the_log(one: OneWalk) -> None:
    o, page = one, one.page
    o.menu("log")
    page.wait_for_url("**/log")
    last = o.console_log().rstrip().rpartition("\n")[2]
    expect(page.locator("[data-log-text]")).to_contain_text(last)
    with page.expect_download() as download:
        page.click("[data-action=download-log]")
    assert download.value.suggested_filename == f"{o.id}.log"
    assert last in Path(download.value.path()).read_text()


@pytest.mark.slow
@walks("row action", "console")
@walks("tab", "Console: VNC", "Console: SERIAL")
def test_both_consoles(
    one: OneWalk, screen: Callable[[str], bytearray], serial_port: Callable[[str], bytearray]
) -> None:
    """What is typed into the page comes to the guest: as keys at its screen, as text at its serial port."""
    o, page = one, one.page
    keys, text = screen(o.id), serial_port(o.id)
    page.click("main .head [data-action=console]")
    page.wait_for_url("**/console")
    is_there = page.locator("[data-console][data-status=connected]")
    expect(is_there).to_be_visible()
    page.click("[data-console-screen] canvas")
    page.keyboard.press("a")
    until(lambda: struct.pack(">BBxxI", 4, 1, ord("a")) in keys, 20, "the key came to the screen")
    page.click("[data-action=serial]")
    expect(page.locator("[data-console-screen]")).to_contain_text("login:")
    expect(is_there).to_be_visible()
    page.click(".xterm-screen")
    page.keyboard.type("demo")
    until(lambda: b"demo" in text, 20, "the text came to the serial port")


@pytest.mark.slow
@walks(
    "tab",
    "Action log: request ID",
    "Action log: action",
    "Action log: start",
    "Action log: user",
    "Action log: message",
)
def test_the_action_log(one: OneWalk, vast: str) -> None:
    """Each action as the API tells it; one that failed says why."""
    o, page = one, one.page
    o.rest.act(o.id, {"resize": {"flavorRef": o.rest.named(f"{COMPUTE}/flavors", "flavors", vast)}})
    until(lambda: o.actions()[0]["message"], 60, "the resize has failed")
    o.open("activity")
    for told, action in zip(o.actions(), ("resize", "create"), strict=True):
        story = page.locator(f"[data-card=activity] li[data-action={action}]").first
        expect(story.locator("[data-action=timeline]")).to_have_attribute("href", f"/requests/{told['request_id']}")
        expect(story.locator("[data-field=who]")).to_contain_text("demo")
        expect(story.locator("time").first).to_have_attribute("datetime", re.compile(told["start_time"][:16]))
    expect(page.locator("[data-card=activity] li[data-action=resize] p.bad")).to_be_visible()


@pytest.mark.slow
@walks("row action", "delete")
def test_a_deletion(one: OneWalk) -> None:
    """I8: after its deletion its page leads back to the list."""
    one.menu("delete")
    one.w.confirm()
    one.page.wait_for_url("**/instances")
    one.rest.until_gone(one.id)


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Filter's field → (what the table calls it, what is asked of the server in the row, what no server has).
ASKED: dict[str, tuple[str, Callable[[dict[str, Any]], str], str]] = {
    "id": ("instance ID", lambda one: one["id"], "nobody"),
    "name": ("name", lambda one: one["name"], "nobody"),
    "image_id": ("image ID", lambda one: one["image"]["id"], "nobody"),
    "image": ("image name", lambda one: "demo", "nobody"),
    "ip": ("IPv4", lambda one: address(one, 4), "192.0.2.1"),
    "ip6": ("IPv6", lambda one: address(one, 6), "2001:db8::1"),
    "flavor_id": ("flavor ID", lambda one: "small", "nobody"),
    "flavor": ("flavor name", lambda one: one["flavor"]["original_name"], "nobody"),
    "key": ("key pair", lambda one: one["key_name"], "nobody"),
    "zone": ("AZ", lambda one: one["OS-EXT-AZ:availability_zone"], "nobody"),
    "since": ("changes-since", lambda one: one["updated"], "2199-01-01"),
}
#: Those that tell it from the others of the project.
ALONE = ("id", "name", "ip", "ip6", "flavor", "flavor_id", "key")
COLUMNS = {
    "Name": "name", "Image": "image", "Fixed IP": "IPs", "Flavor": "flavor", "Key pair": "key pair", "Status": "status",
    "Availability zone": "AZ", "Task": "task", "Power state": "power state", "Age": "age",
}  # fmt: skip


def address(server: dict[str, Any], version: int) -> str:
    entries = [entry for of_network in server["addresses"].values() for entry in of_network]
    return next(str(entry["addr"]) for entry in entries if entry["version"] == version)


@pytest.fixture
def keyed(one: OneWalk) -> Iterator[OneWalk]:
    """Another one beside it, with a key, a flavor and a network that no other has, of both versions of IP; all go with the test."""
    name, rest = unused("listed"), one.rest
    rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": name}})
    network, _subnet = one.n.network(name, "10.67.0.0/24")
    one.n.make("subnet", "subnets", network_id=network["id"], cidr="fd00:67::/64", ip_version=6)
    id = rest.boot(name, flavor="small", key_name=name, network=network["id"])
    rest.until(id, "ACTIVE")
    yield OneWalk(one.n, name, id)
    if rest.server(id) is not None:
        rest.delete(id)
    rest.ok("DELETE", f"{COMPUTE}/os-keypairs/{name}")
    rest.ok("DELETE", f"{NETWORK}/networks/{network['id']}")


@walks("column", *COLUMNS.values())
@walks("filter", "key pair")
def test_the_list_is_narrowed_and_its_columns_chosen(keyed: OneWalk) -> None:
    columns(keyed, "/instances")
    cells = keyed.listed().inner_text()
    for text in (keyed.name, address(keyed.shown, 4), "demo", "small", "nova"):
        assert text in cells, cells
    narrow(keyed, "/instances", "key")


def columns(o: OneWalk, path: str) -> None:
    """All of them, kept with the reader."""
    page = o.page
    page.goto(o.w.url + path)
    page.click("[data-action=columns]")
    for box in page.locator("#columns input[name=shown]").all():
        box.check()
    with page.expect_navigation():
        page.click("#columns [data-action=keep-columns]")
    o.w.columns(*COLUMNS)


def narrow(o: OneWalk, path: str, *fields: str) -> None:
    """Each filter finds the one that was asked for, alone where it tells it from others, and nothing by what none has."""
    for field in fields:
        _name, value, of_none = ASKED[field]
        filtered(o, path, field, value(o.shown))
        expect(o.page.locator(f"tr[data-id='{o.id}']")).to_be_visible()
        if field in ALONE:
            expect(o.page.locator("main tbody tr[data-id]")).to_have_count(1)
        filtered(o, path, field, of_none)
        expect(o.page.locator("main tbody tr[data-id]")).to_have_count(0)


def filtered(o: OneWalk, path: str, field: str, value: str) -> None:
    page = o.page
    page.goto(o.w.url + path)
    page.click("[data-action=filters]")
    page.fill(f"#by-{field}", value)
    page.click("#all-fields [data-action=apply-filters]")
    page.wait_for_url(re.compile(f"[?&]{field}="))


@pytest.mark.slow
@walks("filter", *(name for name, _value, _of_none in ASKED.values()), "status")
def test_filters(keyed: OneWalk) -> None:
    o, page = keyed, keyed.page
    narrow(o, "/instances", *ASKED)
    for status, count in (("ACTIVE", 1), ("PAUSED", 0)):
        page.goto(f"{o.w.url}/instances")
        page.click("[data-action=filters]")
        page.select_option("#by-status", status)
        page.click("#all-fields [data-action=apply-filters]")
        page.wait_for_url(f"**status={status}*")
        expect(page.locator(f"tr[data-id='{o.id}']")).to_have_count(count)


@pytest.mark.slow
@walks("bulk action", "launch", "start", "shut off", "soft reboot")
@walks("column", "locked")
def test_verbs_of_several(one: OneWalk) -> None:
    """A verb is greyed where no chosen one can follow it."""
    o, page = one, one.page
    o.listed()
    expect(page.locator("main .head [data-action=launch]")).to_have_attribute("href", "/instances/launch")
    for verb, status in (("stop", "SHUTOFF"), ("start", "ACTIVE"), ("reboot", "ACTIVE")):
        had = len(o.actions())
        o.listed().locator("input[type=checkbox]").check()
        if verb == "start":
            expect(page.locator(".bulk [data-action=stop]")).to_have_attribute("data-why", "None of them runs")
        page.click(f".bulk [data-action={verb}]")
        until(lambda had=had: len(o.actions()) > had, 30, verb)
        o.rest.until(o.id, status)
    o.rest.act(o.id, {"lock": {}})
    expect(o.listed().locator("use[href$='#lock']")).to_be_visible()
    o.rest.act(o.id, {"unlock": None})


@pytest.mark.slow
@walks("bulk action", "delete")
def test_of_several_each_that_stays_says_why(one: OneWalk) -> None:
    """What an operator has locked is not deleted, and the other one goes; then it goes too."""
    o, page, admin = one, one.page, Rest(one.rest.cloud, "admin")
    name = unused("kept")
    kept = o.rest.boot(name)
    o.rest.until(kept, "ACTIVE")
    admin.act(kept, {"lock": {}})
    o.listed()
    for id in (o.id, kept):
        page.locator(f"tr[data-id='{id}'] input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    o.w.confirm("2")
    expect(page.locator("#dialog-title")).to_have_text("1 of 2 are being deleted")
    expect(page.locator("#dialog [data-done=yes]")).to_contain_text(o.name)
    expect(page.locator("#dialog [data-done=no]")).to_contain_text(re.compile(f"{name}.*locked"))
    page.click("#dialog [data-action=done]")
    expect(page.locator("#dialog")).to_be_hidden()
    o.rest.until_gone(o.id)
    expect(page.locator(f"tr[data-id='{o.id}']")).to_have_count(0)
    assert o.rest.until(kept, "ACTIVE")["id"] == kept
    admin.act(kept, {"unlock": None})
    page.goto(f"{o.w.url}/instances")
    page.locator(f"tr[data-id='{kept}'] input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    o.w.confirm()
    o.rest.until_gone(kept)


# ── Every project's ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def others(keyed: OneWalk, walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> OneWalk:
    """The same instance as an operator sees it."""
    return OneWalk(
        net(walk("all-instances", "admin", table="compute", expects=NO_SCREEN), "admin"), keyed.name, keyed.id
    )


_walks_all = partial(walks, panel="all-instances")


@pytest.mark.slow
@_walks_all(
    "column", "project", "host", "name", "image", "IP", "flavor", "status", "locked", "task", "power state", "age"
)
@_walks_all("filter", "project name", "project ID", "host")
def test_the_list_of_every_project(others: OneWalk) -> None:
    o, page = others, others.page
    columns(o, "/all-instances")
    o.w.columns("Project", "Host")
    project, host = o.shown["tenant_id"], o.shown["OS-EXT-SRV-ATTR:host"]
    o.rest.act(o.id, {"lock": {}})
    row = o.listed("/all-instances")
    for text in (o.name, host, "demo", address(o.shown, 4)):
        expect(row).to_contain_text(text)
    expect(row.locator("use[href$='#lock']")).to_be_visible()
    o.rest.act(o.id, {"unlock": None})
    for field, value in (("project", "demo"), ("project_id", project), ("host", host)):
        filtered(o, "/all-instances", field, value)
        expect(page.locator(f"tr[data-id='{o.id}']")).to_be_visible()
        filtered(o, "/all-instances", field, "nobody")
        expect(page.locator("main tbody tr[data-id]")).to_have_count(0)


#: As of one's own; an operator's table calls two of them alike.
OF_OPERATORS = {
    "pause": "pause", "unpause": "resume", "suspend": "suspend", "resume": "resume", "stop": "shut off",
    "reboot_hard": "hard reboot", "reboot": "soft reboot", "shelve": "shelve",
}  # fmt: skip


@pytest.mark.slow
@_walks_all("row action", *OF_OPERATORS.values())
def test_an_operator_s_verbs(others: OneWalk) -> None:
    o = others
    states = {verb: status for verb, status, _name in VERBS}
    for verb in OF_OPERATORS:
        had = len(o.actions())
        chosen(o, verb)
        expect(o.page.locator("#menu")).to_be_hidden()
        until(lambda had=had: len(o.actions()) > had, 30, verb)
        o.rest.until(o.id, states[verb])


def chosen(o: OneWalk, verb: str) -> None:
    """From the row's menu."""
    o.listed("/all-instances").locator("[data-menu]").click()
    o.page.click(f"#menu [data-action={verb}]")


@pytest.mark.slow
@_walks_all("row action", "edit", "update metadata", "create snapshot", "view log", "console", "delete")
def test_an_operator_s_dialogs(others: OneWalk, serial_port: Callable[[str], bytearray]) -> None:
    """A line of metadata without a name is refused; after the deletion the list of all is shown."""
    o, page, name = others, others.page, unused("snap")
    typed = serial_port(o.id)
    chosen(o, "edit")
    page.fill("#id_name", f"{o.name}-2")
    o.submit()
    assert o.shown["name"] == f"{o.name}-2"
    chosen(o, "metadata")
    page.fill("#id_metadata", "role web")
    o.w.submit()
    expect(page.locator("#dialog [data-field=metadata]")).to_contain_text("Each line is name=value.")
    page.fill("#id_metadata", "role=web")
    o.submit()
    assert o.shown["metadata"] == {"role": "web"}
    chosen(o, "snapshot")
    page.fill("#id_name", name)
    o.submit()
    o.rest.until(o.id, "ACTIVE")
    image = o.rest.ok("GET", f"{IMAGE}/images?name={name}")["images"][0]
    assert image["instance_uuid"] == o.id
    o.rest.ok("DELETE", f"{IMAGE}/images/{image['id']}")
    chosen(o, "log")
    page.wait_for_url("**/log")
    expect(page.locator("[data-log-text]")).to_contain_text(o.console_log().rstrip().rpartition("\n")[2])
    chosen(o, "console")
    page.wait_for_url("**/console")
    page.click("[data-action=serial]")
    expect(page.locator("[data-console-screen]")).to_contain_text("login:")
    page.click(".xterm-screen")
    page.keyboard.type("demo")
    until(lambda: b"demo" in typed, 20, "the text came to the serial port")
    chosen(o, "delete")
    o.w.confirm()
    o.rest.until_gone(o.id)
    page.wait_for_url("**/all-instances")
