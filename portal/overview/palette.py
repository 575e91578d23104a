"""Ctrl K: names, addresses, ids, pages and verbs of everything in one list; the best match first.

A panel whose page is a list is searched as its list is; one with more to tell says so itself (`Panel.search`). Labels are matched in
every language of the portal.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import CloudError
from identity.signin import sessions
from portal.ui import Text, hits, navigation
from portal.ui.hits import Found, Hit
from portal.ui.lists import ListPanel
from portal.ui.pages import Page
from portal.ui.panels import Panel

ALSO = 24  # hits of panels that have no heading of their own
SWITCH = gettext_lazy("Switch to project %(name)s")

#: What one does with the portal itself: label, icon, route, what of the page is pressed instead, whether it is a dialog.
OWN: tuple[tuple[Text, str, str, str, bool], ...] = (
    (gettext_lazy("Settings"), "settings", "settings", "", False),
    (gettext_lazy("Security"), "shield-lock", "security", "", False),
    (gettext_lazy("Change password"), "lock", "password", "", True),
    (gettext_lazy("Keys"), "keyboard", "", "[data-show-keys]", False),
    (gettext_lazy("API documentation"), "book", "docs", "", False),
    (gettext_lazy("Switch theme"), "sun-moon", "", "[data-theme-switch]", False),
    (gettext_lazy("Switch language"), "world", "", "[data-action=language]", False),
    (gettext_lazy("Sign out"), "logout", "", "[data-action=sign-out]", False),
)


@dataclass
class Group:
    label: Text
    hits: list[Hit]


class Find(Page):
    """GET /find?q=…: what each panel that the actor sees has for the text, then pages, then verbs; verbs that it names before all."""

    around = "overview/found_page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:100]
        seen = [panel for _label, entries in navigation.menu(self.actor) for panel in entries]
        groups = self.groups([(panel, self.of_panel(panel, text)) for panel in seen], text)
        return self.fragment("overview/found.html", title=_("Search"), groups=[group for group in groups if group.hits])

    def groups(self, found: list[tuple[Panel, Found]], text: str) -> list[Group]:
        """Order what was found as it is shown."""
        own = [hit for hit in (*_own(), *self.projects()) if text and hits.says(hit.label, text)]
        meant = [hit for hit in own if hits.begins(hit.label, text) is not None]
        rest = [hit for hit in own if hit not in meant]
        return [
            Group(_("Do"), [*(hit for _panel, one in found for hit in one.meant), *meant]),
            *(Group(panel.label, one.own) for panel, one in found),
            Group(_("Also"), [hit for _panel, one in found for hit in one.also][:ALSO]),
            Group(_("Pages"), _pages([panel for panel, _one in found], text)),
            Group(_("Do"), [*(hit for _panel, one in found for hit in one.deeds), *rest]),
            Group(_("Launch"), [hit for _panel, one in found for hit in one.last]),
        ]

    def of_panel(self, panel: Panel, text: str) -> Found:
        """Find what one panel has; nothing of what the actor may not list."""
        if panel.search is not None:
            return panel.search(self.actor, text)
        view = _list_of(panel.url) if text else None
        if view is None:
            return Found()
        page = view()
        page.setup(self.request)
        with suppress(CloudError):
            return page.found(text)
        return Found()

    def projects(self) -> list[Hit]:
        """Switching to another project of the user's."""
        others = sessions.projects(self.actor.user_id, sessions.provider_of(self.request))
        return [
            Hit(
                SWITCH % {"name": row.name}, "", "selector", does=f'[data-action=project][data-id="{row.pk}"]',
                action="project", id=row.pk,
            )
            for row in others
            if row.pk != self.actor.project_id
        ]  # fmt: skip


@cache
def _list_of(url: str) -> type[ListPanel] | None:
    """Return the list that is a panel's page, if it is one that the palette looks through."""
    view = getattr(resolve(url).func, "view_class", None)
    return view if isinstance(view, type) and issubclass(view, ListPanel) and view.in_palette else None


def _own() -> list[Hit]:
    return [
        Hit(label, reverse(route) if route else "", icon, does=does, dialog=dialog, action=route or "press")
        for label, icon, route, does, dialog in OWN
    ]


def _pages(seen: Iterable[Panel], text: str) -> list[Hit]:
    """Panels with the text in their name; the first few without one."""
    fit = [panel for panel in seen if hits.says(panel.label, text)]
    return [Hit(panel.label, panel.url, panel.icon, _("Page"), action=panel.name) for panel in fit[: 20 if text else 6]]
