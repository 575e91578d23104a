"""Defects of words and of what is offered (D8 … of the review of the portal): one table of states, Save, what cannot work."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation
from playwright.sync_api import Page, expect

from compute.servers.create import scheduling
from compute.servers.lifecycle import states
from hosts import states as host_states
from images.images import states as image_states
from portal.admin import status as host_status
from portal.images import status as image_status
from portal.servers import status
from portal.ui import timelines
from portal.volumes import status as volume_status
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, NETWORK
from volumes import scheduling as of_volumes
from volumes.snapshots import states as snapshot_states
from volumes.volumes import states as volume_states

#: What an age looks like in Chinese.
AGE = re.compile(r"^\d+\s(秒|分钟|小时|天)$")


def in_both(word: object) -> Iterator[str]:
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            yield str(word)


def test_every_state_has_a_word_in_both_languages() -> None:
    """D8: of servers, whatever is done to them, of images, volumes and hosts; and every filter of the schedulers."""
    tasks = {verb.task for verb in states.VERBS.values() if verb.task}
    tasks |= {states.NETWORKING, states.SPAWNING, states.RESIZE_MIGRATING, states.IMAGE_UPLOADING}
    assert tasks <= status.BUSY.keys()
    statuses = {states.status(state, None) for state in states.STATES}
    assert statuses <= status.STATES.keys()
    assert set(image_states.STATUSES) <= image_status.STATES.keys()
    filters = {name for name, *_ in (*scheduling.FILTERS, *of_volumes.FILTERS)}
    assert filters == timelines.FILTERS.keys()
    assert volume_states.STATES.keys() | snapshot_states.STATES.keys() == volume_status.STATES.keys()
    assert {state.value for state in host_states.HostState} <= host_status.STATES.keys()
    words = [status.BUSY[task] for task in tasks] + [status.STATES[one][1] for one in statuses]
    words += [
        word
        for _kind, word in (*image_status.STATES.values(), *host_status.STATES.values(), *volume_status.STATES.values())
    ]
    for word in (*words, *timelines.FILTERS.values()):
        english, chinese = in_both(word)
        assert english and "_" not in english and english != chinese, word


@pytest.fixture
def page(fake_cloud: LiveCloud, enter: Enter) -> Page:
    """Signed in as demo."""
    return enter(fake_cloud)


@pytest.mark.browser
def test_operators_see_whose_an_image_is(fake_cloud: LiveCloud, things: Things, enter: Enter) -> None:
    """D19: the images' list names the project, and calls what is shared so."""
    name = unused("owned")
    body = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "shared"}
    made = things.demo.ok("POST", "/api/image/v2/images", body)
    page = enter(fake_cloud, "admin")
    page.goto(f"{fake_cloud.url}/all-images?q={name}")
    row = page.locator(f"tr[data-id='{made['id']}']")
    expect(row).to_contain_text("shared")
    expect(row).to_contain_text("demo")
    things.demo.ask("DELETE", f"/api/image/v2/images/{made['id']}")


@pytest.mark.browser
def test_save_saves_and_a_rule_goes_only_when_saved(fake_cloud: LiveCloud, things: Things, page: Page) -> None:
    """D21: a form's button says Save, a deletion's other button Keep it; a rule that is taken away is there until Save, and can be undone."""
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": unused("ask")})
    found = f"{NETWORK}/security-group-rules?direction=egress&security_group_id={group}"
    page.goto(f"{fake_cloud.url}/security-groups/{group}")
    page.click("main [data-action=edit]")
    expect(page.locator("#dialog [data-action=submit]")).to_have_text("Save")
    page.click("#dialog .sf [data-close]")
    lines = page.locator("#rules [data-card=egress] [data-line]:visible")
    before = lines.count()
    assert before
    lines.first.locator("[data-drop-line]").click()
    expect(lines).to_have_count(before - 1)
    assert len(things.demo.ok("GET", found)["security_group_rules"]) == 2
    page.goto(f"{fake_cloud.url}/security-groups")
    page.click(f"tr[data-id='{group}'] [data-menu]")
    page.click("#menu [data-action=delete]")
    expect(page.locator("#dialog button[data-close]")).to_have_text("Keep it")


