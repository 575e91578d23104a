"""Protocols: by which ways an identity provider vouches for users, and which mapping reads what it says."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.federation import services
from identity.federation.services import MAPPINGS, NoMapping
from identity.resource import Duplicate
from portal.ui.calls import Call, to
from portal.ui.dialogs import Delete, FormDialog
from portal.ui.forms import Styled
from portal.ui.menus import Action, Menu, gate


class ProtocolForm(Styled):
    mapping_id = forms.ChoiceField(label=gettext_lazy("Mapping"))
    remote_id_attribute = forms.CharField(label=gettext_lazy("Remote ID attribute"), required=False, max_length=64)


class NewProtocolForm(ProtocolForm):
    id = forms.SlugField(label="ID", max_length=64, help_text=gettext_lazy("For OpenID Connect: openid."))
    field_order = ("id", "mapping_id", "remote_id_attribute")


def find(actor: RequestContext, provider_id: str, protocol_id: str) -> Any:
    """Find a protocol of an identity provider. Raises: as services.protocol()."""
    return services.protocol(actor, provider_id, protocol_id)


def verbs(call: Call) -> list[Action]:
    actor, ids = call.actor, [call.keys["id"], call.id]
    find(actor, *ids)
    change, remove = gate(actor, "identity:update_protocol", {}), gate(actor, "identity:delete_protocol", {})
    return [
        Action("edit", _("Edit"), "pencil", reverse("protocol-edit", args=ids), why=change),
        Action("delete", _("Delete"), "trash", reverse("protocol-delete", args=ids), why=remove, risk=True),
    ]


def mappings(call: Call) -> list[tuple[str, str]]:
    return [(row.pk, row.pk) for row in MAPPINGS.listing(call.actor, {}).order_by("id")]


def of_protocol(call: Call) -> dict[str, object]:
    row = find(call.actor, call.keys["id"], call.id)
    return {"mapping_id": row.mapping_id, "remote_id_attribute": row.remote_id_attribute}


def sent(values: dict[str, object]) -> dict[str, object]:
    return {"mapping_id": values["mapping_id"], "remote_id_attribute": values["remote_id_attribute"] or None}


@transaction.atomic
def delete(call: Call) -> None:
    services.protocol(call.actor, call.keys["id"], call.id, verb="delete_protocol").delete()


MENU = Menu(panel="identity-providers", key="protocol", actions=verbs)
CREATE = FormDialog(
    panel="identity-providers",
    title=gettext_lazy("Add protocol"),
    submit=gettext_lazy("Add"),
    form=NewProtocolForm,
    initial=lambda call: {"id": "openid"},
    choices={"mapping_id": mappings},
    places=((Duplicate, "id"), (NoMapping, "mapping_id")),
    do=lambda call, values: services.create_protocol(call.actor, call.id, values["id"], sent(values)),
    next=to("identity-provider-tab", "id", tab="protocols"),
)
EDIT = FormDialog(
    panel="identity-providers",
    key="protocol",
    title=gettext_lazy("Edit protocol"),
    submit=gettext_lazy("Save"),
    form=ProtocolForm,
    initial=of_protocol,
    choices={"mapping_id": mappings},
    places=((Duplicate, "id"), (NoMapping, "mapping_id")),
    do=lambda call, values: services.update_protocol(call.actor, call.keys["id"], call.id, sent(values)),
    next=to("identity-provider-tab", "id", tab="protocols"),
)
DELETE = Delete(
    panel="identity-providers",
    key="protocol",
    submit=gettext_lazy("Delete the protocol"),
    do=delete,
    next=to("identity-provider-tab", "id", tab="protocols"),
)
