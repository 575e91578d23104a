"""Sharing by hand: the dialog, the grantee's page as it lives, and why a button is greyed, by key and by finger."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sweep import axe
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.rest import COMPUTE, IDENTITY, Rest, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NAME, PASSWORD = "borrower", "borrower's own password"


@pytest.fixture(scope="module")
def server(fake_cloud: LiveCloud) -> Iterator[str]:
    rest = Rest(fake_cloud)
    made = rest.boot("shared-1")
    rest.until(made, "ACTIVE")
    yield made
    rest.delete(made)


@pytest.fixture(scope="module")
def borrower(fake_cloud: LiveCloud) -> LiveCloud:
    """A user of another project; the cloud, as far as signing in goes."""
    admin = Rest(fake_cloud, "admin")
    home = admin.ok("POST", f"{IDENTITY}/projects", {"project": {"name": NAME}})["project"]["id"]
    new = {"name": NAME, "password": PASSWORD, "default_project_id": home}
    who = admin.ok("POST", f"{IDENTITY}/users", {"user": new})["user"]["id"]
    role = admin.ok("GET", f"{IDENTITY}/roles?name=member")["roles"][0]["id"]
    admin.ok("PUT", f"{IDENTITY}/projects/{home}/users/{who}/roles/{role}")
    found = LiveCloud.__new__(LiveCloud)
    found.port, found.data = fake_cloud.port, fake_cloud.data
    found.password = lambda account: PASSWORD  # type: ignore[method-assign]
    return found


def _share(page: Page, url: str, server: str) -> None:
    """By the menu of the instance's page, with the keyboard where there is a choice."""
    page.goto(f"{url}/instances/{server}")
    page.click("[data-menu][aria-label='More actions']")
    page.click("#menu [data-action=share]")
    form = page.locator("form[data-panel=share]")
    expect(form).to_be_visible()
    form.locator("[name=name]").fill("nobody of this name")
    form.locator("[name=name]").press("Enter")
    expect(form.locator("[name=name]")).to_have_attribute("aria-invalid", "true")
    form.locator("[name=name]").fill(NAME)
    form.locator("[name=level]").select_option("console")
    form.locator("[name=name]").press("Enter")
    expect(page.locator("form[data-panel=share] [data-action=withdraw]")).to_have_count(1)
    assert axe(page) == []
    assert page.evaluate(
        "document.querySelector('#dialog').scrollWidth <= document.querySelector('#dialog').clientWidth"
    )


def test_what_is_shared_appears_says_why_and_goes(
    fake_cloud: LiveCloud, borrower: LiveCloud, server: str, enter: Enter
) -> None:
    guest, owner = enter(borrower, NAME), enter(fake_cloud)
    guest.goto(f"{fake_cloud.url}/instances")
    expect(guest.locator(f"tr[data-id='{server}']")).to_have_count(0)
    _share(owner, fake_cloud.url, server)
    expect(guest.locator("#fresh a")).to_be_visible(timeout=10_000)  # the socket said that there is something new
    guest.click("#fresh a")
    expect(guest.locator(f"tr[data-id='{server}'] [data-shared]")).to_be_visible()
    guest.goto(f"{fake_cloud.url}/instances/{server}")
    stop, bubble = guest.locator(".acts [data-action=stop]"), guest.locator("#why")
    stop.focus()
    expect(bubble).to_have_text(re.compile("level console; this needs the level operate"))
    expect(stop).to_have_attribute("aria-describedby", "why")
    guest.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    assert axe(guest) == []
    guest.goto(f"{fake_cloud.url}/instances")
    owner.click("form[data-panel=share] [data-action=withdraw]")
    expect(owner.locator("form[data-panel=share] [data-action=withdraw]")).to_have_count(0)
    expect(guest.locator(f"tr[data-id='{server}']")).to_have_count(0, timeout=10_000)


def test_a_finger_reads_the_reason_at_the_foot(
    fake_cloud: LiveCloud, borrower: LiveCloud, server: str, enter: Enter
) -> None:
    rest = Rest(fake_cloud)
    asked = {"object_type": "server", "object_id": server, "level": "view", "user": {"name": NAME}}
    made = rest.ok("POST", f"{IDENTITY}/shares", {"share": asked})["share"]["id"]
    guest = Rest(borrower, NAME)
    until(lambda: guest.ask("GET", f"{COMPUTE}/servers/{server}").status == 200, 5, "the share counts")
    page = enter(borrower, NAME, width=360, theme="dark", language="zh-hans")
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.locator(".acts [data-action=stop]").click(force=True)
    bubble = page.locator("#why")
    expect(bubble).to_be_visible()
    box = bubble.bounding_box()
    assert box is not None and box["width"] >= 358 and box["y"] + box["height"] >= 899
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 361
    rest.ok("DELETE", f"{IDENTITY}/shares/{made}")


@pytest.mark.parametrize(("width", "theme", "language"), [(1440, "light", "en"), (360, "dark", "zh-hans")])
def test_what_is_shared_is_given_up(
    fake_cloud: LiveCloud, borrower: LiveCloud, server: str, enter: Enter, width: int, theme: str, language: str
) -> None:
    rest, guest = Rest(fake_cloud), Rest(borrower, NAME)
    asked = {"object_type": "server", "object_id": server, "level": "view", "user": {"name": NAME}}
    rest.ok("POST", f"{IDENTITY}/shares", {"share": asked})
    until(lambda: guest.ask("GET", f"{COMPUTE}/servers/{server}").status == 200, 5, "the share counts")
    page = enter(borrower, NAME, width=width, theme=theme, language=language)
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.click("[data-card=shared-with-you] [data-action=give-up]")
    expect(page.locator("#dialog [data-action=confirm]")).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    page.click("#dialog [data-action=confirm]")
    page.wait_for_url(f"{fake_cloud.url}/instances")
    expect(page.locator("[data-toast=ok]")).to_be_visible()
    expect(page.locator(f"tr[data-id='{server}']")).to_have_count(0)
    assert rest.ok("GET", f"{IDENTITY}/shares?object_type=server&object_id={server}")["shares"] == []
