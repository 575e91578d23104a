"""What is typed in the portal, in other forms, as one sees it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def things(fake_cloud: LiveCloud) -> Iterator[Things]:
    found = Things(fake_cloud)
    yield found
    found.remove()


def test_the_forms_of_a_dialog_follow_what_is_typed(fake_cloud: LiveCloud, enter: Enter) -> None:
    page = enter(fake_cloud)
    page.goto(f"{fake_cloud.url}/instances/launch")
    page.click("[data-summary] [data-action=show-as]")
    box = page.locator("[data-summary] .showas")
    expect(box.locator("[data-form=cli] code")).to_contain_text('"$NAME"')
    page.fill("#n", "web one")
    expect(box.locator("[data-form=cli] code")).to_contain_text("'web one'")
    box.locator("[data-form-tab=cli]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(box.locator("[data-form=python] code")).to_contain_text('name="web one"')
    page.reload()
    page.click("[data-summary] [data-action=show-as]")
    expect(box.locator("[data-form=python] code")).to_be_visible()


def test_a_button_and_a_list_in_other_forms_fit_a_phone(fake_cloud: LiveCloud, enter: Enter, things: Things) -> None:
    id = things.server("show-as-1")
    page = enter(fake_cloud, width=360)
    page.goto(f"{fake_cloud.url}/instances/{id}")
    page.click(".head [data-menu]")
    page.click("#menu [data-action=show-as]")
    page.select_option("#show-as-of", label="Stop")
    expect(page.locator("#dialog [data-form=cli] code")).to_have_text(f"openstack server stop {id}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "document.querySelector('#dialog').scrollWidth <= document.querySelector('#dialog').clientWidth"
    )
    page.goto(f"{fake_cloud.url}/instances")
    page.click("[data-action=list-as]")
    expect(page.locator("#dialog [data-form=cli] code")).to_have_text("openstack server list")
