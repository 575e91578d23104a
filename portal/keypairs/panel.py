"""The panel of key pairs."""

from django.urls import path
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.keypairs.models import KeyPair
from portal.keypairs import views
from portal.ui import hits
from portal.ui.panels import Panel


def _search(actor: RequestContext, text: str) -> hits.Found:
    return hits.Found(deeds=hits.new(gettext_lazy("New key pair"), "key-pair-create", text))


PANELS = (
    Panel(
        name="key-pairs",
        label=gettext_lazy("Key pairs"),
        icon="key",
        group=gettext_lazy("Compute"),
        place=230,
        key="k",
        count=lambda actor: KeyPair.objects.filter(user_id=actor.user_id).count(),
        search=_search,
        urls=[
            path("key-pairs", views.KeyPairs.as_view(), name="key-pairs"),
            path("key-pairs/create", views.CREATE.as_view(), name="key-pair-create"),
            path("key-pairs/<path:id>/delete", views.DELETE.as_view(), name="key-pair-delete"),
            path("key-pairs/<path:id>", views.KeyPairItem.as_view(), name="key-pair"),
        ],
    ),
)
