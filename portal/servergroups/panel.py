"""The panel of server groups."""

from django.urls import path
from django.utils.translation import gettext_lazy

from compute.servergroups.models import ServerGroup
from portal.servergroups import views
from portal.ui.panels import Panel, of_project

PANELS = (
    Panel(
        name="server-groups",
        label=gettext_lazy("Server groups"),
        icon="target-arrow",
        group=gettext_lazy("Compute"),
        place=235,
        count=of_project(ServerGroup),
        urls=[
            path("server-groups", views.ServerGroups.as_view(), name="server-groups"),
            path("server-groups/create", views.CREATE.as_view(), name="server-group-create"),
            path("server-groups/delete", views.DELETE.as_view(), name="server-groups-delete"),
            path("server-groups/<str:id>", views.ServerGroupItem.as_view(), name="server-group"),
            path("server-groups/<str:id>/delete", views.DELETE.as_view(), name="server-group-delete"),
        ],
    ),
)
