"""Defects of forms and dialogs (D1 … of the review of the portal): nothing typed is lost, nothing is widened or refused in silence."""

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter, take_new_address
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def page(fake_cloud: LiveCloud, enter: Enter) -> Page:
    """Signed in as demo."""
    return enter(fake_cloud)


def outside(page: Page) -> None:
    """A click beside the dialog."""
    page.mouse.click(12, 600)


def test_a_new_key_is_chosen_and_the_launch_form_stays(fake_cloud: LiveCloud, page: Page) -> None:
    """D1: the key made from the launch form is put into its select; name, floating IP and user data stay."""
    made, brought = unused("made"), unused("brought")
    page.goto(f"{fake_cloud.url}/instances/launch")
    page.fill("#n", "kept-1")
    page.fill("textarea[name=user_data]", "#!/bin/sh\necho kept")
    address = take_new_address(page)
    page.evaluate("window.stayed = true")
    page.click("[data-action=key-pair-create]")
    page.fill("#dialog #id_name", made)
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#private-key")).to_contain_text("PRIVATE KEY")
    page.click("#dialog [data-action=done]")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("#k")).to_have_value(made)
    expect(page.locator("[data-sum=key]")).to_have_text(made)
    expect(page.locator("#n")).to_have_value("kept-1")
    expect(page.locator("textarea[name=user_data]")).to_have_value("#!/bin/sh\necho kept")
    expect(page.locator("#fi")).to_have_value(address)
    assert page.evaluate("window.stayed") is True
    page.click("[data-action=key-pair-create]")
    page.fill("#dialog #id_name", brought)
    page.fill(
        "#dialog #id_public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Cq2dSu1h8n2U9fUuqRkGLDYzlFgZHfLPcwRb9EzTC me"
    )
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("#k")).to_have_value(brought)
    expect(page.locator("#n")).to_have_value("kept-1")


def test_a_dialog_keeps_a_secret_and_what_was_typed(fake_cloud: LiveCloud, page: Page) -> None:
    """D2: neither Escape nor a click beside it closes a dialog with a private key or with typed text; its buttons do."""
    key = unused("key")
    page.goto(f"{fake_cloud.url}/key-pairs")
    page.click("[data-action=create]")
    expect(page.locator("#dialog #id_name")).to_be_focused()
    outside(page)
    expect(page.locator("#dialog")).to_be_hidden()
    page.click("[data-action=create]")
    page.fill("#dialog #id_name", key)
    outside(page)
    for _twice in range(2):
        page.keyboard.press("Escape")
    expect(page.locator("#dialog #id_name")).to_have_value(key)
    expect(page.locator("#dialog [data-held]")).to_be_visible()
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#private-key")).to_contain_text("PRIVATE KEY")
    outside(page)
    for _twice in range(3):
        page.keyboard.press("Escape")
    expect(page.locator("#private-key")).to_be_visible()
    expect(page.locator("#dialog [data-held]")).to_contain_text("only this once")
    page.click("#dialog [data-action=done]")
    expect(page.locator(f"tr[data-id={key}]")).to_be_visible()
    page.click("[data-action=create]")
    page.fill("#dialog #id_name", "thrown-away")
    page.click("#dialog .sf [data-close]")
    expect(page.locator("#dialog")).to_be_hidden()


def test_a_question_that_was_refused_is_put_away_by_escape(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D2: nothing was typed into it. A network with a server on it is not deleted."""
    network = things.network(unused("held"), "10.81.0.0/24")
    things.server(unused("holds"), networks=[{"uuid": network}])
    page.goto(f"{fake_cloud.url}/networks/{network}")
    page.click(".head [data-menu]")
    page.click("#menu [data-action=delete]")
    page.click("#dialog [data-action=confirm]")
    expect(page.locator("#dialog [role=alert]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()


def test_chosen_ports_are_asked_for(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D3: a line of TCP without a port makes no rule and asks for one; presets bring the ports that they have."""
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": unused("ports")})
    page.goto(f"{fake_cloud.url}/security-groups/{group}")
    rules = page.locator("#rules [data-card=ingress]")
    rules.locator("[data-action=add-line]").click()
    line = rules.locator("[data-line]:visible")
    line.locator("[data-field=protocol]").select_option("tcp")
    page.click("#rules [data-action=save-rules]")
    expect(rules.locator("[data-field=ports][aria-invalid=true]")).to_be_visible()
    found = f"{NETWORK}/security-group-rules?direction=ingress&security_group_id={group}"
    assert things.demo.ok("GET", found)["security_group_rules"] == []
    rules.locator("[data-action=preset]").first.click()
    expect(line.last.locator("[data-field=ports]")).to_have_value("22")


def test_a_request_that_fails_is_told(fake_cloud: LiveCloud, enter: Enter) -> None:
    """D9: a row's menu, a dialog, the palette, a form's submit and the filter say so when the server does not answer."""
    page = enter(fake_cloud, expects=("Failed to load resource", "htmx:", "Response Status Error Code 500"))
    told = page.locator("[data-toast=bad]")
    page.goto(f"{fake_cloud.url}/networks")
    page.click("[data-action=create]")
    page.fill("#dialog #id_name", "unsent")
    for how in ("abort", "500"):
        page.route("**/*", lambda route: route.abort() if how == "abort" else route.fulfill(status=500, body="no"))  # noqa: B023
        page.click("#dialog [data-action=submit]")
        _told_and_dismissed(page)
    expect(page.locator("#dialog #id_name")).to_have_value("unsent")
    page.click("#dialog .sf [data-close]")
    page.click("tr[data-id] [data-menu]")
    _told_and_dismissed(page)
    page.click("[data-action=create]")
    _told_and_dismissed(page)
    page.keyboard.press("Control+k")
    expect(told).to_have_count(1)
    page.keyboard.press("Escape")
    _told_and_dismissed(page)
    page.fill("#q", "x")
    _told_and_dismissed(page)
    page.unroute("**/*")
    page.goto(f"{fake_cloud.url}/instances/launch")
    page.fill("#n", "unsent")
    page.route("**/*", lambda route: route.abort())
    page.click("[data-action=submit]")
    _told_and_dismissed(page)
    expect(page.locator("#n")).to_have_value("unsent")
    page.unroute("**/*")


def _told_and_dismissed(page: Page) -> None:
    """It is told once, above whatever is open."""
    told = page.locator("[data-toast=bad]")
    expect(told).to_have_count(1)
    assert told.evaluate(
        """one => {
          const box = one.getBoundingClientRect(), top = document.elementFromPoint(box.left + 20, box.top + 12);
          return one.contains(top) || Boolean(document.querySelector("dialog:modal"));
        }"""
    )
    told.evaluate("one => one.remove()")
