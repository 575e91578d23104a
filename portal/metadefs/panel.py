"""The panel of metadata definitions."""

from django.urls import path
from django.utils.translation import gettext_lazy

from portal.metadefs import dialogs, views
from portal.ui.panels import APART, Panel

_AT = "metadata-definitions"

PANELS = (
    Panel(
        name=_AT,
        label=gettext_lazy("Metadata definitions"),
        icon="tag",
        group=gettext_lazy("Administration"),
        place=537,
        rule="admin",
        urls=[
            path(_AT, views.Namespaces.as_view(), name=_AT),
            path(f"{_AT}{APART}/import", dialogs.IMPORT.as_view(), name="metadata-definition-import"),
            path(f"{_AT}{APART}/delete-several", dialogs.DELETE.as_view(), name="metadata-definitions-delete"),
            path(f"{_AT}/<str:id>", views.NamespaceItem.as_view(), name="metadata-definition"),
            path(f"{_AT}/<str:id>/edit", dialogs.EDIT.as_view(), name="metadata-definition-edit"),
            path(f"{_AT}/<str:id>/types", dialogs.TYPES.as_view(), name="metadata-definition-types"),
            path(f"{_AT}/<str:id>/delete", dialogs.DELETE.as_view(), name="metadata-definition-delete"),
            path(f"{_AT}/<str:id>/<str:tab>", views.NamespaceItem.as_view(), name="metadata-definition-tab"),
        ],
    ),
)
