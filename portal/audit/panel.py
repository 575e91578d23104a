"""The panel of audit records."""

from django.urls import path
from django.utils.translation import gettext_lazy

from identity import audits
from portal.audit import views
from portal.ui.panels import Panel

PANELS = (
    Panel(
        name="audit",
        label=gettext_lazy("Audit"),
        icon="shield-check",
        group=gettext_lazy("Access"),
        place=440,
        rule=audits.SOME,
        urls=[
            path("audit", views.Events.as_view(), name="audit"),
            path("audit/<str:id>", views.EventItem.as_view(), name="audit-event"),
        ],
    ),
)
