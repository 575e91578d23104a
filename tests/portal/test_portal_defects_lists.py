"""Defects of lists, tables and the frame of every page (D7 … of the review of the portal)."""

import re

import pytest
from playwright.sync_api import expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LISTS = (
    "/all-instances",
    "/instances",
    "/images",
    "/flavors",
    "/networks",
    "/floating-ips",
    "/security-groups",
    "/users",
    "/hosts",
    "/hosts/-/compute",
    "/services",
)
#: What of the page's buttons in tables stands outside the window or its table's frame.
OUTSIDE = """[...document.querySelectorAll("main td.acts-c > *")].filter(one => {
  const box = one.getBoundingClientRect(), frame = one.closest(".tw").getBoundingClientRect();
  return box.width && (box.right > innerWidth || box.right > frame.right + 1 || box.left < frame.left);
}).length"""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth + 1"


def test_every_rows_menu_is_in_the_window(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D7: at 360 and from 768 to 1440 px each row's menu is seen, its entries too, and the search button has one line."""
    things.server(unused("wide"))
    page = enter(fake_cloud, "admin")
    wrong = []
    for path in LISTS:
        page.goto(fake_cloud.url + path)
        for width in (360, 768, 800, 900, 1280, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate(OUTSIDE) or page.evaluate(SIDEWAYS):
                wrong.append(f"{path} at {width}")
            if page.locator(".bar .find").bounding_box()["height"] > 40:  # type: ignore[index]
                wrong.append(f"search button at {width}")
    assert wrong == []
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto(f"{fake_cloud.url}/flavors")
    page.click("tr[data-id] [data-menu]")
    expect(page.locator("#menu li").first).to_be_visible()
    box = page.locator("#menu").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360


def test_bars_pass_under_the_top_bar_and_a_toast_has_no_patch(fake_cloud: LiveCloud, enter: Enter) -> None:
    """D14: a meter that is scrolled under the top bar is not seen there; a toast's icon stands on the toast's own ground."""
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances/launch")
    bar = page.locator("[data-after] svg.bar").first
    bar.evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 20)")
    over = bar.evaluate(
        """one => {
          const box = one.getBoundingClientRect();
          return document.elementFromPoint(box.left + 4, box.top + 2)?.closest("header.bar") !== null;
        }"""
    )
    assert over
    page.goto(f"{fake_cloud.url}/networks")
    page.locator("tr[data-id] a.name").first.click()
    page.wait_for_url("**/networks/*-*")
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("y")
    icon = page.locator("[data-toast] > span").first
    expect(icon).to_be_visible()
    assert icon.evaluate("one => getComputedStyle(one).backgroundColor") == "rgba(0, 0, 0, 0)"


def test_sorting_is_seen_and_keeps_the_filter(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D15: the sorted column has an arrow, each way round; a host filter stays."""
    server = things.server(unused("sorted"))
    host = things.admin.server(server)["OS-EXT-SRV-ATTR:host"]  # type: ignore[index]
    page = enter(fake_cloud, "admin")
    arrow = "one => getComputedStyle(one.querySelector('a'), '::after').content"
    for path, first in ((f"/all-instances?host={host}", "ascending"), ("/networks", "descending")):
        page.goto(fake_cloud.url + path)
        for way in (first, {"ascending": "descending", "descending": "ascending"}[first]):
            page.click("thead th:has-text('Name') a")
            head = page.locator("thead th:has-text('Name')")
            expect(head).to_have_attribute("aria-sort", way)
            assert head.evaluate(arrow) == {"ascending": '"↑"', "descending": '"↓"'}[way]
    page.goto(f"{fake_cloud.url}/all-instances?host={host}&q=sorted")
    for name in ("Flavor", "Age"):
        page.click(f"thead th:has-text('{name}') a")
        assert f"host={host}" in page.url and "q=sorted" in page.url
        assert page.locator("th[aria-sort]").count() == 1
    page.click(".seg a >> nth=1")
    assert f"host={host}" in page.url and "sort=" in page.url


@pytest.mark.parametrize("path", ["/networks", "/instances", "/users"])
def test_a_page_past_the_end_says_so(fake_cloud: LiveCloud, things: Things, enter: Enter, path: str) -> None:
    """D16: and leads to the last one."""
    if path == "/instances":
        things.server(unused("paged"))
    page = enter(fake_cloud, "admin" if path == "/users" else "demo")
    page.goto(f"{fake_cloud.url}{path}?page=99")
    expect(page.locator("[data-past-end]")).to_contain_text("There is no page 99")
    expect(page.locator("main")).not_to_contain_text("yet")
    page.click("[data-action=last-page]")
    expect(page.locator("main tbody tr").first).to_be_visible()


def test_key_pairs_come_and_go_by_themselves(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D17, I11: new rows are told in the first row, above a list that is empty; one that is deleted elsewhere goes; not another user's."""
    for row in things.demo.ok("GET", f"{COMPUTE}/os-keypairs")["keypairs"]:
        things.demo.ask("DELETE", f"{COMPUTE}/os-keypairs/{row['keypair']['name']}")
    page, other = enter(fake_cloud), enter(fake_cloud, "admin")
    for one in (page, other):
        one.goto(f"{fake_cloud.url}/key-pairs")
        one.wait_for_timeout(1000)
    first, second = unused("live"), unused("live")
    things.demo.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": first}})
    told = page.locator("#fresh")
    expect(told).to_contain_text("1 new", timeout=20_000)
    told.locator("a").click()
    expect(page.locator(f"tr[data-id={first}]")).to_be_visible()
    page.wait_for_timeout(1000)
    things.demo.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": second}})
    expect(told).to_contain_text("1 new", timeout=20_000)
    expect(page.locator("main tbody tr").first).to_have_text(re.compile("1 new"))
    for name in (first, second):
        things.demo.ask("DELETE", f"{COMPUTE}/os-keypairs/{name}")
    expect(page.locator(f"tr[data-id={first}]")).to_have_count(0, timeout=20_000)
    expect(other.locator("#fresh")).to_be_hidden()


@pytest.mark.slow
def test_the_longest_name_fits_every_page(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D18: 255 characters without a space make no page wider than its window."""
    name = f"{unused('w')}{'w' * 300}"[:255]
    network = things.network(name, "10.67.0.0/24")
    server = things.server(name, network=network)
    page = enter(fake_cloud)
    wrong = []
    for path in (f"/instances/{server}", "/instances", f"/instances/launch?name={name}", f"/networks/{network}", "/networks", "/",
                 f"/instances/{server}/activity", f"/instances/{server}/interfaces", "/activity"):  # fmt: skip
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(fake_cloud.url + path)
            if path.startswith("/instances/launch"):
                page.check(f"input[name=networks][data-name='{name}']")
            if page.evaluate(SIDEWAYS):
                wrong.append(
                    f"{re.sub('w{9,}', 'w…', path)} at {width}: {page.evaluate('document.documentElement.scrollWidth')}"
                )
    assert wrong == []
