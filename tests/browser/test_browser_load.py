"""Charts of load: they are drawn, follow the chosen time and the theme, say what lies under the pointer; and sparks in the list."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sampled(fake_cloud: LiveCloud) -> Iterator[str]:
    """The id of an instance that has run for long enough to have a minute of samples."""
    words = ("server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private", "--wait", "charted")
    id = str(fake_cloud.openstack_json(*words)["id"])
    yield id
    fake_cloud.openstack("server", "delete", "--wait", id)


def canvas_colours(page: Page) -> int:
    """How many pixels of the first chart are painted."""
    script = """() => { const c = document.querySelector("[data-chart] canvas");
      const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0;
      for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"""
    return int(page.evaluate(script))


def test_charts_are_drawn_and_follow_time_theme_and_pointer(fake_cloud: LiveCloud, sampled: str, enter: Enter) -> None:
    """I1: four charts of one time on the instance's page."""
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances/{sampled}")
    first = page.locator("[data-chart=cpu]")
    expect(first.locator("canvas")).to_be_visible(timeout=90_000)  # samples come each 10 s
    expect(page.locator("[data-chart] canvas")).to_have_count(4)
    expect(first.locator("[data-now]")).to_contain_text("%")
    expect(page.locator("[data-why]")).to_be_hidden()
    assert canvas_colours(page) > 500
    first.scroll_into_view_if_needed()
    over = first.locator(".u-over").bounding_box()
    assert over is not None
    page.mouse.move(over["x"] + over["width"] - 1, over["y"] + 20)
    expect(first.locator(".tip")).to_contain_text("%")
    expect(page.locator("[data-chart=memory] .tip")).to_contain_text("MiB")  # the cursors go together
    with page.expect_response(lambda answer: "span=24h" in answer.url):
        page.click("[data-span='24h']")
    expect(page.locator("[data-span='24h']")).to_have_attribute("aria-current", "true")
    page.click("[data-theme-switch]")
    expect(page.locator("[data-load]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_list_has_a_spark_a_row_by_one_request(fake_cloud: LiveCloud, sampled: str, enter: Enter) -> None:
    """I1: a spark in each row of the list."""
    page = enter(fake_cloud)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/sparks" in request.url else None)
    row = page.locator(f"tr[data-id='{sampled}']")
    for _try in range(20):  # until a whole minute is rolled up
        page.goto(f"{fake_cloud.url}/instances")
        page.wait_for_load_state("networkidle")
        if row.locator("svg.spark path").count():
            break
        page.wait_for_timeout(6_000)
    assert str(row.locator("svg.spark path").get_attribute("d")).startswith("M")
    assert asked[-1].count("id=") == page.locator("tbody tr[data-id]").count()
