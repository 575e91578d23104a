"""Ctrl K: names, addresses, ids, pages and verbs of everything in one list; the best match first."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.ui import Text, navigation
from portal.ui.hits import Hit
from portal.ui.pages import Page
from portal.ui.panels import Panel

ALSO = 12  # hits of panels that have no heading of their own


@dataclass
class Group:
    label: Text
    hits: list[Hit]


class Find(Page):
    """GET /find?q=…: what each panel that the actor sees has for the text, then pages, then verbs."""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:100]
        seen = [panel for _label, entries in navigation.menu(self.actor) for panel in entries]
        found = [(panel.label, panel.search(self.actor, text)) for panel in seen if panel.search]
        groups = [
            *(Group(label, one.own) for label, one in found),
            Group(_("Also"), [hit for _label, one in found for hit in one.also][:ALSO]),
            Group(_("Pages"), _pages(seen, text)),
            Group(_("Do"), [hit for _label, one in found for hit in one.deeds]),
        ]
        return self.fragment("overview/found.html", groups=[group for group in groups if group.hits])


def _pages(seen: Iterable[Panel], text: str) -> list[Hit]:
    """Panels with the text in their name; the first few without one."""
    fit = [panel for panel in seen if text.lower() in str(panel.label).lower()]
    return [Hit(panel.label, panel.url, panel.icon, _("Page"), action=panel.name) for panel in fit[: 20 if text else 6]]