@pytest.mark.browser
def test_a_network_card_names_each_interface_once_and_keys_have_names_of_the_api(
    fake_cloud: LiveCloud, things: Things, page: Page
) -> None:
    """D22: one network and one MAC an interface, however many addresses; a key's name that the API refuses is refused."""
    server = things.server(unused("card"))
    port = things.demo.ok("GET", f"{NETWORK}/ports?device_id={server}")["ports"][0]
    pool = things.demo.named(f"{NETWORK}/networks", "networks", "public")
    body = {"floating_network_id": pool, "port_id": port["id"]}
    things.make(f"{NETWORK}/floatingips", "floatingip", body)
    page.goto(f"{fake_cloud.url}/instances/{server}")
    card = page.locator("section.card", has=page.locator("h2", has_text="Network"))
    expect(card).to_contain_text("Floating IP")
    expect(card.locator("dt", has_text="MAC")).to_have_count(1)
    expect(card.locator("dt", has_text="Network")).to_have_count(1)
    page.goto(f"{fake_cloud.url}/key-pairs")
    page.click("[data-action=create]")
    page.fill("#dialog #id_name", "ui key/ü")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog #id_name[aria-invalid=true]")).to_be_visible()
    bad = things.demo.ask("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "ui key/ü"}}, version="2.92")
    assert bad.status == 400


@pytest.mark.browser
def test_the_rail_shows_where_one_is_and_ages_are_in_chinese(
    fake_cloud: LiveCloud, things: Things, enter: Enter
) -> None:
    """D23: an operator's page at 900 px has its entry in the window; ages are in the reader's language."""
    page = enter(fake_cloud, "admin", width=900, language="zh-hans")
    page.set_viewport_size({"width": 900, "height": 600})
    for path in ("/mappings", "/services", "/"):
        page.goto(fake_cloud.url + path)
        box = page.locator("#rail [aria-current]").bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= 600, path
    page.goto(f"{fake_cloud.url}/hosts")
    expect(page.locator("time[data-age]").first).to_have_text(AGE)
    page.wait_for_timeout(1200)
    expect(page.locator("time[data-age]").first).to_have_text(AGE)


@pytest.mark.browser
def test_a_hosts_page_fits_and_the_api_reference_leads_back(
    fake_cloud: LiveCloud, things: Things, enter: Enter
) -> None:
    """D24: no table of it scrolls at 1440 px, no key is broken within a word, no tags touch; a name's direction ends with it."""
    page = enter(fake_cloud, "admin")
    page.goto(f"{fake_cloud.url}/hosts/fake1")
    assert page.evaluate("[...document.querySelectorAll('.tw')].every(one => one.scrollWidth <= one.clientWidth + 1)")
    broken = page.evaluate(
        """() => [...document.querySelectorAll("[data-card=inventory] dt")].filter(one => {
          const range = document.createRange();
          range.selectNodeContents(one);
          const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
          return lines > one.textContent.trim().split(/\\s+/).length;
        }).map(one => one.textContent)"""
    )
    assert broken == []
    touching = page.evaluate(
        """() => [...document.querySelectorAll(".tag")].filter(one => {
          const next = one.nextElementSibling, box = one.getBoundingClientRect();
          if (!next?.matches(".tag")) return false;
          const other = next.getBoundingClientRect();
          return other.top < box.bottom + 1 && other.left < box.right + 1;
        }).length"""
    )
    assert touching == 0
    assert page.locator("main", has_text="Can do").count() and page.locator("dt", has_text="Can do").count() == 0
    page.goto(f"{fake_cloud.url}/api/docs/")
    page.click("a[href='/']")
    page.wait_for_url(f"{fake_cloud.url}/")
    server = things.server(f"a\u202edcba-{unused('bidi')}")
    page.goto(f"{fake_cloud.url}/all-instances")
    name = page.locator(f"tr[data-id='{server}'] a.name")
    assert name.evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate"
