"""Panels declare themselves: whatever stands in a package's `panel.py` is in the menu, the routes and the palette."""

import inspect
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from django.urls import NoReverseMatch, resolve, reverse

import portal
from portal import urls
from portal.keypairs.views import KeyPairs
from portal.servers.detail import Instance
from portal.ui import panels


def test_every_package_with_a_panel_file_is_found() -> None:
    root = Path(portal.__file__).parent
    declared = [import_module(f"portal.{path.parent.name}.panel").PANELS for path in root.glob("*/panel.py")]
    names = sorted(panel.name for several in declared for panel in several)
    assert len(names) > 20 and names == sorted(panel.name for panel in panels.panels())


def test_no_name_and_no_route_is_declared_twice() -> None:
    names = Counter(panel.name for panel in panels.panels())
    routes = Counter(url.name for url in urls.urlpatterns if url.name)
    assert max(names.values()) == 1 and max(routes.values()) == 1


#: Pages of things whose ids people choose.
CHOSEN = ("flavor", "host", "identity-provider", "key-pair", "mapping", "metadata-definition")


def test_no_word_of_an_address_hides_a_page() -> None:
    """A flavor called `create` has a page: no verb of a list stands where ids that people choose do."""
    patterns = [str(url.pattern) for url in urls.urlpatterns]
    words = {word for text in patterns for word in text.split("/") if word and "<" not in word}
    assert {"create", "-", "delete-several"} <= words
    routes = {url.name for url in urls.urlpatterns}
    for route in CHOSEN:
        own = [name for name in routes if name == route or (name or "").startswith(f"{route}-")]
        for word in words:
            for name in own:
                with suppress(NoReverseMatch):
                    found = resolve(reverse(name, kwargs={"id": word}))
                    assert (found.url_name, found.kwargs) == (name, {"id": word}), (route, word)


def test_an_address_of_a_tab_is_of_a_page_with_tabs() -> None:
    for url in urls.urlpatterns:
        if "<str:tab>" in str(url.pattern):
            view = url.callback.view_class  # type: ignore[attr-defined]
            assert getattr(view, "tabs", ()) or view is Instance, url.name


def test_a_list_page_costs_forty_lines_at_most() -> None:
    assert len(inspect.getsource(KeyPairs).splitlines()) <= 40
