"""The panel of key pairs."""

from django.urls import path
from django.utils.translation import gettext_lazy

from common.prepared import PreparedCount
from compute.keypairs.models import KeyPair
from portal.keypairs import views
from portal.ui.panels import APART, Panel

_key_pairs = PreparedCount(lambda user: KeyPair.objects.filter(user_id=user))

PANELS = (
    Panel(
        name="key-pairs",
        label=gettext_lazy("Key pairs"),
        icon="key",
        group=gettext_lazy("Compute"),
        place=230,
        key="k",
        count=lambda actor: _key_pairs(actor.user_id),
        urls=[
            path("key-pairs", views.KeyPairs.as_view(), name="key-pairs"),
            path(f"key-pairs{APART}/create", views.CREATE.as_view(), name="key-pair-create"),
            path(f"key-pairs{APART}/delete-several", views.DELETE.as_view(), name="key-pairs-delete"),
            path("key-pairs/<path:id>/delete", views.DELETE.as_view(), name="key-pair-delete"),
            path("key-pairs/<path:id>", views.KeyPairItem.as_view(), name="key-pair"),
        ],
    ),
)
