"""The panel of key pairs."""

from django.urls import path
from django.utils.translation import gettext_lazy

from compute.keypairs.models import KeyPair
from portal.keypairs import views
from portal.ui.panels import APART, Panel

PANELS = (
    Panel(
        name="key-pairs",
        label=gettext_lazy("Key pairs"),
        icon="key",
        group=gettext_lazy("Compute"),
        place=230,
        key="k",
        count=lambda actor: KeyPair.objects.filter(user_id=actor.user_id).count(),
        urls=[
            path("key-pairs", views.KeyPairs.as_view(), name="key-pairs"),
            path(f"key-pairs{APART}/create", views.CREATE.as_view(), name="key-pair-create"),
            path(f"key-pairs{APART}/delete-several", views.DELETE.as_view(), name="key-pairs-delete"),
            path("key-pairs/<path:id>/delete", views.DELETE.as_view(), name="key-pair-delete"),
            path("key-pairs/<path:id>", views.KeyPairItem.as_view(), name="key-pair"),
        ],
    ),
)
