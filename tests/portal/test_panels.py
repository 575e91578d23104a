"""Panels declare themselves: whatever stands in a package's `panel.py` is in the menu, the routes and the palette."""

import inspect
from collections import Counter
from importlib import import_module
from pathlib import Path

import portal
from portal import urls
from portal.keypairs.views import KeyPairs
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


def test_a_list_page_costs_forty_lines_at_most() -> None:
    assert len(inspect.getsource(KeyPairs).splitlines()) <= 40
