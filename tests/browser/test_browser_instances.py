"""Instances: docs/acceptance/compute.tsv walked, each effect read back through the API.

In `make test` the dialogs that write without a host are walked; the rest is slow.
"""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, promised
from tests.browser.netwalk import NetWalk
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import unused
from tests.rest import COMPUTE, IMAGE, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


class OneWalk:
    """The page of one instance, and what the API says of it."""

    def __init__(self, n: NetWalk, name: str) -> None:
        self.n, self.w, self.page, self.rest = n, n.w, n.page, n.rest
        self.name, self.id = name, n.rest.boot(name)
        n.rest.until(self.id, "ACTIVE")
        self.open()

    @classmethod
    def of(cls, n: NetWalk, name: str) -> "OneWalk":
        """Of an instance that is there."""
        found = cls.__new__(cls)
        found.n, found.w, found.page, found.rest, found.name, found.id = n, n.w, n.page, n.rest, name, ""
        return found

    def open(self, tab: str = "") -> None:
        self.page.goto(f"{self.w.url}/instances/{self.id}{'/' if tab else ''}{tab}")

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

    def interfaces(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rest.ok("GET", f"{COMPUTE}/servers/{self.id}/os-interface")[
            "interfaceAttachments"
        ]
        return found


@pytest.fixture
def one(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> Iterator[OneWalk]:
    """An instance of demo's that runs, at its page."""
    found = OneWalk(net(walk("instances", "demo", table="compute")), unused("walked"))
    yield found
    if found.rest.server(found.id) is not None:
        found.rest.delete(found.id)


def test_an_instance_is_described(one: OneWalk) -> None:
    _describe(one)


def _describe(o: OneWalk) -> None:
    """Name, description, metadata and tags; a tag that the API refuses is refused, and what was typed stays."""
    page = o.page
    o.menu("edit")
    page.fill("#id_name", f"{o.name}-2")
    page.fill("#id_description", "The shop's")
    o.submit()
    assert (o.shown["name"], o.shown["description"]) == (f"{o.name}-2", "The shop's")
    o.name = f"{o.name}-2"
    o.w.saw("row action", "edit")
    page.click("[data-card=metadata] [data-action=metadata]")
    page.fill("#id_metadata", "role web")
    o.w.submit()
    expect(page.locator("#dialog [data-field=metadata]")).to_contain_text("Each line is name=value.")
    page.fill("#id_metadata", "role=web\nteam=shop")
    o.submit()
    assert o.shown["metadata"] == {"role": "web", "team": "shop"}
    expect(page.locator("[data-card=metadata]")).to_contain_text("shop")
    o.w.saw("row action", "update metadata")
    o.menu("tags")
    page.fill("#id_tags", "web\na/b")
    o.w.submit()
    expect(page.locator("#dialog [data-field=tags]")).to_contain_text("without comma or slash")
    assert page.input_value("#id_tags") == "web\na/b"
    page.fill("#id_tags", "web\nshop")
    o.submit()
    assert sorted(o.shown["tags"]) == ["shop", "web"]
    o.w.saw("row action", "edit tags")
    page.click("main .head [data-menu]")
    expect(page.locator("#menu [data-action=change-password]")).to_have_attribute(
        "data-why", re.compile("no guest agent")
    )
    expect(page.locator("#menu [data-action=password]")).to_have_attribute("data-why", re.compile("has posted none"))
    page.keyboard.press("Escape")


def _interfaces(o: OneWalk) -> None:
    """Attached by a network with a chosen address, and by a port; the groups of one; detached from the row and from the menu."""
    page, n, name = o.page, o.n, unused("wire")
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
    o.w.saw("row action", "attach interface")
    row = page.locator(f"tr[data-id='{port['id']}']")
    for head in ("Network", "Status", "Fixed IP", "Name", "Switched on", "MAC"):
        expect(page.locator("thead th", has_text=re.compile(f"^\\s*{head}")).first).to_be_visible()
    expect(row).to_contain_text(f"{name}-port")
    o.w.saw(
        "tab",
        "Interfaces: name",
        "Interfaces: network",
        "Interfaces: fixed IPs",
        "Interfaces: MAC",
        "Interfaces: status",
        "Interfaces: admin state",
    )
    group = n.make("security_group", "security-groups", name=name)
    row.locator("[data-action=port-groups]").click()
    expect(page.locator("#dialog input[name=groups]").first).to_be_visible()
    for box in page.locator("#dialog input[name=groups]").all():
        box.set_checked(box.get_attribute("value") == group["id"])
    o.submit()
    assert n.one("ports", id=port["id"])["security_groups"] == [group["id"]]
    o.w.saw("row action", "edit port security groups")
    o.w.saw("tab", "Interfaces: edit security groups")
    row.locator("[data-action=edit-port]").click()
    page.fill("#dialog #id_name", f"{name}-renamed")
    o.w.submit()
    page.wait_for_url("**/interfaces")
    assert n.one("ports", id=port["id"])["name"] == f"{name}-renamed"
    o.w.saw("tab", "Interfaces: edit port")
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
    o.w.saw("row action", "detach interface")
    o.menu("groups")
    page.locator(f"#dialog input[name=groups][value='{group['id']}']").check()
    o.submit()
    assert name in {
        one["name"] for one in o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-security-groups")["security_groups"]
    }
    o.w.saw("row action", "edit security groups")


def _floating(o: OneWalk) -> None:
    page = o.page

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
    o.w.saw("row action", "associate floating IP", "disassociate floating IP")


def _power(o: OneWalk) -> None:
    """Verbs that ask nothing, by their state."""
    for verb, status, name in (
        ("pause", "PAUSED", "pause"), ("unpause", "ACTIVE", "resume from pause"), ("suspend", "SUSPENDED", "suspend"),
        ("resume", "ACTIVE", "resume"), ("stop", "SHUTOFF", "shut off"), ("start", "ACTIVE", "start"),
        ("reboot", "ACTIVE", "soft reboot"), ("reboot_hard", "ACTIVE", "hard reboot"),
        ("shelve", "SHELVED_OFFLOADED", "shelve"), ("unshelve", "ACTIVE", "unshelve"),
    ):  # fmt: skip
        o.open()
        before = o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-instance-actions")["instanceActions"]
        o.menu(verb)
        until(
            lambda had=len(before): (
                len(o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-instance-actions")["instanceActions"]) > had
            ),
            30,
            verb,
        )
        o.becomes(status)
        o.w.saw("row action", name)
    for verb, is_locked in (("lock", True), ("unlock", False)):
        o.open()
        o.menu(verb)
        until(lambda want=is_locked: o.shown["locked"] is want, 20, verb)
        o.w.saw("row action", verb)


def _resize(o: OneWalk) -> None:
    """I8: the banner and the filled button of what the state waits for; reverted once, confirmed once."""
    page = o.page
    for verb, flavor, part in (("revert_resize", "tiny", "AUTO"), ("confirm_resize", "small", "MANUAL")):
        o.open()
        o.menu("resize")
        page.locator("#id_flavor").select_option(label=re.compile("^small").pattern) if False else page.select_option(
            "#id_flavor", "small"
        )
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
    o.w.saw("row action", "resize", "confirm resize", "revert resize")
    o.w.saw("form field", "resize: new flavor", "resize: disk partition")
    o.w.saw("improvement", "I8")


def _snapshots(o: OneWalk) -> None:
    """I6: the tab of snapshots: taken, rolled back to, launched from, deleted."""
    page, name = o.page, unused("snap")
    o.open("snapshots")
    page.click("[data-card=snapshots] [data-action=snapshot]")
    page.fill("#id_name", name)
    o.submit()
    row = page.locator("[data-card=snapshots] tbody tr", has_text=name)
    expect(row.locator("[data-status=active]")).to_be_visible(timeout=60_000)
    image = o.rest.named(f"{IMAGE}/images", "images", name)
    o.rest.until(o.id, "ACTIVE")
    o.w.saw("row action", "create snapshot")
    o.w.saw("form field", "snapshot: name")
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
    o.w.saw("row action", "rebuild")
    o.w.saw("form field", "rebuild: image", "rebuild: disk partition", "rebuild: description")
    o.open("snapshots")
    row.locator("[data-menu]").click()
    page.click("#menu [data-action=delete-snapshot]")
    o.w.confirm()
    page.wait_for_url("**/snapshots")
    expect(row).to_have_count(0)
    assert o.rest.ok("GET", f"{IMAGE}/images?name={name}")["images"] == []
    o.w.saw("tab", "Snapshots")
    o.w.saw("improvement", "I6")


def _password(o: OneWalk, cloud: LiveCloud) -> None:
    """What the guest has posted is decrypted in the page, by three forms of the key; another key is told so."""
    page, key = o.page, rsa.generate_private_key(public_exponent=65537, key_size=2048)
    posted = base64.b64encode(key.public_key().encrypt(b"W1ndows!", padding.PKCS1v15())).decode()
    cloud.manage(
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
    o.w.saw("row action", "retrieve password")


def _pem(key: rsa.RSAPrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _tabs(o: OneWalk) -> None:
    page = o.page
    o.open()
    for text in (o.id, "Security groups", "Metadata", "Flavor", "Fixed IP", "Key pair"):
        expect(page.locator("main")).to_contain_text(text)
    o.w.saw("tab", "Overview: ids, spec, IPs, security groups, metadata")
    o.menu("log")
    page.wait_for_url("**/log")
    expect(page.locator("[data-log]")).to_be_visible()
    with page.expect_download() as download:
        page.click("[data-action=download-log]")
    assert download.value.suggested_filename == f"{o.id}.log"
    o.w.saw("row action", "view log")
    o.w.saw("tab", "Log: last lines", "Log: full log")
    page.click(".head [data-action=console]")
    page.wait_for_url("**/console")
    o.w.saw("row action", "console")
    o.w.saw("tab", "Console: VNC", "Console: SERIAL")
    o.open("activity")
    first = o.rest.ok("GET", f"{COMPUTE}/servers/{o.id}/os-instance-actions")["instanceActions"][0]
    story = page.locator("[data-card=activity] li").first
    expect(story).to_contain_text("demo")
    expect(story).to_contain_text(first["request_id"][:16])
    o.w.saw(
        "tab",
        "Action log: request ID",
        "Action log: action",
        "Action log: start",
        "Action log: user",
        "Action log: message",
    )


@pytest.mark.slow
def test_instances(one: OneWalk, fake_cloud: LiveCloud, enter: Enter) -> None:
    """Every row action, dialog and tab of one instance."""
    _describe(one)
    _interfaces(one)
    _floating(one)
    _power(one)
    _resize(one)
    _snapshots(one)
    _password(one, fake_cloud)
    _tabs(one)
    _delete(one)
    kinds = ("row action", "form field", "tab", "improvement")
    assert {line for line in promised("compute", "instances") if line[0] in kinds} - one.w.seen == set()


def _delete(o: OneWalk) -> None:
    """I8: after its deletion its page leads back to the list."""
    o.open()
    o.menu("delete")
    o.w.confirm()
    o.page.wait_for_url("**/instances")
    o.rest.until_gone(o.id)
    o.w.saw("row action", "delete")


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Filter's field → (what the table calls it, what is asked of the server in the row).
ASKED: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "id": ("instance ID", lambda one: one["id"]),
    "name": ("name", lambda one: one["name"]),
    "image_id": ("image ID", lambda one: one["image"]["id"]),
    "image": ("image name", lambda one: "demo"),
    "ip": ("IPv4", lambda one: one["addresses"]["private"][0]["addr"]),
    "flavor_id": ("flavor ID", lambda one: "small"),
    "flavor": ("flavor name", lambda one: "small"),
    "key": ("key pair", lambda one: one["key_name"]),
    "zone": ("AZ", lambda one: "nova"),
    "since": ("changes-since", lambda one: one["updated"]),
}
COLUMNS = {
    "Name": "name", "Image": "image", "Fixed IP": "IPs", "Flavor": "flavor", "Key pair": "key pair", "Status": "status",
    "Availability zone": "AZ", "Task": "task", "Power state": "power state", "Age": "age",
}  # fmt: skip


@pytest.fixture
def keyed(one: OneWalk) -> Iterator[OneWalk]:
    """Beside it one more, with a key and another flavor; it goes with the test."""
    key = unused("listed")
    one.rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": key}})
    id = one.rest.boot(key, flavor="small", key_name=key)
    one.rest.until(id, "ACTIVE")
    one.name = key
    yield one
    one.rest.delete(id)
    one.rest.ok("DELETE", f"{COMPUTE}/os-keypairs/{key}")


def test_the_list_is_narrowed_and_its_columns_chosen(keyed: OneWalk) -> None:
    _columns(keyed, "/instances")
    _narrow(keyed, "/instances", {"key": ASKED["key"]})


def _columns(o: OneWalk, path: str) -> None:
    """All of them, kept with the reader."""
    page = o.page
    page.goto(o.w.url + path)
    page.click("[data-action=columns]")
    for box in page.locator("#columns input[name=shown]").all():
        box.check()
    with page.expect_navigation():
        page.click("#columns [data-action=keep-columns]")
    o.w.columns(*COLUMNS)
    o.w.saw("column", *COLUMNS.values())


def _narrow(o: OneWalk, path: str, fields: dict[str, tuple[str, Callable[[dict[str, Any]], str]]]) -> None:
    """Each filter finds the one that was asked for; those that tell it from others find it alone."""
    page, found = o.page, o.rest.named(f"{COMPUTE}/servers", "servers", o.name)
    server = o.rest.server(found)
    assert server is not None
    for field, (name, value) in fields.items():
        page.goto(o.w.url + path)
        page.click("[data-action=filters]")
        page.fill(f"#by-{field}", value(server))
        page.click("#all-fields [data-action=apply-filters]")
        page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(page.locator(f"tr[data-id='{found}']")).to_be_visible()
        if field in ("id", "name", "ip", "flavor", "flavor_id", "key"):
            expect(page.locator("main tbody tr[data-id]")).to_have_count(1)
        o.w.saw("filter", name)


@pytest.mark.slow
def test_the_list(keyed: OneWalk, walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    """Columns, filters and the verbs of several at once; then the operators' list of every project."""
    o, page = keyed, keyed.page
    _columns(o, "/instances")
    _narrow(o, "/instances", ASKED)
    page.goto(f"{o.w.url}/instances?ip6=fd")
    expect(page.locator("main tbody tr[data-id]")).to_have_count(0)
    o.w.saw("filter", "IPv6")
    page.goto(f"{o.w.url}/instances")
    page.click("[data-action=filters]")
    page.select_option("#by-status", "ACTIVE")
    page.click("#all-fields [data-action=apply-filters]")
    page.wait_for_url("**status=ACTIVE*")
    expect(page.locator(f"tr[data-id='{o.id}']")).to_be_visible()
    o.w.saw("filter", "status")
    for verb, status, name in (
        ("stop", "SHUTOFF", "shut off"),
        ("start", "ACTIVE", "start"),
        ("reboot", "ACTIVE", "soft reboot"),
    ):
        page.goto(f"{o.w.url}/instances")
        page.locator(f"tr[data-id='{o.id}'] input[type=checkbox]").check()
        page.click(f".bulk [data-action={verb}]")
        o.rest.until(o.id, status)
        o.w.saw("bulk action", name)
    page.goto(f"{o.w.url}/instances")
    expect(page.locator("main [data-action=launch]")).to_have_attribute("href", "/instances/launch")
    o.rest.act(o.id, {"lock": {}})
    page.goto(f"{o.w.url}/instances")
    expect(page.locator(f"tr[data-id='{o.id}'] use[href$='#lock']")).to_be_visible()
    o.w.saw("column", "locked")
    o.rest.act(o.id, {"unlock": {}})
    other = o.rest.boot(unused("gone"))
    o.rest.until(other, "ACTIVE")
    page.goto(f"{o.w.url}/instances")
    for id in (o.id, other):
        page.locator(f"tr[data-id='{id}'] input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    o.w.confirm("2")
    for id in (o.id, other):
        o.rest.until_gone(id)
    o.w.saw("bulk action", "launch", "delete")
    kinds = ("column", "filter", "bulk action")
    assert {line for line in promised("compute", "instances") if line[0] in kinds} - o.w.seen == set()
    _everywhere(keyed, OneWalk.of(net(walk("all-instances", "admin", table="compute"), "admin"), keyed.name))


def _everywhere(demos: OneWalk, o: OneWalk) -> None:
    """An operator sees a project's instance, narrows to it, and has its verbs."""
    page = o.page
    _columns(o, "/all-instances")
    o.w.columns("Project", "Host")
    o.w.saw("column", "project", "host", "IP", "locked")
    id = demos.rest.named(f"{COMPUTE}/servers", "servers", demos.name)
    project, host = demos.rest.project_id, o.rest.ok("GET", f"{COMPUTE}/servers/{id}")["server"]["OS-EXT-SRV-ATTR:host"]
    for field, value, name in (
        ("project", "demo", "project name"),
        ("project_id", project, "project ID"),
        ("host", host, "host"),
    ):
        page.goto(f"{o.w.url}/all-instances")
        page.click("[data-action=filters]")
        page.fill(f"#by-{field}", value)
        page.click("#all-fields [data-action=apply-filters]")
        page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(page.locator(f"tr[data-id='{id}']")).to_be_visible()
        o.w.saw("filter", name)
    o.id = id
    for verb, status, name in (
        ("pause", "PAUSED", "pause"), ("unpause", "ACTIVE", "resume"), ("suspend", "SUSPENDED", "suspend"), ("resume", "ACTIVE", "resume"),
        ("stop", "SHUTOFF", "shut off"), ("reboot_hard", "ACTIVE", "hard reboot"), ("reboot", "ACTIVE", "soft reboot"),
    ):  # fmt: skip
        page.goto(f"{o.w.url}/all-instances")
        page.locator(f"tr[data-id='{id}'] [data-menu]").click()
        page.click(f"#menu [data-action={verb}]")
        expect(page.locator("#menu")).to_be_hidden()
        demos.rest.until(id, status)
        o.w.saw("row action", name)
    offered = {
        "confirm_resize": "confirm resize", "revert_resize": "revert resize", "snapshot": "create snapshot", "edit": "edit",
        "metadata": "update metadata", "log": "view log", "shelve": "shelve", "delete": "delete", "console": "console",
    }  # fmt: skip
    page.goto(f"{o.w.url}/all-instances")
    page.locator(f"tr[data-id='{id}'] [data-menu]").click()
    for verb in ("snapshot", "edit", "metadata", "log", "shelve", "delete", "console"):
        expect(page.locator(f"#menu [data-action={verb}]")).not_to_have_attribute("aria-disabled", "true")
        o.w.saw("row action", offered[verb])
