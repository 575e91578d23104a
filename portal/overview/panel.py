"""The panel of the whole project: the overview, the bell, and the search."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.load import views as load
from portal.overview import firststeps, palette, views
from portal.ui.panels import Panel

PANELS = (
    Panel(
        name="overview",
        label=gettext_lazy("Overview"),
        icon="layout-dashboard",
        place=100,
        without_project=True,
        key="o",
        urls=[
            path("", views.Overview.as_view(), name="overview"),
            path("load", load.CloudLoad.as_view(), name="cloud-load"),
            path("first-steps/away", firststeps.PutAway.as_view(), name="first-steps-away"),
            path("notices", views.Notices.as_view(), name="notices"),
            path("keys", views.Keys.as_view(), name="keys"),
            path("find", palette.Find.as_view(), name="find"),
        ],
    ),
)
