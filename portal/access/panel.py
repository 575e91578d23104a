"""The panel of addresses and client files."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.access import views
from portal.ui.panels import Panel

PANELS = (
    Panel(
        name="api-access",
        label=gettext_lazy("API access"),
        icon="terminal-2",
        group=gettext_lazy("Access"),
        place=410,
        without_project=True,
        key="a",
        urls=[
            path("api-access", views.ApiAccess.as_view(), name="api-access"),
            path("api-access/clouds.yaml", views.File.as_view(name="clouds.yaml"), name="clouds-yaml"),
            path("api-access/openrc.sh", views.File.as_view(name="openrc.sh"), name="openrc"),
        ],
    ),
)
