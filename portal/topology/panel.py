"""The panel of the map."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.topology import views
from portal.ui.panels import Panel

PANELS = (
    Panel(
        name="topology",
        label=gettext_lazy("Topology"),
        icon="topology-star-3",
        group=gettext_lazy("Network"),
        place=305,
        key="t",
        urls=[
            path("topology", views.Topology.as_view(), name="topology"),
            path("topology/<str:kind>/<str:id>", views.Beside.as_view(), name="topology-side"),
        ],
    ),
)
