"""The panel of a project's usage. That of all projects is a tab of the operators' overview (portal.admin)."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.ui.panels import Panel
from portal.usage import views

PANELS = (
    Panel(
        name="usage",
        label=gettext_lazy("Usage"),
        icon="chart-bar",
        place=110,
        urls=[path("usage", views.ProjectUsage.as_view(), name="usage")],
    ),
)
