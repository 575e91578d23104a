"""Defects of the pages of instances (D4 … of the review of the portal)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, NETWORK, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def page(fake_cloud: LiveCloud, enter: Enter) -> Page:
    """Signed in as demo."""
    return enter(fake_cloud)


def test_deleting_from_its_page_leads_to_the_list(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D4: who deletes an instance from its page is led to the list; a page of something gone says so and leads on."""
    name = unused("leave")
    server = things.server(name)
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": unused("leave")})
    others = [page.context.new_page() for _n in range(2)]
    for other, path in zip(others, (f"/instances/{server}", f"/security-groups/{group}"), strict=True):
        other.goto(fake_cloud.url + path)
        other.wait_for_timeout(500)
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.click(".head [data-menu]")
    page.click("#menu [data-action=delete]")
    page.click("#dialog [data-action=confirm]")
    page.wait_for_url("**/instances")
    expect(page.locator("[data-toast=ok]")).to_contain_text(name)
    expect(page.locator("[data-toast=bad]")).to_have_count(0)
    assert things.demo.ask("DELETE", f"{NETWORK}/security-groups/{group}").status == 204
    for other, home in zip(others, ("/instances", "/security-groups"), strict=True):
        left = other.locator("[data-left]")
        expect(left).to_have_count(1, timeout=20_000)
        expect(other.locator("[data-toast=bad]")).to_have_count(0)
        expect(other.locator("[data-live-part]").first).to_have_attribute("inert", "")
        left.locator("a").click()
        other.wait_for_url(f"**{home}")


