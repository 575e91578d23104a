"""The panel of everything that happened."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.activity import requests, views
from portal.ui.panels import Panel

PANELS = (
    Panel(
        name="activity",
        label=gettext_lazy("Activity"),
        icon="history",
        group=gettext_lazy("Access"),
        place=430,
        without_project=True,
        key="y",
        urls=[
            path("activity", views.Activity.as_view(), name="activity"),
            path("requests/<str:request_id>", requests.Request.as_view(), name="request"),
        ],
    ),
)
