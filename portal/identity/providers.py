"""Identity providers: who vouches for users, by which protocols, and how the cloud is known there."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.federation import services
from identity.federation.services import PROVIDERS, RemoteIdTaken
from identity.models import Client, IdentityProvider
from identity.resource import Duplicate
from portal.identity import context
from portal.identity.bulk import Deletion
from portal.identity.projects import ENABLED, enabled
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Lines, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.status import Status, switch
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, attr


class Providers(ListPanel):
    panel, kind, route = "identity-providers", "identity_provider", "identity-provider"
    columns = (
        Column("ID", sort="id"),
        Column(gettext_lazy("Enabled"), sort="enabled", cell=enabled),
        Column(gettext_lazy("Description"), hide="m", cell=attr("muted", "description")),
        Column(
            gettext_lazy("Remote IDs"),
            hide="m",
            cell=lambda row: Cell("tags", [one.pk for one in row.remote_ids.all()]),
        ),
        Column(
            gettext_lazy("Protocols"),
            hide="l",
            cell=lambda row: Cell("tags", sorted(one.id for one in row.protocols.all())),
        ),
        Column(gettext_lazy("Domain"), hide="l", cell=attr("muted", "domain__name")),
    )
    search = ("id", "description")
    order = ("id",)
    filters = (ENABLED, Filter("id", "ID"))
    new = New(
        gettext_lazy("Create provider"),
        "identity-provider-create",
        "identity:create_identity_provider",
        target=lambda actor: {},
    )
    empty = Empty(
        gettext_lazy("No identity providers yet"),
        gettext_lazy(
            "A provider signs people in elsewhere, for example with a company's accounts, and tells us who they are."
        ),
        "openstack identity provider create --remote-id https://id.example.org company",
    )

    def query(self, actor: RequestContext) -> Any:
        return PROVIDERS.listing(actor, {}).select_related("domain").prefetch_related("protocols")

    def status(self, one: Any) -> Status:
        return switch(one.enabled)

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("identity-providers-delete") + "?ids=", risk=True),)


class ProviderItem(ItemPage):
    panel, kind = "identity-providers", "identity_provider"
    recorded = "data/security/identity"
    find = staticmethod(PROVIDERS.get)
    tabs = (("", gettext_lazy("Overview")), ("protocols", gettext_lazy("Protocols")))

    def actions(self, actor: RequestContext, row: IdentityProvider) -> list[Action]:
        change = gate(actor, "identity:update_identity_provider", {})
        remove = gate(actor, "identity:delete_identity_provider", {})
        add = gate(actor, "identity:create_protocol", {})
        switch = (_("Disable"), "player-pause") if row.enabled else (_("Enable"), "player-play")
        none = "" if Client.objects.filter(provider=row).exists() else _("There is no OpenID Connect client")

        def url(name: str) -> str:
            return reverse(f"identity-provider-{name}", args=[row.pk])

        return [
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("add-protocol", _("Add protocol"), "plus", reverse("protocol-create", args=[row.pk]), why=add),
            Action("openid", _("OpenID Connect client"), "key", url("openid"), "wide", change),
            Action("switch", *switch, url("switch"), "post", change),
            Action("drop-openid", _("Remove the client"), "key-off", url("drop"), why=change or none, risk=True),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove, risk=True),
        ]

    def detail(self, actor: RequestContext, row: IdentityProvider) -> Detail:
        facts = (
            (_("ID"), Cell("copy", row.pk)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("Enabled"), Cell("yes", row.enabled)),
            (_("Domain"), Cell("link", row.domain.name, reverse("domain", args=[row.domain_id]))),
            (_("Remote IDs"), Cell("tags", [one.pk for one in row.remote_ids.all()])),
            (_("Memberships last"), Cell("text", _("%(n)s min") % {"n": row.authorization_ttl} if row.authorization_ttl else "–")),
        )  # fmt: skip
        cards = [Card(_("Details"), pairs=facts, name="details"), self.client(row)]
        return Detail(row.pk, switch(row.enabled), facts=(Cell("text", row.description or ""),), cards=cards)

    def client(self, row: IdentityProvider) -> Card:
        known = Client.objects.filter(provider=row).first()
        action = Action("openid", _("Change"), "key", reverse("identity-provider-openid", args=[row.pk]), "wide")
        if known is None:
            none = Cell("muted", _("None. With one, people sign in at this provider from the sign-in page."))
            return Card(_("OpenID Connect client"), pairs=(("", none),), action=action, name="openid")
        facts = (
            (_("Issuer"), Cell("copy", known.issuer)),
            (_("Client ID"), Cell("copy", known.client_id)),
            (_("Client secret"), Cell("text", _("set") if known.encrypted_secret else _("none, a public client"))),
            (_("Scopes"), Cell("text", known.scopes)),
            (_("Further audiences"), Cell("tags", known.audiences)),
            (_("Button"), Cell("text", known.label or row.pk)),
        )
        return Card(_("OpenID Connect client"), pairs=facts, action=action, name="openid")

    def tab(self, actor: RequestContext, row: IdentityProvider, name: str) -> list[Card]:
        rows = [
            Row(
                one.id, one.id, "", None,
                (Cell("link", one.mapping_id, reverse("mapping", args=[one.mapping_id])), Cell("mono", one.remote_id_attribute or "")),
                menu=reverse("protocol-menu", args=[row.pk, one.id]),
            )
            for one in services.protocols(actor, row.pk)
        ]  # fmt: skip
        columns = (Column("ID"), Column(_("Mapping")), Column(_("Remote ID attribute"), hide="m"))
        add = Action("add-protocol", _("Add protocol"), "plus", reverse("protocol-create", args=[row.pk]))
        empty = _("No protocol yet: nobody signs in through this provider.")
        return [Card(_("Protocols"), columns=columns, rows=rows, empty=empty, action=add, name="protocols")]


class ProviderForm(Styled):
    remote_ids = Lines(
        label=gettext_lazy("Remote IDs"), required=False,
        help_text=gettext_lazy("How the provider calls itself, its issuer for OpenID Connect. One a line."),
    )  # fmt: skip
    description = Description()
    authorization_ttl = forms.IntegerField(
        label=gettext_lazy("Memberships last"), required=False, min_value=0,
        help_text=gettext_lazy("Minutes for which groups that a mapping gave still count after the last sign-in."),
    )  # fmt: skip
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)


class NewProviderForm(ProviderForm):
    id = forms.SlugField(label="ID", max_length=64)
    domain_id = forms.ChoiceField(
        label=gettext_lazy("Domain"), required=False, help_text=gettext_lazy("Where its users live.")
    )
    field_order = ("id", "domain_id", "remote_ids", "description", "authorization_ttl", "enabled")


def domains(call: Call) -> list[tuple[str, Text]]:
    return [("", _("A domain of its own")), *context.choosable(call.actor)]


def create(call: Call, values: dict[str, Any]) -> Any:
    id = values.pop("id")
    return PROVIDERS.create(call.actor, {**values, "domain_id": values["domain_id"] or None}, id=id)


def of_provider(call: Call) -> dict[str, object]:
    found = {name: getattr(call.row, name) for name in ("description", "authorization_ttl", "enabled")}
    return {**found, "remote_ids": "\n".join(one.pk for one in call.row.remote_ids.all())}


CREATE = FormDialog(
    panel="identity-providers",
    title=gettext_lazy("Create provider"),
    submit=gettext_lazy("Create"),
    form=NewProviderForm,
    initial=lambda call: {"enabled": True},
    choices={"domain_id": domains},
    places=((Duplicate, "id"), (RemoteIdTaken, "remote_ids")),
    do=create,
    next=to_made("identity-provider"),
)
EDIT = FormDialog(
    panel="identity-providers",
    find=PROVIDERS.get,
    title=gettext_lazy("Edit provider"),
    submit=gettext_lazy("Save"),
    form=ProviderForm,
    initial=of_provider,
    places=((RemoteIdTaken, "remote_ids"),),
    do=lambda call, values: PROVIDERS.update(call.actor, call.id, values),
    next=to("identity-provider", "id"),
)
DELETE = Deletion(
    panel="identity-providers",
    kind=PROVIDERS,
    route="identity-providers",
    one=gettext_lazy("Delete the provider"),
    bulk=gettext_lazy("Delete the providers"),
    text=gettext_lazy("Its protocols go with it, and nobody signs in through it any more."),
)
