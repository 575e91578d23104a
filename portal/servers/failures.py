"""The ways out of a failed launch: its buttons on the row, the overview and the page of the instance."""

from collections.abc import Iterable

from django.urls import path, reverse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from compute.servers.lifecycle import relaunch
from compute.servers.models import Server
from portal.ui.calls import Call
from portal.ui.menus import Action, Verb


def ways(actor: RequestContext, servers: Iterable[Server]) -> dict[str, list[Action]]:
    """Build the buttons of failed launches, the one that leads on first: id → those of each that the actor may launch again."""
    return {id: _buttons(id, way) for id, way in relaunch.ways_out(actor, servers).items()}


def _buttons(id: str, way: relaunch.WayOut) -> list[Action]:
    found = []
    if way.flavor is not None:
        label = _("Launch as %(flavor)s") % {"flavor": way.flavor.name}
        url = reverse("instance-relaunch-as", args=[id, way.flavor.pk])
        found.append(Action("launch-as", label, "rocket", url, "post", leads=True))
    url = reverse("instance-relaunch", args=[id])
    found.append(Action("try-again", _("Try again"), "refresh", url, "post", leads=way.flavor is None))
    return found


def again(call: Call) -> Server:
    """Launch again, with the flavor in the address, or its own."""
    return relaunch.relaunch(call.actor, server_id=call.id, flavor_id=call.keys.get("flavor", ""))


def launching(server: Server) -> str:
    """Say what was begun."""
    return _("Launching %(name)s as %(flavor)s") % {
        "name": server.name,
        "flavor": server.flavor.get("original_name", ""),
    }


AGAIN = Verb(panel="instances", do=again, said=launching)

URLS = [
    path("instances/<str:id>/relaunch", AGAIN.as_view(), name="instance-relaunch"),
    path("instances/<str:id>/relaunch/<str:flavor>", AGAIN.as_view(), name="instance-relaunch-as"),
]
