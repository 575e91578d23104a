"""Every address of the portal: its own, and those that each panel declares."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from identity.signin import sessions
from portal.session.urls import urlpatterns as session
from portal.sharing.urls import urlpatterns as sharing
from portal.showas.urls import urlpatterns as showas
from portal.ui import navigation, panels


def menu(request: HttpRequest) -> JsonResponse:
    """Answer with the panels that the session sees, for scripts; those of nobody when signed out."""
    actor = sessions.actor_from_session(request)
    found = [
        {"panel": panel.name, "label": str(panel.label), "group": str(label), "url": panel.url}
        for label, entries in (navigation.menu(actor) if actor else [])
        for panel in entries
    ]
    return JsonResponse({"panels": found})


urlpatterns = [
    *session,
    path("menu.json", menu, name="menu"),
    *sharing,
    *showas,
    *(url for panel in panels.panels() for url in panel.urls),
]
