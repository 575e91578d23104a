"""Lists as one expects them (I11 of the review of the portal), and pages without scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import unused
from tests.rest import COMPUTE, Rest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def pairs(fake_cloud: LiveCloud) -> Iterator[list[str]]:
    """24 key pairs of demo, in the order of the list."""
    rest, word = Rest(fake_cloud), unused("p")
    names = [f"{word}-{number:02}" for number in range(24)]
    for name in names:
        rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": name}})
    yield names
    for name in names:
        rest.ask("DELETE", f"{COMPUTE}/os-keypairs/{name}")


def test_a_list_is_paged_kept_as_a_view_and_cleared_in_bulk(
    fake_cloud: LiveCloud, pairs: list[str], enter: Enter
) -> None:
    """I11: page size and numbers, a view that is a link, ticks and what came of each, the file of what is shown."""
    page, rest, word = enter(fake_cloud), Rest(fake_cloud), pairs[0][:-3]
    page.goto(f"{fake_cloud.url}/key-pairs?q={word}")
    page.click("[data-action=page-size][data-id='20']")
    page.click(".pages a:has-text('2')")
    expect(page.locator("tbody tr[data-id]")).to_have_count(4)
    page.click("[data-action=views]")
    page.fill("#view-name", word)
    with page.expect_navigation():
        page.click("[data-action=keep-view]")
    page.goto(f"{fake_cloud.url}/key-pairs")
    page.click("[data-action=views]")
    page.click(f"[data-action=view][data-id={word}]")
    page.wait_for_url(f"**/key-pairs?q={word}&size=20")
    expect(page.locator("tbody tr[data-id]")).to_have_count(20)
    with page.expect_download() as file:
        page.click("[data-action=csv]")
    assert file.value.path().read_text("utf-8-sig").count(f"\n{word}-") == 24
    for name in pairs[:3]:
        page.check(f"tr[data-id={name}] input")
    rest.ask("DELETE", f"{COMPUTE}/os-keypairs/{pairs[0]}")
    expect(page.locator(f"tr[data-id={pairs[0]}]")).to_have_count(0)
    page.click(".bulk [data-action=delete]")
    page.fill("#typed", "2")
    page.click("#dialog [data-action=confirm]")
    expect(page.locator(f"tr[data-id={pairs[1]}]")).to_have_count(0)
    left = {row["keypair"]["name"] for row in rest.ok("GET", f"{COMPUTE}/os-keypairs")["keypairs"]}
    assert left & set(pairs) == set(pairs[3:])
    page.click("[data-action=views]")
    with page.expect_navigation():
        page.click(f"[data-action=forget-view][value={word}]")
    page.click("[data-action=views]")
    expect(page.locator(f"[data-action=view][data-id={word}]")).to_have_count(0)


def test_what_is_refused_of_several_says_why(fake_cloud: LiveCloud, enter: Enter) -> None:
    """I11: a result per item; the group `default` stays, the other one goes."""
    page, name = enter(fake_cloud), unused("g")
    page.goto(f"{fake_cloud.url}/security-groups")
    page.click("main [data-action=create]")
    page.fill("#id_name", name)
    page.click("#dialog [data-action=submit]")
    page.wait_for_url("**/security-groups/*")
    page.goto(f"{fake_cloud.url}/security-groups")
    for text in ("default", name):
        page.locator("tbody tr", has=page.get_by_role("link", name=text, exact=True)).locator("input").check()
    page.click(".bulk [data-action=delete]")
    page.fill("#typed", "2")
    page.click("#dialog [data-action=confirm]")
    results = page.locator("#dialog [data-results] li")
    expect(results).to_have_count(2)
    expect(results.filter(has_text="default")).to_have_attribute("data-done", "no")
    expect(results.filter(has_text=name)).to_have_attribute("data-done", "yes")
    page.click("#dialog [data-action=done]")
    page.wait_for_url("**/security-groups")
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)


def test_instances_have_columns_density_and_new_ones_first(fake_cloud: LiveCloud, enter: Enter) -> None:
    """I11: columns and density on Instances; one that is new is told in the first row."""
    rest = Rest(fake_cloud)
    server = rest.boot(unused("first"))
    rest.until(server, "ACTIVE")
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances")
    page.click("[data-action=density]")
    assert page.evaluate("document.documentElement.dataset.density") == "compact"
    page.click("[data-action=columns]")
    page.uncheck("#columns [data-field=flavor]")
    with page.expect_navigation():
        page.click("[data-action=keep-columns]")
    expect(page.locator("thead")).not_to_contain_text("Flavor")
    expect(page.locator("thead")).to_contain_text("Floating IP")
    assert page.evaluate("document.documentElement.dataset.density") == "compact"
    other = rest.boot(unused("second"))
    first = page.locator("main tbody tr").first
    expect(first).to_have_text(re.compile("^1 new"), timeout=20_000)
    first.locator("a").click()
    expect(page.locator(f"tr[data-id='{other}']")).to_be_visible()
    expect(page.locator(f"tr[data-id='{other}'] td")).to_have_count(page.locator("thead th").count())
    page.click("[data-action=columns]")
    page.check("#columns [data-field=flavor]")
    with page.expect_navigation():
        page.click("[data-action=keep-columns]")
    for id in (server, other):
        rest.ask("DELETE", f"{COMPUTE}/servers/{id}")


def test_everything_but_live_works_without_scripts(fake_cloud: LiveCloud, chromium: Browser) -> None:
    """Sign in, list, launch, stop, delete: forms and links do what scripts do, and each leads on."""
    context = chromium.new_context(java_script_enabled=False)
    page, rest, name = context.new_page(), Rest(fake_cloud), unused("plain")
    page.goto(f"{fake_cloud.url}/sign-in")
    page.fill("#u", "demo")
    page.fill("#p", fake_cloud.password("demo"))
    page.click("[data-action=sign-in]")
    page.goto(f"{fake_cloud.url}/instances")
    page.click("main [data-action=launch] >> nth=0")
    page.fill("#n", name)
    page.click("main [data-action=submit]")
    _gone_on(page)
    server = next(row["id"] for row in rest.ok("GET", f"{COMPUTE}/servers?name={name}")["servers"])
    rest.until(server, "ACTIVE")
    page.goto(f"{fake_cloud.url}/instances?q={name}")
    page.click(f"tr[data-id='{server}'] [data-menu]")
    page.click("main [data-action=stop]")
    rest.until(server, "SHUTOFF")
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.click(".head [data-menu]")
    page.click("main [data-action=delete]")
    page.click("main [data-action=confirm]")
    page.wait_for_url("**/instances")
    rest.until_gone(server)
    context.close()


def _gone_on(page: Page) -> None:
    page.wait_for_url(re.compile(r"/instances(/[0-9a-f-]{36}.*)?$"))
