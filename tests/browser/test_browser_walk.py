"""What a person does, start to end, in a real browser with a real guest."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.rest import until

pytestmark = [pytest.mark.browser, pytest.mark.vm, pytest.mark.timeout(420)]
BOOT = 150_000  # ms until a guest without KVM says login


def test_from_sign_in_to_the_prompt_of_a_guest(cloud: LiveCloud, enter: Enter, picture: Callable[..., Path]) -> None:
    page = enter(cloud)
    expect(page.locator("[data-quota=instances] b")).to_have_text("0")
    _launch(page)
    picture(page, "instance", full_page=True)
    address = page.url.rstrip("/")
    _read_log(page, address)
    _type_into_serial(page, address)
    _see_screen(page, address, picture)
    _stop_and_delete(page, cloud, address)


def _launch(page: Page) -> None:
    """The form with name only; then its stages, without a reload, down to the login."""
    page.click("[data-action=launch]")
    page.fill("#n", "web-1")
    page.click("[data-summary] [data-action=show-as]")
    expect(page.locator("[data-summary] [data-form=cli]")).to_contain_text("openstack server create")
    expect(page.locator("[data-of=instances]")).to_have_text("1 of 10")
    page.evaluate("window.stayed = true")
    page.click("[data-action=submit]")
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    page.evaluate("window.stayed = true")
    expect(page.locator(".head[data-status=ACTIVE]")).to_be_visible(timeout=60_000)
    expect(page).to_have_title("web-1, active · Stackling")
    done = page.locator("[data-card=startup] li[data-status=done]")
    expect(done).to_have_count(7, timeout=BOOT)
    assert page.evaluate("window.stayed") is True


def _read_log(page: Page, address: str) -> None:
    page.goto(f"{address}/log")
    expect(page.locator("[data-log-text]")).to_contain_text("login:", timeout=20_000)
    page.fill("[data-log-search]", "metadata service")
    expect(page.locator("[data-log-text] mark").first).to_be_visible()


def _type_into_serial(page: Page, address: str) -> None:
    page.goto(f"{address}/console#serial")
    expect(page.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
    page.click(".xterm-screen")
    page.keyboard.press("Enter")
    screen = page.locator(".xterm-rows")
    expect(screen).to_contain_text("login:", timeout=20_000)
    page.keyboard.type("demo")
    expect(screen).to_contain_text(re.compile("login: *demo"), timeout=10_000)


def _see_screen(page: Page, address: str, picture: Callable[..., Path]) -> None:
    """noVNC's canvas shows something lighter than a blank screen, and more of it after a key."""
    page.goto("about:blank")
    page.goto(f"{address}/console")
    expect(page.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
    until(lambda: page.evaluate(_INK) > 200, 30, "the guest's screen shows something")
    before = page.evaluate(_INK)
    page.click("[data-console-screen] canvas")
    page.keyboard.type("hello there", delay=60)
    until(lambda: page.evaluate(_INK) > before + 40, 15, "the screen shows what was typed")
    picture(page, "console")
    page.set_viewport_size({"width": 360, "height": 800})
    until(lambda: page.evaluate(_WIDTH) <= 360, 10, "the whole screen is seen on a phone")
    page.reload()
    expect(page.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
    until(lambda: 0 < page.evaluate(_WIDTH) <= 360, 10, "the whole screen is seen on a phone from the start")
    page.set_viewport_size({"width": 1440, "height": 900})


#: How wide the guest's screen is on the page.
_WIDTH = "document.querySelector('[data-console-screen] canvas')?.getBoundingClientRect().width ?? 0"
#: How many pixels of the guest's screen are lit.
_INK = """() => {
  const canvas = document.querySelector("[data-console-screen] canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let lit = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] + data[at + 1] + data[at + 2] > 150) lit++;
  return lit;
}"""


def _stop_and_delete(page: Page, cloud: LiveCloud, address: str) -> None:
    page.goto(f"{cloud.url}/instances")
    page.click("tr[data-status=ACTIVE] [data-menu]")
    page.click("#menu [data-action=stop]")
    expect(page.locator("tr[data-status=SHUTOFF] .st.off")).to_be_visible(timeout=120_000)
    page.goto(f"{address}/console")
    again = page.locator("[data-console-again]")
    expect(again).to_be_visible()
    assert again.bounding_box()["height"] < 44  # type: ignore[index]  # its icon stands beside its words
    page.goto(f"{address}/activity")
    expect(page.locator("[data-action=stop][data-status=done]").first).to_be_visible()
    page.goto(f"{cloud.url}/")
    page.goto(address)
    page.click("main [data-menu]")
    page.click("#menu [data-action=delete]")
    expect(page.locator("#dialog [data-close]")).to_be_focused()
    page.click("#dialog [data-action=confirm]")
    expect(page.locator("#dialog")).to_be_hidden()  # leaving before the answer would take the request back
    page.goto(f"{cloud.url}/instances")
    expect(page.locator("tbody tr[data-id]")).to_have_count(0, timeout=60_000)
