"""The pages of the map: lanes and graph, each live, and the card beside them."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from common.errors import NotFound
from portal.topology import drawing, sides
from portal.ui.menus import Action, gate
from portal.ui.pages import Page, shown_at

GRAPH = "graph"


class Topology(Page):
    """GET: the map; with ?view=graph as a graph; with ?live its changing part."""

    panel = "topology"

    def get(self, request: HttpRequest) -> HttpResponse:
        view = GRAPH if request.GET.get("view") == GRAPH else "lanes"
        found = drawing.read(self.actor)
        context = {"map": found, "elements": found.elements() if view == GRAPH else None}
        if self.asks("live"):
            return self.fragment(f"topology/{view}_live.html", **context)
        return self.page("topology/page.html", view=view, verbs=verbs(self.actor), **context)


def verbs(actor: RequestContext) -> list[Action]:
    """List what can be made from the map."""
    here = f"?next={reverse('topology')}"
    project = actor.project_id
    return [
        Action("create-network", _("Network"), "plus", reverse("network-create") + here, "wide",
               gate(actor, "create_network", project)),
        Action("create-router", _("Router"), "plus", reverse("router-create") + here, "dialog",
               gate(actor, "create_router", project)),
    ]  # fmt: skip


class Beside(Page):
    """GET: the card of one thing of the map."""

    panel, around = "topology", "topology/beside_page.html"

    def get(self, request: HttpRequest, kind: str, id: str) -> HttpResponse:
        if kind not in sides.KINDS:
            raise NotFound(what=kind, id=id)
        try:
            side = sides.KINDS[kind](self.actor, id)
        except NotFound:  # it went while it was looked at
            return self.fragment("topology/gone.html")
        here = reverse("topology") + ("?view=graph" if "view=graph" in shown_at(request) else "")
        side.actions = [sides.back(action, here) for action in side.actions]
        side.lines = [(name, note, sides.back(action, here)) for name, note, action in side.lines]
        template = "topology/side_card.html" if self.asks("live") else "topology/side.html"
        return self.fragment(template, side=side, kind=kind, id=id)
