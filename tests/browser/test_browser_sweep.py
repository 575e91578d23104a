"""Every address of the portal's own table: nothing scrolls sideways, no page complains, axe finds nothing.

Contact sheets of the whole sweep lie in .pytest_cache/sheets.
"""

from typing import ClassVar

import pytest
from playwright.sync_api import Page

from tests.browser import sweep
from tests.browsing import NO_SCREEN, Enter
from tests.live import LiveCloud

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
#: What the fast tests look at: a list of each kind, a page of each kind, a form, charts, a map.
SIXTEEN = (
    "/", "/instances", "/instances/launch", "/instances/{instances}", "/instances/{instances}/activity", "/images", "/networks",
    "/networks/{networks}", "/security-groups/{security-groups}", "/topology", "/activity", "/settings/security", "/hosts",
    "/users", "/projects/{projects}", "/api-access",
)  # fmt: skip
LANGUAGES = ("en", "zh-hans")
LOOKS = [(theme, language) for theme in ("light", "dark") for language in LANGUAGES]


@pytest.fixture(scope="module")
def seeds(fake_cloud: LiveCloud) -> sweep.Seeds:
    """One thing of each kind to look at; they end with the cloud."""
    return sweep.Seeds(fake_cloud)


def look(page: Page, path: str, language: str, sheets: sweep.Sheets | None = None, name: str = "") -> list[str]:
    """What is wrong with the page that is open: times, and at each width what scrolls; axe in one language, for it reads no words."""
    wrong = [f"{path}: {time} has no exact time" for time in sweep.without_exact_time(page)]
    for width in sweep.WIDTHS:
        if sweep.sideways(page, width):
            wrong.append(f"{path} scrolls sideways at {width}")
        if language == "en" and width in sweep.AXE_WIDTHS:
            wrong += [f"{path} at {width}: {found}" for found in sweep.axe(page)]
        if sheets is not None:
            sheets.take(page, f"{name}-{width}")
    return wrong


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_sixteen_pages_fit_and_axe_finds_nothing(
    fake_cloud: LiveCloud, seeds: sweep.Seeds, enter: Enter, theme: str, language: str
) -> None:
    page = enter(fake_cloud, "admin", theme=theme, language=language)
    wrong = []
    for path in SIXTEEN:
        page.goto(fake_cloud.url + path.format_map({kind: of["id"] for kind, of in seeds.of.items() if "id" in of}))
        wrong += look(page, path, language)
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
    assert wrong == []


class EveryPage:
    """All there is, in one theme: a class each, so that two runners take one each (tests/run.py)."""

    theme: ClassVar[str]

    @pytest.mark.slow
    @pytest.mark.timeout(3600)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_page_fits_and_axe_finds_nothing(
        self, fake_cloud: LiveCloud, seeds: sweep.Seeds, enter: Enter, language: str
    ) -> None:
        """A table's address that answers with neither a page, a part, a file nor 405 is a fault too."""
        page = enter(fake_cloud, "admin", theme=self.theme, language=language, expects=NO_SCREEN)
        found, sheets = seeds.addresses(page, fake_cloud.url), sweep.Sheets()
        wrong = list(found.faults)
        for path in sorted(found.pages, key=sweep.soon):
            page.goto(fake_cloud.url + path, wait_until="load")
            wrong += look(page, path, language, sheets, f"{self.theme}-{language}")
        sheets.write()
        assert len(found.pages) > 150
        assert wrong == []

    @pytest.mark.slow
    @pytest.mark.timeout(3600)
    def test_every_dialog_fits_and_axe_finds_nothing(
        self, fake_cloud: LiveCloud, seeds: sweep.Seeds, enter: Enter
    ) -> None:
        page = enter(fake_cloud, "admin", theme=self.theme)
        found, wrong = seeds.addresses(page, fake_cloud.url), []
        page.goto(f"{fake_cloud.url}/api-access")
        for path in sorted(found.dialogs, key=sweep.soon):
            sweep.open_dialog(page, path)
            for width in sweep.AXE_WIDTHS:
                if sweep.sideways(page, width) or sweep.spills(page):
                    wrong.append(f"{path} scrolls sideways at {width}")
                wrong += [f"{path} at {width}: {one}" for one in sweep.axe(page, "#dialog")]
            page.evaluate("document.querySelector('#dialog').close()")
        assert len(found.dialogs) > 90
        assert wrong == []


class TestLight(EveryPage):
    theme = "light"


class TestDark(EveryPage):
    theme = "dark"
