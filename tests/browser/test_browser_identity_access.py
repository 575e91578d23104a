"""Domains, credentials, identity providers and mappings: every line of docs/acceptance/identity.tsv that says `works`, walked."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, credentials, delete_several, make_group

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


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
    _context(w)
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


def _context(w: Walk) -> None:
    """A domain as context narrows the other lists until it is cleared."""
    page = w.page
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


def test_application_credentials(walk: Callable[..., Walk]) -> None:
    w = walk("application-credentials", "demo")
    page = w.page
    _create_one(w)
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
    w.confirm("2")
    expect(w.row("a-one")).to_have_count(0)
    w.saw("bulk action", "delete")
    w.finish()


def _create_one(w: Walk) -> None:
    """With everything that it can have; its expiry is past at first."""
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


def test_credentials(walk: Callable[[str], Walk]) -> None:
    w = walk("credentials")
    page = w.page
    credentials(w, own=False)
    for made in (1, 2):  # an EC2 key without data is made by the cloud
        w.open()
        page.click("main [data-action=create]")
        page.select_option("#id_user_id", label="demo")
        page.select_option("#id_project_id", label="demo")
        w.submit()
        expect(w.row("EC2")).to_have_count(made)
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
