"""How pages look and work on a phone, by keys, and while something changes. Every page at every width: test_browser_sweep.py."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browsing import Enter
from tests.live import LiveCloud

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(fake_cloud: LiveCloud) -> Iterator[str]:
    """One instance to look at."""
    found = fake_cloud.openstack_json(
        "server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private", "--wait", "look-1"
    )
    yield found["id"]
    fake_cloud.openstack("server", "delete", "--wait", found["id"])


def test_an_instances_head_and_steps_fit_a_phone(fake_cloud: LiveCloud, server: str, enter: Enter) -> None:
    """One line of buttons, one line a heading; no number is broken in two."""
    page = enter(fake_cloud, width=360)
    page.goto(f"{fake_cloud.url}/instances/{server}")
    tops = page.evaluate(
        "[...document.querySelectorAll('.head .acts .btn')].map(one => one.getBoundingClientRect().top)"
    )
    assert len(tops) == 4 and len(set(tops)) == 1, tops
    assert page.evaluate(_LINES, "[data-card=startup] h2") == [1]
    page.goto(f"{fake_cloud.url}/instances/{server}/activity")
    assert set(page.evaluate(_LINES, ".ops .h .r > *")) == {1}


#: In how many lines the text of each element stands.
_LINES = """selector => [...document.querySelectorAll(selector)].map(one => {
  const range = document.createRange();
  range.selectNodeContents(one);
  return new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.bottom / 8))).size;
})"""


def test_a_row_changes_by_itself_with_few_requests(fake_cloud: LiveCloud, server: str, enter: Enter) -> None:
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "rows=" in request.url else None)
    page.wait_for_timeout(500)
    fake_cloud.openstack("server", "stop", server)
    expect(page.locator(f"tr[data-id='{server}'][data-status=SHUTOFF] .st.off")).to_be_visible(timeout=20_000)
    assert len(asked) <= 4
    fake_cloud.openstack("server", "start", server)
    expect(page.locator(f"tr[data-id='{server}'][data-status=ACTIVE] .st.ok")).to_be_visible(timeout=20_000)


def test_the_first_load_is_small(fake_cloud: LiveCloud, enter: Enter) -> None:
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances")
    whole = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
    )
    assert whole <= 230_000


def test_keys_and_the_palette(fake_cloud: LiveCloud, server: str, enter: Enter) -> None:
    page = enter(fake_cloud)
    page.keyboard.press("Control+k")
    page.keyboard.type("look-1")
    expect(page.locator("#found a.on")).to_contain_text("look-1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/instances/{server}")
    page.keyboard.press("?")
    expect(page.locator("#dialog .keys")).to_contain_text("Copy the id")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/networks")
    page.goto(f"{fake_cloud.url}/keys")  # a page of its own has nothing to close
    expect(page.locator("main .keys")).to_be_visible()
    expect(page.locator("main [data-close]")).to_be_hidden()


def test_a_wrong_field_keeps_the_dialog_and_says_what(fake_cloud: LiveCloud, enter: Enter) -> None:
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/networks")
    page.click("[data-action=create]")
    page.fill("#id_name", "looked-at")
    page.fill("#id_cidr", "nonsense")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog #id_cidr[aria-invalid=true]")).to_be_focused()
    page.fill("#id_cidr", "10.77.0.0/24")
    page.click("#dialog [data-action=submit]")
    page.wait_for_url("**/networks/*-*")
    page.click("main [data-menu]")
    page.click("#menu [data-action=delete]")
    page.click("#dialog [data-action=confirm]")
    page.wait_for_url("**/networks")


def test_paper_has_the_list_and_nothing_to_press(fake_cloud: LiveCloud, server: str, enter: Enter) -> None:
    """Printed from a dark page: light, all columns, no rail, no button."""
    page = enter(fake_cloud, theme="dark")
    page.goto(f"{fake_cloud.url}/instances")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(f"tr[data-id='{server}'] td.w-m").first).to_be_hidden()  # a box to tick
    expect(page.locator(f"tr[data-id='{server}']")).to_contain_text("look-1")
    for selector in ("#rail", "header.bar", ".acts", "[data-menu]", ".filters", ".pages", ".tick"):
        expect(page.locator(f"{selector} >> nth=0")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(media="screen")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("width", [320, 360])
def test_the_bar_fits_a_phone_with_all_that_it_can_hold(fake_cloud: LiveCloud, enter: Enter, width: int) -> None:
    """While something is recorded, and while the page is not live."""
    page = enter(fake_cloud, width=width)
    page.goto(f"{fake_cloud.url}/recording")
    page.click("main button[value=start]")
    expect(page.locator("header [data-action=recording]")).to_be_visible()
    page.goto(f"{fake_cloud.url}/networks")
    page.evaluate("document.querySelector('#lost').textContent = document.body.dataset.saidOffline")
    for is_lost in (False, True):
        page.evaluate("lost => { document.querySelector('#lost').hidden = !lost; }", is_lost)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("header [data-action=account]").bounding_box()
        assert box is not None and box["x"] + box["width"] <= width
    page.goto(f"{fake_cloud.url}/recording")
    page.click("main button[value=stop]")
    expect(page.locator("header [data-action=recording]")).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(1440, 700), (360, 640)])
def test_an_instances_menu_is_in_the_window_to_its_last_verb(
    fake_cloud: LiveCloud, server: str, enter: Enter, width: int, height: int
) -> None:
    page = enter(fake_cloud, width=width)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{fake_cloud.url}/instances")
    page.click(f"tr[data-id='{server}'] [data-menu]")
    menu = page.locator("#menu")
    expect(menu.locator("[data-action=copy-id]")).to_be_attached()
    box = menu.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] >= 0 and box["y"] + box["height"] <= height
    expect(menu.locator("a, button").first).to_be_focused()
    page.keyboard.press("End")
    last = menu.locator("[data-action=copy-id]")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    page.keyboard.press("ArrowDown")
    expect(menu.locator("a, button").first).to_be_focused()


def test_a_table_that_goes_on_at_a_side_fades_out_there(fake_cloud: LiveCloud, enter: Enter) -> None:
    page = enter(fake_cloud, "admin", width=360)
    page.goto(f"{fake_cloud.url}/services/processes")
    frame = page.locator(".tw").first
    expect(frame).to_have_attribute("data-beyond", "")
    assert frame.get_attribute("data-before") is None
    frame.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    expect(frame).to_have_attribute("data-before", "")
    expect(frame).not_to_have_attribute("data-beyond", "")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(frame).not_to_have_attribute("data-before", "")


def test_a_group_of_the_rail_stays_folded(fake_cloud: LiveCloud, enter: Enter) -> None:
    """But the one that holds the page that is open: that is in sight."""
    page = enter(fake_cloud, "admin")
    page.goto(f"{fake_cloud.url}/networks")
    for group in ("users", "networks"):
        page.locator(f"#rail details:has([data-panel={group}]) summary").click()
        expect(page.locator(f"#rail [data-panel={group}]")).to_be_hidden()
    page.goto(f"{fake_cloud.url}/routers")
    expect(page.locator("#rail [data-panel=users]")).to_be_hidden()
    expect(page.locator("#rail [data-panel=routers][aria-current=page]")).to_be_visible()
    page.goto(f"{fake_cloud.url}/instances")
    expect(page.locator("#rail [data-panel=networks]")).to_be_hidden()


def test_the_tools_of_a_list_stand_in_one_line(fake_cloud: LiveCloud, enter: Enter) -> None:
    """Also where the most filters are."""
    page = enter(fake_cloud, "admin")
    page.goto(f"{fake_cloud.url}/networks")
    tops = page.evaluate(
        "[...document.querySelectorAll('.filters > *')].map(one => one.getBoundingClientRect()).filter(box => box.width).map(box => box.top + box.height / 2)"
    )
    assert max(tops) - min(tops) < 10
