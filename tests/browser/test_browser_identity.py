"""Every line of docs/acceptance/identity.tsv that says `works`, done by hand in a browser, a panel a test.

A panel's test takes a `Walk`; each capability that it has seen to work is told to `walk.saw`. At its end every line of
the panel that says `works` must have been seen: a line without a step fails.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Enter
from tests.live import CLONE, LiveCloud

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TABLE = CLONE / "docs" / "acceptance" / "identity.tsv"


def promised(panel: str) -> set[tuple[str, str]]:
    """(kind, name) of what the table says works in a panel."""
    with TABLE.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    return {(line["kind"], line["name"]) for line in lines if line["panel"] == panel and line["state"] == "works"}


class Walk:
    """A page of one panel, and what was seen of it."""

    def __init__(self, page: Page, url: str, panel: str) -> None:
        self.page, self.url, self.panel = page, url, panel
        page.set_default_timeout(10_000)
        self.seen: set[tuple[str, str]] = set()

    def saw(self, kind: str, *names: str) -> None:
        self.seen |= {(kind, name) for name in names}

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.url}/{path or self.panel}")

    def row(self, name: str) -> Locator:
        return self.page.locator("main tbody tr").filter(
            has=self.page.locator("td.nm", has_text=re.compile(f"^{name}$"))
        )

    def menu(self, name: str, action: str) -> None:
        """A row's menu, and the verb in it."""
        self.row(name).locator("[data-menu]").click()
        self.page.click(f"#menu [data-action={action}]")

    def columns(self, *names: str) -> None:
        heads = [text.strip() for text in self.page.locator("main thead th").all_inner_texts()]
        assert set(names) <= set(heads), heads

    def submit(self) -> None:
        self.page.click("#dialog [data-action=submit]")

    def confirm(self, typed: str = "") -> None:
        if typed:
            self.page.fill("#typed", typed)
        self.page.click("#dialog [data-action=confirm]")

    def picked(self, name: str, roles: list[str], person: str) -> None:
        """One more line of who has which roles."""
        self.page.click(f"#dialog [data-action=add-line][data-id={name}]")
        line = self.page.locator("#dialog [data-line]:visible").last
        line.locator("[data-field=who]").select_option(label=person)
        for box in line.locator("[data-field=role]").all():
            box.set_checked(box.get_attribute("data-id") in roles, force=True)

    def finish(self) -> None:
        assert promised(self.panel) - self.seen == set(), "these lines say `works` and were not walked"


@pytest.fixture
def walk(fake_cloud: LiveCloud, enter: Enter) -> Iterator[Callable[[str], Walk]]:
    walks: list[Walk] = []

    def make(panel: str, account: str = "admin") -> Walk:
        walks.append(Walk(enter(fake_cloud, account), fake_cloud.url, panel))
        walks[-1].open("" if panel != "header" else "projects")
        return walks[-1]

    yield make


def make_user(walk: Walk, name: str, password: str = "a long password") -> None:
    walk.open("users")
    walk.page.click("main [data-action=create]")
    for field in ("password", "again"):
        walk.page.fill(f"#id_{field}", password)
    walk.page.fill("#id_name", name)
    walk.submit()
    walk.page.wait_for_url(re.compile(r"/users/[0-9a-f]{32}$"))


def make_group(walk: Walk, name: str) -> None:
    walk.open("groups")
    walk.page.click("main [data-action=create]")
    walk.page.fill("#id_name", name)
    walk.submit()
    walk.page.wait_for_url(re.compile(r"/groups/[0-9a-f]{32}$"))


def filters(walk: Walk, name: str, *, enabled: bool = True) -> None:
    """By name, by id and by state, each sent to the server."""
    page = walk.page
    walk.open()
    id = walk.row(name).get_attribute("data-id") or ""
    for field, value in (("name", name), ("id", id)):
        walk.open()
        page.click("[data-action=filters]")
        page.fill(f"#by-{field}", value)
        page.click("[data-action=apply-filters]")
        page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(page.locator("main tbody tr[data-id]")).to_have_count(1)
        walk.saw("filter", {"name": "name", "id": "ID"}[field])
    if enabled:
        walk.open()
        page.click("[data-action=filter][data-id=False]")
        page.wait_for_url("**enabled=False")
        expect(walk.row(name)).to_have_count(0)
        page.click("[data-action=filter][data-id=True]")
        expect(walk.row(name)).to_be_visible()
        walk.saw("filter", "enabled")