def test_a_failed_launch_tells_why_whole_and_how_to_go_on(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D5: what every host lacked is read whole at any width; what was not reached says so; it can be launched again."""
    name = unused("huge")
    body = {"name": name, "ram": 128, "vcpus": 1, "disk": 1_000_000}
    things.make(f"{COMPUTE}/flavors", "flavor", body, things.admin)
    server = things.server(name, "ERROR", flavor=name)
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{fake_cloud.url}/instances/{server}/activity")
        refused = page.locator("table.mx:has(td.no) tbody tr")
        expect(refused).to_have_count(3)
        expect(refused.first).to_contain_text(re.compile(r"needs 1000000 GiB, has \d+"))
        assert page.evaluate(
            """[...document.querySelectorAll(".mx td.no")].every(cell => {
              const box = cell.getBoundingClientRect();
              return box.right <= innerWidth && box.right <= cell.closest(".tw").getBoundingClientRect().right + 1;
            })"""
        )
        assert "Filter" not in page.locator("table.mx:has(td.no)").inner_text()
    page.goto(f"{fake_cloud.url}/instances/{server}")
    assert page.locator(".note.bad").inner_text().count("host") <= 2
    expect(page.locator("[data-card=startup]")).to_contain_text("not reached")
    expect(page.locator("[data-card=startup]")).not_to_contain_text("waiting")
    page.click("[data-action=launch-again]")
    expect(page.locator("#n")).to_have_value(name)


def test_what_a_form_begins_with_works(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D6: the launch form ticks a network that reaches the outside, and floating IPs are offered only where they can lead."""
    dead_end, far = unused("a-dead-end"), unused("a-far")
    things.network(dead_end, "10.66.1.0/24")
    outside = {"router:external": True, "provider:network_type": "vxlan"}
    things.network(far, "203.0.113.0/24", things.admin, **outside)
    server = things.server(unused("reach"))
    page.goto(f"{fake_cloud.url}/instances/launch")
    ticked = page.locator("input[name=networks]:checked")
    expect(ticked).to_have_attribute("data-name", "private")
    expect(page.locator("#fi option", has_text=far)).to_have_count(0)
    page.check(f"input[name=networks][data-name='{dead_end}']")
    page.uncheck("input[name=networks][data-name=private]")
    expect(page.locator("#fi option:not([disabled])")).to_have_text(["None"])
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.click("main a[data-action=floating-ip]")
    expect(page.locator("#dialog #id_floating option", has_text="public")).to_have_count(1)
    expect(page.locator("#dialog #id_floating option", has_text=far)).to_have_count(0)
    page.click("#dialog [data-action=submit]")
    expect(page.locator("main")).to_contain_text("ssh demo@")
    for row in things.demo.ok("GET", f"{NETWORK}/floatingips")["floatingips"]:
        things.demo.ask("DELETE", f"{NETWORK}/floatingips/{row['id']}")


def test_no_network_is_chosen_for_anybody(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D22: a launch without a network ticked asks for one."""
    page.goto(f"{fake_cloud.url}/instances/launch")
    page.fill("#n", unused("none"))
    page.uncheck("input[name=networks]:checked")
    page.click("[data-action=submit]")
    expect(page.locator("[data-errors]")).to_contain_text("Choose a network.")
    expect(page.locator("input[name=networks]:checked")).to_have_count(0)


def test_during_a_snapshot_no_raw_word_is_seen(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D8: no state that a server passes while its snapshot is taken shows the API's word, in either language."""
    server = things.server(unused("snap"))
    pages = [enter(fake_cloud), enter(fake_cloud, language="zh-hans")]
    for page in pages:
        page.goto(f"{fake_cloud.url}/instances/{server}")
        page.evaluate(
            """() => {
              window.heard = [];
              const hear = () => window.heard.push(document.querySelector(".head .st").textContent, document.title);
              new MutationObserver(hear).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
            }"""
        )
    things.demo.act(server, {"createImage": {"name": unused("snap")}})
    things.demo.until(server, "ACTIVE")
    for page in pages:
        expect(page.locator(".head .st.ok")).to_be_visible(timeout=20_000)
        heard = set(page.evaluate("window.heard"))
        assert len(heard) > 1 and not [text for text in heard if "_" in text], heard


def test_the_head_knows_the_state_and_since_when(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D13: the age beside the status is that of the state; what the state waits for is the first button, filled."""
    server = things.server(unused("since"))
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.wait_for_timeout(4000)
    things.demo.act(server, {"os-stop": None})
    things.demo.until(server, "SHUTOFF")
    page.reload()
    age = page.locator(".head > .mut time")
    assert int(age.inner_text().split()[0]) < 4, age.inner_text()
    expect(page.locator(".head .acts [data-action=start]:not([aria-disabled])")).to_be_visible()
    things.demo.act(server, {"os-start": None})
    things.demo.until(server, "ACTIVE")
    for act, verbs in (("suspend", ["resume"]), ("resume", ["console"])):
        things.demo.act(server, {act: None})
        things.demo.until(server, "SUSPENDED" if act == "suspend" else "ACTIVE")
        page.reload()
        first = page.locator(".head .acts [data-action]").first
        expect(first).to_have_attribute("data-action", verbs[0])
        expect(first).to_have_class(re.compile("btn-primary" if act == "suspend" else "btn-plain"))
    things.demo.act(server, {"resize": {"flavorRef": things.demo.named(f"{COMPUTE}/flavors", "flavors", "small")}})
    things.demo.until(server, "VERIFY_RESIZE")
    page.reload()
    acts = page.locator(".head .acts [data-action]")
    expect(acts.nth(0)).to_have_attribute("data-action", "confirm_resize")
    expect(acts.nth(1)).to_have_attribute("data-action", "revert_resize")
    page.click(".head [data-menu]")
    expect(page.locator("#menu [data-action=pause] small")).to_have_text(re.compile("“Confirm resize”"))
    page.keyboard.press("Escape")
    page.click(".head [data-action=confirm_resize]")
    things.demo.until(server, "ACTIVE")


def test_keys_do_what_they_say(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D11: r and Del work on an instance's page; Del on a list with nothing selected does nothing; s stops at the second press."""
    server = things.server(unused("keys"))
    page.goto(f"{fake_cloud.url}/instances")
    page.keyboard.press("Delete")
    page.wait_for_timeout(500)
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Delete")
    expect(page.locator("#dialog-title")).to_contain_text("Delete ")
    page.keyboard.press("Escape")
    page.goto(f"{fake_cloud.url}/instances/{server}")
    page.keyboard.press("Delete")
    expect(page.locator("#dialog-title")).to_contain_text("Delete ")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    page.keyboard.press("s")
    expect(page.locator("[data-toast]")).to_contain_text("once more")
    page.wait_for_timeout(500)
    assert things.demo.server(server)["OS-EXT-STS:task_state"] is None  # type: ignore[index]
    page.keyboard.press("s")
    expect(page.locator(".head[data-status=SHUTOFF]")).to_be_visible(timeout=20_000)
    page.keyboard.press("s")
    page.wait_for_timeout(300)
    page.keyboard.press("s")
    expect(page.locator(".head[data-status=ACTIVE]")).to_be_visible(timeout=20_000)
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    with page.expect_response(lambda answer: answer.url.endswith("/do/reboot")) as answer:
        page.keyboard.press("r")
    assert answer.value.status == 204


def test_a_console_has_the_keys_that_it_can_send(
    fake_cloud: LiveCloud, things: Things, serial_port: Callable[[str], bytearray], enter: Enter
) -> None:
    """D12: Serial offers Ctrl C, not Ctrl Alt Del; text is pasted by hand where the clipboard is shut; a phone has a keyboard."""
    server = things.server(unused("console"))
    typed = serial_port(server)
    page = enter(fake_cloud, width=360, touch=True)
    page.goto(f"{fake_cloud.url}/instances/{server}/console#serial")
    expect(page.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-action=ctrl-alt-del]")).to_be_hidden()
    page.click("[data-action=ctrl-c]")
    page.click("[data-console-paste]")
    page.fill("#paste textarea", "pasted ü\n")
    page.click("#paste [data-action=type-it]")
    page.click("[data-console-keyboard]")
    page.keyboard.type("ls")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.click("[data-console-key=ArrowUp]")
    until(lambda: bytes(typed) == "\x03pasted ü\rls\x7f\r\x1b[A".encode(), 10, f"the guest hears it all: {typed!r}")
    page.click("[data-console-kind=vnc]")
    expect(page.locator("[data-action=ctrl-alt-del]")).to_be_visible()
    expect(page.locator("[data-action=ctrl-c]")).to_be_hidden()
