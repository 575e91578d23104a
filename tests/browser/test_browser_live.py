"""The live page: nothing is asked for anew without need, nothing is missed before the socket is there, what goes is told.

And a console, which lives as long as the session by which it was opened.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.rest import COMPUTE, Rest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
MakeServer = Callable[[str], str]


@pytest.fixture
def make_server(fake_cloud: LiveCloud) -> Iterator[MakeServer]:
    """`make_server("web-1")` is the id of one that runs."""
    made = []

    def make(name: str) -> str:
        words = ("server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private", "--wait", name)
        made.append(fake_cloud.openstack_json(*words)["id"])
        return str(made[-1])

    yield make
    left = {row["ID"] for row in fake_cloud.openstack_json("server", "list")}
    for id in left & set(made):
        fake_cloud.openstack("server", "delete", "--wait", id)


def asked_for_rows(page: Page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "rows=" in request.url else None)
    return asked


def open_list(page: Page, url: str) -> None:
    """Until its socket has answered."""
    frames: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto(f"{url}/instances")
    for _try in range(1200):
        if any("since" in frame for frame in frames):
            break
        page.wait_for_timeout(50)
    else:
        raise AssertionError(f"the socket did not answer: {frames}")


def test_a_page_that_nothing_happened_to_asks_for_no_row(
    fake_cloud: LiveCloud, make_server: MakeServer, enter: Enter
) -> None:
    make_server("quiet-1")
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances")
    page.wait_for_timeout(3000)  # from here on the sockets' process knows everything
    asked = asked_for_rows(page)
    open_list(page, fake_cloud.url)
    page.wait_for_timeout(1000)
    assert asked == []


def test_nothing_is_missed_between_a_page_and_its_socket(
    fake_cloud: LiveCloud, make_server: MakeServer, enter: Enter
) -> None:
    """The socket comes seconds late: what stopped and what was made meanwhile is there once it is."""
    server, other = make_server("early-1"), make_server("quiet-2")
    page = enter(fake_cloud)
    page.wait_for_timeout(3000)
    lines: list[WebSocketRoute] = []
    page.route_web_socket("**/ws/", lambda line: lines.append(line))  # not bound: Playwright marks what it is given
    asked = asked_for_rows(page)
    page.goto(f"{fake_cloud.url}/instances")
    row = page.locator(f"tr[data-id='{server}']")
    expect(row).to_have_attribute("data-status", "ACTIVE")
    fake_cloud.openstack("server", "stop", server)
    make_server("meanwhile-1")
    assert lines and asked == []
    lines[0].connect_to_server()
    expect(page.locator(f"tr[data-id='{server}'][data-status=SHUTOFF]")).to_be_visible(timeout=20_000)
    expect(page.locator("#fresh")).to_contain_text("1 new")
    assert not any(other in url for url in asked)


def test_a_page_that_was_without_a_socket_asks_only_for_what_changed_meanwhile(
    fake_cloud: LiveCloud, make_server: MakeServer, enter: Enter
) -> None:
    """It asked for everything that it shows, each time that the sockets' process or the network was away for a moment."""
    server, other = make_server("away-1"), make_server("quiet-3")
    page = enter(fake_cloud)
    page.wait_for_timeout(3000)
    lines: list[WebSocketRoute] = []

    def route(line: WebSocketRoute) -> None:
        if not lines:
            line.connect_to_server()
        lines.append(line)

    page.route_web_socket("**/ws/", route)
    open_list(page, fake_cloud.url)
    asked = asked_for_rows(page)
    lines[0].close()
    Rest(fake_cloud).ok("PUT", f"{COMPUTE}/servers/{server}", {"server": {"name": "renamed-1"}})
    while len(lines) < 2:
        page.wait_for_timeout(50)
    assert asked == []
    lines[1].connect_to_server()
    expect(page.locator(f"tr[data-id='{server}']")).to_contain_text("renamed-1")
    assert asked and not any(other in url for url in asked)


def test_the_page_of_something_that_was_deleted_says_so_once(
    fake_cloud: LiveCloud, make_server: MakeServer, enter: Enter
) -> None:
    """And the browser sees no failed request: `enter` would tell of one. Nothing there looks as if it still went on."""
    server = make_server("going-1")
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances/{server}")
    expect(page.locator("h1")).to_contain_text("going-1")
    fake_cloud.openstack("server", "delete", "--wait", server)
    expect(page.locator("[data-toast=ok]")).to_contain_text("not there any more")
    page.wait_for_timeout(1500)
    expect(page.locator("[data-toast]")).to_have_count(1)
    expect(page).to_have_title("going-1, not there any more · Stackling")
    expect(page.locator(".head .st.off")).to_have_text("not there any more")
    expect(page.locator("main .st.busy, .head time")).to_have_count(0)


def test_a_console_ends_with_the_session_by_which_it_was_opened(
    fake_cloud: LiveCloud, make_server: MakeServer, serial_port: Callable[[str], None], enter: Enter
) -> None:
    """Signing out in another tab cuts it within seconds; somebody else's session cuts nothing."""
    server = make_server("typed-1")
    serial_port(server)
    mine, other = enter(fake_cloud), enter(fake_cloud)
    consoles = [mine, other]
    for page in consoles:
        page.goto(f"{fake_cloud.url}/instances/{server}/console#serial")
        expect(page.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
        expect(page.locator("[data-console-screen]")).to_contain_text("login:")
    tab = mine.context.new_page()
    tab.goto(f"{fake_cloud.url}/settings")
    tab.click("[data-action=account]")
    tab.click("[data-action=sign-out]")
    tab.wait_for_url("**/sign-in")
    expect(mine.locator("[data-console]")).to_have_attribute("data-status", "lost", timeout=10_000)
    expect(other.locator("[data-console][data-status=connected]")).to_be_visible()


def test_who_looks_on_is_told_that_the_link_has_ended(
    fake_cloud: LiveCloud, make_server: MakeServer, serial_port: Callable[[str], None], enter: Enter
) -> None:
    """A6, C3: a link opens a console without signing in, to look on; its end cuts it and the page says so by itself."""
    server = make_server("shown-1")
    serial_port(server)
    owner, viewer = enter(fake_cloud), enter(fake_cloud)
    owner.goto(f"{fake_cloud.url}/instances/{server}/console#serial")
    owner.click("[data-action=make-link]")
    address = owner.locator("#console-links [data-made] code").inner_text()
    viewer.context.clear_cookies()
    viewer.goto(f"{address}#serial")
    expect(viewer.locator("[data-console][data-status=connected]")).to_be_visible(timeout=20_000)
    expect(viewer.locator("[data-console-screen]")).to_contain_text("login:")
    owner.click("#console-links [data-action=end-link]")
    expect(viewer.locator("[data-console]")).to_have_attribute("data-status", "over", timeout=10_000)
    expect(viewer.locator("[data-console-again]")).to_be_hidden()