def delete_several(walk: Walk, *names: str) -> None:
    page = walk.page
    walk.open()
    for name in names:
        walk.row(name).locator("input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    walk.confirm(str(len(names)))
    page.wait_for_url(f"**/{walk.panel}")
    for name in names:
        expect(walk.row(name)).to_have_count(0)
    walk.saw("bulk action", "delete")


def test_projects(walk: Callable[[str], Walk]) -> None:
    w = walk("projects")
    page = w.page
    w.columns("Name", "Description", "ID", "Domain", "Enabled")
    w.saw("column", "name", "description", "ID", "domain", "enabled")
    make_group(w, "p-operators")
    w.open()
    page.click("main [data-action=create]")
    w.submit()
    expect(page.locator("#dialog #id_name[aria-invalid=true]")).to_be_focused()
    page.fill("#id_name", "p-web")
    page.fill("#id_description", "The shop")
    page.select_option("#id_domain_id", label="Default")
    page.locator("#id_enabled").check()
    page.click("#dialog label[data-id=members]")
    w.picked("members", ["member", "reader"], "demo")
    page.click("#dialog [data-action=next][data-id=groups]")
    w.picked("groups", ["reader"], "p-operators")
    w.submit()
    page.wait_for_url(re.compile(r"/projects/[0-9a-f]{32}$"))
    address = page.url
    expect(page.locator("[data-card=details]")).to_contain_text("The shop")
    w.saw("bulk action", "create")
    w.saw("tab", "overview")
    page.click(".tabs [data-tab=users]")
    expect(w.row("demo")).to_contain_text("member")
    w.saw("tab", "users")
    page.click(".tabs [data-tab=groups]")
    expect(w.row("p-operators")).to_contain_text("reader")
    w.saw("tab", "groups")
    w.saw("form field", "name", "description", "enabled", "domain", "members with roles", "groups with roles")
    _roles_of_a_project(w, address)
    _quotas_of_a_project(w, address)
    filters(w, "p-web")
    w.open()
    w.menu("p-web", "edit")
    page.fill("#id_description", "The new shop")
    w.submit()
    expect(page.locator("[data-card=details]")).to_contain_text("The new shop")
    w.saw("row action", "edit")
    w.open()
    w.menu("p-web", "delete")
    w.confirm("p-web")
    page.wait_for_url("**/projects")
    expect(w.row("p-web")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("p-one", "p-two"):
        w.open()
        page.click("main [data-action=create]")
        page.fill("#id_name", name)
        w.submit()
        page.wait_for_url(re.compile(r"/projects/[0-9a-f]{32}$"))
    delete_several(w, "p-one", "p-two")
    w.finish()


def _roles_of_a_project(w: Walk, address: str) -> None:
    page = w.page
    w.open()
    w.menu("p-web", "members")
    page.click("#dialog [data-drop-line]")
    w.picked("holders", ["admin"], "admin")
    w.submit()
    page.wait_for_url(f"{address}/users")
    expect(w.row("admin")).to_contain_text("admin")
    expect(w.row("demo")).to_have_count(0)
    w.saw("row action", "manage members")
    w.open()
    w.menu("p-web", "groups")
    page.click("#dialog [data-drop-line]")
    w.submit()
    page.wait_for_url(f"{address}/groups")
    expect(w.row("p-operators")).to_have_count(0)
    w.saw("row action", "modify groups")
    w.open()
    w.menu("p-web", "activate")
    page.wait_for_url(f"{w.url}/")
    expect(page.locator(".bar .pn")).to_have_text("p-web")
    w.saw("row action", "set as active project")
    page.click(".bar [data-action=switch-project]")
    page.locator("#projects [data-action=project]", has_text=re.compile("^\\s*A?\\s*admin\\s*$")).click()
    expect(page.locator(".bar .pn")).to_have_text("admin")


def _quotas_of_a_project(w: Walk, address: str) -> None:
    page = w.page
    w.open()
    w.menu("p-web", "quota")
    expect(page.locator("#dialog [data-steps]")).to_be_visible()
    for service, field, value in (
        ("compute", "compute.instances", "17"),
        ("network", "network.router", "3"),
        ("volumev3", "volumev3.volumes", "5"),
    ):
        if not page.locator(f"#dialog label[data-id={service}]").count():
            continue
        page.click(f"#dialog label[data-id={service}]")
        page.fill(f"[id='id_{field}']", value)
        name = {"compute": "compute", "network": "network", "volumev3": "volume"}[service]
        w.saw("row action", f"modify quotas: {name}")
    w.submit()
    page.wait_for_url(f"{address}/usage")
    expect(page.locator("[data-field=instances]")).to_contain_text("of 17")
    expect(page.locator("[data-field=router]")).to_contain_text("of 3")
    expect(page.locator("[data-field=instances] svg.bar")).to_be_visible()
    w.saw("tab", "usage")
    w.open()
    w.menu("p-web", "usage")
    page.wait_for_url(f"{address}/usage")
    w.saw("row action", "view usage")


def test_users(walk: Callable[[str], Walk], fake_cloud: LiveCloud) -> None:
    w = walk("users")
    page = w.page
    w.columns("Name", "Description", "E-mail", "ID", "Enabled", "Domain")
    w.saw("column", "name", "description", "e-mail", "ID", "enabled", "domain")
    page.click("main [data-action=create]")
    page.fill("#id_name", "u-lin")
    page.fill("#id_description", "On call")
    page.fill("#id_email", "lin@example.org")
    page.fill("#id_password", "first password")
    page.fill("#id_again", "other password")
    page.select_option("#id_default_project_id", label="demo")
    page.select_option("#id_role", label="member")
    page.locator("#id_enabled").check()
    page.locator("#id_lock_password").check()
    w.submit()
    expect(page.locator("#dialog #id_again[aria-invalid=true]")).to_be_focused()
    assert page.input_value("#id_email") == "lin@example.org"
    page.fill("#id_again", "first password")
    w.submit()
    page.wait_for_url(re.compile(r"/users/[0-9a-f]{32}$"))
    details = page.locator("[data-card=details]")
    for text in ("On call", "lin@example.org", "demo", "Password locked"):
        expect(details).to_contain_text(text)
    w.saw("bulk action", "create")
    w.saw("tab", "overview")
    w.saw("form field", "name", "description", "e-mail", "password", "password again", "primary project", "role")
    w.saw("form field", "enabled", "lock password")
    for tab, name, text in (
        ("roles", "role assignments", "member"), ("groups", "groups", "in no group"), ("credentials", "credentials", "No credentials"),
    ):  # fmt: skip
        page.click(f".tabs [data-tab={tab}]")
        expect(page.locator(f"[data-card={tab}]")).to_contain_text(text)
        w.saw("tab", name)
    filters(w, "u-lin")
    w.open()
    w.row("u-lin").locator("[data-menu]").click()
    locked = page.locator("#menu [data-action=password]")
    expect(locked).to_have_attribute("data-why", re.compile("locked"))
    page.click("#menu [data-action=edit]")
    page.fill("#id_description", "Off call")
    page.locator("#id_lock_password").uncheck()
    w.submit()
    page.wait_for_url(re.compile(r"/users/[0-9a-f]{32}$"))
    expect(details).to_contain_text("Off call")
    w.saw("row action", "edit")
    w.open()
    w.menu("u-lin", "password")
    page.fill("#id_password", "second password")
    page.fill("#id_again", "second password")
    w.submit()
    expect(page.locator("#toasts")).to_contain_text("The password is set")
    w.saw("row action", "change password")
    for status, action in (("disabled", "disable"), ("enabled", "enable")):
        w.open()
        w.menu("u-lin", "switch")
        expect(page.locator(f"tr[data-status={status}]", has_text="u-lin")).to_be_visible()
        w.saw("row action", action)
    _several_users(w)
    w.open()
    w.menu("u-lin", "delete")
    w.confirm()
    page.wait_for_url("**/users")
    expect(w.row("u-lin")).to_have_count(0)
    w.saw("row action", "delete")
    w.finish()


def _several_users(w: Walk) -> None:
    names = ("u-one", "u-two")
    for name in names:
        make_user(w, name)
    for action, status in (("disable", "disabled"), ("enable", "enabled")):
        w.open()
        for name in names:
            w.row(name).locator("input[type=checkbox]").check()
        w.page.click(f".bulk [data-action={action}]")
        for name in names:
            expect(w.page.locator(f"tr[data-status={status}]", has_text=name)).to_be_visible()
        w.saw("bulk action", action)
    delete_several(w, *names)


def test_groups(walk: Callable[[str], Walk]) -> None:
    w = walk("groups")
    page = w.page
    make_group(w, "g-ops")
    address = page.url
    w.open()
    w.columns("Name", "Description", "ID")
    w.saw("column", "name", "description", "ID")
    w.saw("bulk action", "create")
    w.menu("g-ops", "add-users")
    page.fill("#dialog [data-narrow]", "dem")
    expect(page.locator("#dialog .checklist li:visible")).to_have_count(1)
    page.locator("#dialog .checklist li:visible input").check()
    w.submit()
    page.wait_for_url(f"{address}/users")
    expect(w.row("demo")).to_be_visible()
    w.saw("row action", "add users")
    w.open()
    w.menu("g-ops", "remove-users")
    page.locator("#dialog .checklist input[type=checkbox]").first.check()
    w.submit()
    page.wait_for_url(f"{address}/users")
    expect(w.row("demo")).to_have_count(0)
    w.saw("row action", "remove users")
    w.open()
    w.menu("g-ops", "edit")
    page.fill("#id_description", "People on call")
    w.submit()
    page.wait_for_url(address)
    expect(page.locator("[data-card=details]")).to_contain_text("People on call")
    w.saw("row action", "edit")
    w.open()
    w.menu("g-ops", "delete")
    w.confirm()
    page.wait_for_url("**/groups")
    expect(w.row("g-ops")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("g-one", "g-two"):
        make_group(w, name)
    delete_several(w, "g-one", "g-two")
    w.finish()


def test_roles(walk: Callable[[str], Walk]) -> None:
    w = walk("roles")
    page = w.page
    w.columns("Name", "ID")
    w.saw("column", "name", "ID")
    for name in ("r-audit", "r-one", "r-two"):
        w.open()
        page.click("main [data-action=create]")
        page.fill("#id_name", name)
        w.submit()
        expect(w.row(name)).to_be_visible()
    w.saw("bulk action", "create")
    w.menu("r-audit", "edit")
    page.fill("#id_description", "Reads everything")
    w.submit()
    expect(w.row("r-audit")).to_contain_text("Reads everything")
    w.saw("row action", "edit")
    w.menu("r-audit", "implied")
    page.locator("#dialog label", has_text=re.compile("^\\s*reader\\s*$")).locator("input").check()
    w.submit()
    expect(w.row("r-audit").locator(".tag")).to_have_text("reader")
    w.saw("row action", "included roles")
    w.menu("r-audit", "delete")
    w.confirm()
    expect(w.row("r-audit")).to_have_count(0)
    w.saw("row action", "delete")
    delete_several(w, "r-one", "r-two")
    w.finish()


def test_domains(walk: Callable[[str], Walk]) -> None:
    w = walk("domains")
    page = w.page
    w.columns("Name", "Description", "ID", "Enabled")
    w.saw("column", "name", "description", "ID", "enabled")
    addresses = {}
    for name in ("d-acme", "d-one", "d-two"):
        w.open()
        page.click("main [data-action=create]")
        page.fill("#id_name", name)
        w.submit()
        page.wait_for_url(re.compile(r"/domains/[0-9a-f]{32}$"))
        addresses[name] = page.url
    w.saw("bulk action", "create")
    w.open()
    w.menu("d-acme", "set-context")
    expect(w.row("d-acme")).to_contain_text("context")
    page.goto(f"{w.url}/users")
    expect(page.locator("[data-status=domain-context]")).to_contain_text("d-acme")
    expect(w.row("admin")).to_have_count(0)
    w.saw("row action", "set context")
    w.open()
    page.click("main [data-action=clear-context]")
    expect(page.locator("main [data-action=clear-context]")).to_have_attribute("data-why", re.compile("No domain"))
    page.goto(f"{w.url}/users")
    expect(w.row("admin")).to_be_visible()
    w.saw("bulk action", "clear context")
    for action, tab, person, name in (("members", "users", "demo", "members"), ("groups", "groups", "d-ops", "groups")):
        if tab == "groups":
            make_group(w, "d-ops")
        w.open()
        w.menu("d-acme", action)
        w.picked("holders", ["reader"], person)
        w.submit()
        page.wait_for_url(f"{addresses['d-acme']}/{tab}")
        expect(w.row(person)).to_contain_text("reader")
        w.saw("row action", name)
    w.open()
    w.menu("d-acme", "edit")
    page.fill("#id_description", "Acme Ltd.")
    w.submit()
    page.wait_for_url(addresses["d-acme"])
    expect(page.locator("[data-card=details]")).to_contain_text("Acme Ltd.")
    w.saw("row action", "edit")
    for action, status in (("disable", "disabled"), ("enable", "enabled"), ("disable", "disabled")):
        w.open()
        w.menu("d-acme", action)
        expect(page.locator(f"tr[data-status={status}]", has_text="d-acme")).to_be_visible()
        w.saw("row action", action)
    w.menu("d-acme", "delete")
    w.confirm("d-acme")
    expect(w.row("d-acme")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("d-one", "d-two"):
        w.menu(name, "disable")
        expect(page.locator("tr[data-status=disabled]", has_text=name)).to_be_visible()
    delete_several(w, "d-one", "d-two")
    w.finish()


def test_application_credentials(walk: Callable[..., Walk]) -> None:
    w = walk("application-credentials", "demo")
    page = w.page
    page.click("main [data-action=create]")
    page.fill("#id_name", "a-ci")
    page.fill("#id_description", "The robot")
    page.fill("#id_secret", "a secret of my own")
    page.fill("#id_expires_on", "2001-02-03")
    page.fill("#id_expires_at", "04:05")
    page.locator("#id_unrestricted").check()
    page.click("#dialog label[data-id=roles]")
    page.locator("#dialog label", has_text=re.compile("^\\s*reader\\s*$")).locator("input").check()
    page.click("#dialog label[data-id=rules]")
    page.click("#dialog [data-action=add-line]")
    page.fill("#dialog [data-field=path]", "/v2.1/servers")
    page.click("#dialog label[data-id=kubernetes]")
    page.fill("#id_kubernetes_url", "https://k8s.example.org:6443")
    page.fill("#id_kubernetes_namespace", "shop")
    w.submit()
    expect(page.locator("#dialog #id_expires_on[aria-invalid=true]")).to_be_focused()
    assert page.input_value("#id_kubernetes_namespace") == "shop"
    page.fill("#id_expires_on", "2051-02-03")
    w.submit()
    body = page.locator("#dialog")
    expect(body).to_contain_text("a secret of my own")
    for action in ("openrc", "clouds-yaml", "kubeconfig"):
        expect(body.locator(f"[data-action={action}]")).to_have_attribute("download", re.compile("."))
    assert "namespace%3A%20shop" in (body.locator("[data-action=kubeconfig]").get_attribute("href") or "")
    w.saw("result", "secret shown once", "download openrc", "download clouds.yaml", "download kubeconfig")
    w.saw("form field", "name", "description", "secret", "expiry date", "expiry time", "roles", "access rules")
    w.saw("form field", "unrestricted", "Kubernetes namespace")
    w.saw("bulk action", "create")
    page.click("#dialog [data-action=done]")
    w.columns("Name", "Project", "Description", "Expires", "ID", "Roles")
    for text in ("demo", "The robot", "2051-02-03 04:05", "reader"):
        expect(w.row("a-ci")).to_contain_text(text)
    w.saw("column", "name", "project", "description", "expiry", "ID", "roles")
    w.menu("a-ci", "delete")
    w.confirm()
    expect(w.row("a-ci")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("a-one", "a-two"):
        w.open()
        page.click("main [data-action=create]")
        page.fill("#id_name", name)
        w.submit()
        page.click("#dialog [data-action=done]")
    for name in ("a-one", "a-two"):
        w.row(name).locator("input[type=checkbox]").check()
    page.click(".bulk [data-action=delete]")
    w.confirm()
    expect(w.row("a-one")).to_have_count(0)
    w.saw("bulk action", "delete")
    w.finish()


def _credentials(w: Walk, *, own: bool) -> None:
    """EC2 keys and others: made, changed, deleted one by one and together."""
    page, prefix = w.page, "own credentials: " if own else ""
    path = "settings/credentials" if own else "credentials"
    w.open(path)
    page.click("main [data-action=create]")
    if not own:
        page.select_option("#id_user_id", label="demo")
    page.select_option("#id_type", "totp")
    w.submit()
    expect(page.locator("#dialog #id_blob[aria-invalid=true]")).to_be_focused()
    page.fill("#id_blob", "JBSWY3DPEHPK3PXP")
    page.select_option("#id_project_id", label="demo")
    w.submit()
    expect(w.row("TOTP")).to_be_visible()
    w.saw("form field", "user", "type", "data", "project")
    w.saw("bulk action", f"{prefix}create")
    w.menu("TOTP", "edit")
    page.select_option("#id_type", "cert")
    w.submit()
    expect(w.row("Certificate")).to_be_visible()
    w.saw("row action", f"{prefix}edit")
    w.menu("Certificate", "delete")
    w.confirm()
    expect(w.row("Certificate")).to_have_count(0)
    w.saw("row action", f"{prefix}delete")


def test_credentials(walk: Callable[[str], Walk]) -> None:
    w = walk("credentials")
    page = w.page
    _credentials(w, own=False)
    for _ in range(2):  # an EC2 key without data is made by the cloud
        w.open()
        page.click("main [data-action=create]")
        page.select_option("#id_user_id", label="demo")
        page.select_option("#id_project_id", label="demo")
        w.submit()
        expect(w.row("EC2").first).to_be_visible()
    w.columns("Type", "User", "Data", "Project")
    expect(w.row("EC2")).to_have_count(2)
    w.saw("column", "user", "type", "data", "project")
    page.locator("[data-all]").check()
    page.click(".bulk [data-action=delete]")
    w.confirm("2")
    expect(w.row("EC2")).to_have_count(0)
    w.saw("bulk action", "delete")
    w.finish()


RULES = '[{"local": [{"user": {"name": "{0}"}, "group": {"id": "g1"}}], "remote": [{"type": "OIDC-sub"}]}]'


def _make_mapping(w: Walk, name: str) -> None:
    w.open("mappings")
    w.page.click("main [data-action=create]")
    w.page.fill("#id_id", name)
    w.page.fill("#id_rules", RULES)
    w.submit()
    w.page.wait_for_url(f"**/mappings/{name}")


def test_mappings(walk: Callable[[str], Walk]) -> None:
    w = walk("mappings")
    page = w.page
    page.click("main [data-action=create]")
    page.fill("#id_id", "m-staff")
    for wrong, said in (('[{"local": ]', "Line 1, column"), ('[{"local": []}]', "not valid")):
        page.fill("#id_rules", wrong)
        w.submit()
        expect(page.locator("#dialog [data-field=rules] .bad")).to_contain_text(said)
        expect(page.locator("#dialog #id_rules")).to_have_value(wrong)
    page.fill("#id_rules", RULES)
    w.submit()
    page.wait_for_url("**/mappings/m-staff")
    expect(page.locator("[data-card=rules]")).to_contain_text("OIDC-sub")
    w.saw("form field", "ID", "rules")
    w.saw("bulk action", "create")
    page.fill("#id_assertion", '{"sub": "lin"}')
    page.click("[data-action=try]")
    expect(page.locator("#tried [data-status=mapped]")).to_contain_text("name: lin")
    expect(page.locator("#tried")).to_contain_text("g1")
    page.fill("#id_assertion", '{"other": "lin"}')
    page.click("[data-action=try]")
    expect(page.locator("#tried [data-status=refused]")).to_contain_text("no rule fits")
    w.open()
    w.columns("ID", "Rules")
    w.saw("column", "ID", "rules")
    w.menu("m-staff", "edit")
    page.fill("#id_rules", RULES.replace("OIDC-sub", "OIDC-email"))
    w.submit()
    page.wait_for_url("**/mappings/m-staff")
    expect(page.locator("[data-card=rules]")).to_contain_text("OIDC-email")
    w.saw("row action", "edit")
    w.open()
    w.menu("m-staff", "delete")
    w.confirm()
    expect(w.row("m-staff")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("m-one", "m-two"):
        _make_mapping(w, name)
    delete_several(w, "m-one", "m-two")
    w.finish()


def _make_provider(w: Walk, name: str, remote: str) -> None:
    w.open("identity-providers")
    w.page.click("main [data-action=create]")
    w.page.fill("#id_id", name)
    w.page.fill("#id_remote_ids", remote)
    w.page.fill("#id_description", "Company accounts")
    w.page.locator("#id_enabled").check()
    w.submit()
    w.page.wait_for_url(f"**/identity-providers/{name}")


def test_identity_providers(walk: Callable[[str], Walk]) -> None:
    w = walk("identity-providers")
    page = w.page
    _make_mapping(w, "i-map")
    _make_provider(w, "i-company", "https://i-company.example.org")
    w.saw("form field", "ID", "remote IDs", "description", "enabled")
    w.saw("bulk action", "create")
    page.click("main [data-action=add-protocol]")
    page.fill("#id_id", "openid")
    page.select_option("#id_mapping_id", "i-map")
    w.submit()
    page.wait_for_url("**/i-company/protocols")
    expect(w.row("openid")).to_contain_text("i-map")
    w.saw("form field", "protocol ID", "protocol mapping")
    w.saw("row action", "protocol: create")
    w.menu("openid", "edit")
    page.fill("#id_remote_id_attribute", "HTTP_OIDC_ISS")
    w.submit()
    expect(w.row("openid")).to_contain_text("HTTP_OIDC_ISS")
    w.saw("row action", "protocol: edit")
    w.menu("openid", "delete")
    w.confirm()
    expect(w.row("openid")).to_have_count(0)
    w.saw("row action", "protocol: delete")
    w.open()
    w.columns("ID", "Remote IDs", "Description", "Enabled")
    expect(w.row("i-company")).to_contain_text("https://i-company.example.org")
    w.saw("column", "ID", "remote IDs", "description", "enabled")
    w.menu("i-company", "edit")
    page.fill("#id_description", "Everybody's accounts")
    w.submit()
    page.wait_for_url("**/identity-providers/i-company")
    expect(page.locator("[data-card=details]")).to_contain_text("Everybody's accounts")
    w.saw("row action", "edit")
    w.open()
    w.menu("i-company", "delete")
    w.confirm()
    expect(w.row("i-company")).to_have_count(0)
    w.saw("row action", "delete")
    for name in ("i-one", "i-two"):
        _make_provider(w, name, f"https://{name}.example.org")
    delete_several(w, "i-one", "i-two")
    w.finish()


def test_settings_are_applied(walk: Callable[..., Walk], fake_cloud: LiveCloud, enter: Enter) -> None:
    admin = walk("users")
    make_user(admin, "s-lin", "first password")
    admin.open("users")
    w = walk("settings", "demo")
    page = w.page
    page.select_option("#id_zone", "Asia/Shanghai")
    page.select_option("#id_page_size", "20")
    page.select_option("#id_log_lines", "50")
    page.click("main [data-action=submit]")
    expect(page.locator("#toasts")).to_contain_text("Settings are kept")
    expect(page.locator("html")).to_have_attribute("data-zone", "Asia/Shanghai")
    for field, value in (("zone", "Asia/Shanghai"), ("page_size", "20"), ("log_lines", "50")):
        expect(page.locator(f"#id_{field}")).to_have_value(value)
    page.goto(f"{w.url}/networks")
    expect(page.locator(".foot")).to_contain_text("20 per page")
    page.click("main a.name >> nth=0")
    page.wait_for_url("**/networks/*")
    expect(page.locator("time").first).to_have_attribute("title", re.compile("CST$|GMT\\+8"))
    w.saw("form field", "time zone", "page size", "log lines")
    w.open()
    page.select_option("#id_language", "zh-hans")
    page.click("main [data-action=submit]")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    w.saw("form field", "language")
    page.select_option("#id_language", "en")
    page.click("main [data-action=submit]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    _credentials(w, own=True)
    _own_password(w, enter, fake_cloud)
    w.finish()


def _own_password(w: Walk, enter: Enter, cloud: LiveCloud) -> None:
    """A user changes the own password; a wrong present one stands at its field."""
    page = w.page
    page.click(".bar [data-action=account]")
    page.click("#account [data-action=sign-out]")
    for password, after in (("first password", "second password"), ("second password", "third password")):
        page.fill("#u", "s-lin")
        page.fill("#p", password)
        page.click("[data-action=sign-in]")
        page.wait_for_url(f"{w.url}/")
        page.goto(f"{w.url}/settings/password")
        expect(page.locator("main #id_current")).to_be_visible()
        page.goto(f"{w.url}/settings")
        page.click(".bar [data-action=account]")
        page.click("#account [data-action=password]")
        page.fill("#dialog #id_current", "nonsense")
        for field in ("new", "again"):
            page.fill(f"#dialog #id_{field}", after)
        w.submit()
        expect(page.locator("#dialog [data-field=current] .bad")).to_be_visible()
        page.fill("#dialog #id_current", password)
        for field in ("new", "again"):
            page.fill(f"#dialog #id_{field}", after)
        w.submit()
        page.wait_for_url(re.compile("/sign-in"))
    w.saw("form field", "current password", "new password", "new password again")


def test_header_switchers(walk: Callable[..., Walk]) -> None:
    w = walk("header")
    page = w.page
    page.goto(f"{w.url}/domains")
    w.menu("Default", "members")
    expect(page.locator("#dialog [data-lines]")).to_be_visible()
    if not page.locator("#dialog [data-field=who]").count():
        w.picked("holders", ["admin"], "admin")
    w.submit()
    page.wait_for_url(re.compile("/domains/[^/]+/users$"))
    page.goto(f"{w.url}/projects")
    w.menu("demo", "members")
    w.picked("holders", ["member"], "admin")
    w.submit()
    page.wait_for_url(re.compile("/projects/[^/]+/users$"))

    def switch(action: str, text: str) -> None:
        page.click(".bar [data-action=switch-project]")
        page.locator(f"#projects [data-action={action}]").filter(has_text=text).click()

    switch("project", "demo")
    expect(page.locator(".bar .pn")).to_have_text("demo")
    w.saw("switcher", "project")
    switch("domain", "Default")
    expect(page.locator(".bar .pn")).to_have_text("Default")
    expect(page.locator("main")).to_have_attribute("data-panel", "projects")
    w.saw("switcher", "domain")
    switch("project", "admin")
    expect(page.locator(".bar .pn")).to_have_text("admin")
    page.goto(f"{w.url}/api-access")
    switch("region", "RegionOne")
    page.wait_for_load_state()
    expect(page.locator("main")).to_have_attribute("data-panel", "api-access")
    page.goto(f"{w.url}/api-access")
    expect(page.locator("main")).to_contain_text("region_name: RegionOne")
    w.saw("switcher", "region")
    was = page.locator("html").get_attribute("data-bs-theme")
    page.click(".bar [data-action=theme]")
    expect(page.locator("html")).not_to_have_attribute("data-bs-theme", was or "")
    w.saw("switcher", "theme")
    w.finish()


def test_columns_and_files(walk: Callable[[str], Walk], tmp_path: Path) -> None:
    """A column that is put away stays away; the file has every column."""
    w = walk("projects")
    page = w.page
    page.click("[data-action=columns]")
    page.locator("#columns [data-field=description]").uncheck()
    page.click("[data-action=keep-columns]")
    expect(page.locator("main thead")).not_to_contain_text("Description")
    w.open()
    expect(page.locator("main thead")).not_to_contain_text("Description")
    with page.expect_download() as started:
        page.click("[data-action=csv]")
    file = tmp_path / "projects.csv"
    started.value.save_as(file)
    lines = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert lines[0] == ["Name", "Enabled", "Description", "Domain", "ID", "Age"]
    assert {"admin", "demo"} <= {line[0] for line in lines[1:]}
    page.click("[data-action=columns]")
    page.locator("#columns [data-field=description]").check()
    page.click("[data-action=keep-columns]")
    expect(page.locator("main thead")).to_contain_text("Description")


def test_every_line_has_a_panel_that_is_walked() -> None:
    with TABLE.open(encoding="utf-8") as file:
        panels = {line["panel"] for line in csv.DictReader(file, delimiter="\t") if line["state"] == "works"}
    source = Path(__file__).read_text()
    assert {panel for panel in panels if f'walk("{panel}"' not in source} == set()
