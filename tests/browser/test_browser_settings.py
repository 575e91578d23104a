"""Settings and the switchers in the bar: every line of docs/acceptance/identity.tsv that says `works`, walked."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, credentials, make_user

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_settings_are_applied(walk: Callable[..., Walk]) -> None:
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
    expect(page.locator(".foot .pages [aria-current]").last).to_have_text("20")
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
    credentials(w, own=True)
    _own_password(w)
    w.finish()


def _own_password(w: Walk) -> None:
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
    w = walk("header", path="projects")
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
        with page.expect_navigation():  # a page left before it came would take the next one with it
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
    expect(page.locator("main")).to_have_attribute("data-panel", "api-access")
    page.goto(f"{w.url}/api-access")
    expect(page.locator("main")).to_contain_text("region_name: RegionOne")
    w.saw("switcher", "region")
    was = page.locator("html").get_attribute("data-bs-theme")
    page.click(".bar [data-action=theme]")
    expect(page.locator("html")).not_to_have_attribute("data-bs-theme", was or "")
    w.saw("switcher", "theme")
    w.finish()
