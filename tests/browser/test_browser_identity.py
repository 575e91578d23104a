"""Projects, users, groups and roles: every line of docs/acceptance/identity.tsv that says `works`, walked."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several, filters, make_group, make_user

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_projects(walk: Callable[[str], Walk]) -> None:
    w = walk("projects")
    page = w.page
    w.columns("Name", "Description", "ID", "Domain", "Enabled")
    w.saw("column", "name", "description", "ID", "domain", "enabled")
    address = _create_a_project(w)
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


def _create_a_project(w: Walk) -> str:
    """In its steps; the first try lacks the name. Returns the address of its page."""
    page = w.page
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
    address: str = page.url
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
    return address


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


def test_users(walk: Callable[[str], Walk]) -> None:
    w = walk("users")
    page = w.page
    w.columns("Name", "Description", "E-mail", "ID", "Enabled", "Domain")
    w.saw("column", "name", "description", "e-mail", "ID", "enabled", "domain")
    _create_a_user(w)
    filters(w, "u-lin")
    _change_a_user(w)
    _several_users(w)
    w.open()
    w.menu("u-lin", "delete")
    w.confirm()
    page.wait_for_url("**/users")
    expect(w.row("u-lin")).to_have_count(0)
    w.saw("row action", "delete")
    w.finish()


def _create_a_user(w: Walk) -> None:
    """The second password is wrong at first: what was typed stays."""
    page = w.page
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


def _change_a_user(w: Walk) -> None:
    page, details = w.page, w.page.locator("[data-card=details]")
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
