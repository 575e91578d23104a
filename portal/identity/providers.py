"""Identity providers: who vouches for users, by which protocols, and how the cloud is known there."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from identity.crud import Duplicate
from identity.federation import services
from identity.federation.fetching import BadAddress
from identity.federation.services import MAPPINGS, PROVIDERS, NoMapping, RemoteIdTaken
from identity.models import Client, IdentityProvider
from portal.identity import context
from portal.identity.projects import ENABLED
from portal.identity.several import Deleting, Switch
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Description, Lines, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row


class Providers(ListPanel):
    panel, kind, icon = "identity-providers", "identity_provider", "login-2"
    title = gettext_lazy("Identity providers")
    columns = (
        Column("ID", sort="id"),
        Column(gettext_lazy("Enabled"), sort="enabled"),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Remote IDs"), hide="m"),
        Column(gettext_lazy("Protocols"), hide="l"),
        Column(gettext_lazy("Domain"), hide="l"),
    )
    search = ("id", "description")
    order = ("id",)
    filters = (ENABLED, Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        return PROVIDERS.listing(actor, {}).select_related("domain").prefetch_related("protocols")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.pk, reverse("identity-provider", args=[row.pk]), status.switch(row.enabled),
                (Cell("status", status.switch(row.enabled)), Cell("muted", row.description),
                 Cell("tags", [one.pk for one in row.remote_ids.all()]),
                 Cell("tags", sorted(one.id for one in row.protocols.all())), Cell("muted", row.domain.name)),
                menu=reverse("identity-provider", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "identity:create_identity_provider", {})
        return Action("create", _("Create provider"), "plus", reverse("identity-provider-create"), why=why)

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        url = reverse("identity-providers-delete") + "?ids="
        return (Bulk("delete", _("Delete…"), "trash", url, risk=True),)

    def empty(self) -> Empty:
        text = _(
            "A provider signs people in elsewhere, for example with a company's accounts, and tells us who they are."
        )
        return Empty(
            _("No identity providers yet"),
            text,
            "openstack identity provider create --remote-id https://id.example.org company",
        )


class ProviderItem(ItemPage):
    panel, kind = "identity-providers", "identity_provider"
    list_title, list_route = gettext_lazy("Identity providers"), "identity-providers"
    tabs = (("", gettext_lazy("Overview")), ("protocols", gettext_lazy("Protocols")))

    def find(self, actor: Actor, id: str) -> IdentityProvider:
        return PROVIDERS.get(actor, id)

    def actions(self, actor: Actor, row: IdentityProvider) -> list[Action]:
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

    def detail(self, actor: Actor, row: IdentityProvider) -> Detail:
        facts = (
            (_("ID"), Cell("copy", row.pk)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("Enabled"), Cell("yes", row.enabled)),
            (_("Domain"), Cell("link", row.domain.name, reverse("domain", args=[row.domain_id]))),
            (_("Remote IDs"), Cell("tags", [one.pk for one in row.remote_ids.all()])),
            (_("Memberships last"), Cell("text", _("%(n)s min") % {"n": row.authorization_ttl} if row.authorization_ttl else "–")),
        )  # fmt: skip
        cards = [Card(_("Details"), pairs=facts, name="details"), self.client(row)]
        return Detail(row.pk, status.switch(row.enabled), facts=(Cell("text", row.description or ""),), cards=cards)

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

    def tab(self, actor: Actor, row: IdentityProvider, name: str) -> list[Card]:
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


class Create(FormDialog):
    panel = "identity-providers"
    title, submit = gettext_lazy("Create provider"), gettext_lazy("Create")
    form_class = NewProviderForm
    places = ((Duplicate, "id"), (RemoteIdTaken, "remote_ids"))

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        own: tuple[str, Text] = ("", _("A domain of its own"))
        form.fields["domain_id"].choices = [own, *context.choosable(self.actor)]  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"enabled": True}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        id = values.pop("id")
        PROVIDERS.create(actor, {**values, "domain_id": values["domain_id"] or None}, id=id)
        return reverse("identity-provider", args=[id]), ""


class Edit(FormDialog):
    panel = "identity-providers"
    title, submit = gettext_lazy("Edit provider"), gettext_lazy("Keep")
    form_class = ProviderForm
    places = ((RemoteIdTaken, "remote_ids"),)

    def initial(self, **keys: str) -> dict[str, Any]:
        row = PROVIDERS.get(self.actor, keys["id"])
        found = {name: getattr(row, name) for name in ("description", "authorization_ttl", "enabled")}
        return {**found, "remote_ids": "\n".join(one.pk for one in row.remote_ids.all())}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        PROVIDERS.update(actor, keys["id"], values)
        return reverse("identity-provider", args=[keys["id"]]), ""


class SwitchProvider(Switch):
    panel, kind, route = "identity-providers", PROVIDERS, "identity-providers"


class Delete(Deleting):
    panel, kind, route = "identity-providers", PROVIDERS, "identity-providers"
    submit, keep = gettext_lazy("Delete the provider"), gettext_lazy("Keep it")

    def text(self, **keys: str) -> Text:
        return _("Its protocols go with it, and nobody signs in through it any more.")


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the providers"), gettext_lazy("Keep them")


# ── The client ──────────────────────────────────────────────────────────────────────────────────────────────────────


class ClientForm(Styled):
    issuer = forms.URLField(
        label=gettext_lazy("Issuer"), max_length=255, assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://id.example.org", "autocomplete": "off"}),
        help_text=gettext_lazy("Its settings are read from there, at /.well-known/openid-configuration."),
    )  # fmt: skip
    client_id = forms.CharField(label=gettext_lazy("Client ID"), max_length=255)
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"), required=False, max_length=1024, strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )  # fmt: skip
    public = forms.BooleanField(
        label=gettext_lazy("No secret"), required=False, help_text=gettext_lazy("A public client; forgets the secret.")
    )
    scopes = forms.RegexField(
        r"^([^ ]+ )*openid( [^ ]+)*$", label=gettext_lazy("Scopes"), max_length=255,
        help_text=gettext_lazy("With spaces between; openid is among them."),
    )  # fmt: skip
    audiences = Lines(
        label=gettext_lazy("Further audiences"), required=False,
        help_text=gettext_lazy("Other clients' ids whose tokens are taken too, for command lines. One a line."),
    )  # fmt: skip
    label = forms.CharField(
        label=gettext_lazy("Button"), required=False, max_length=64,
        help_text=gettext_lazy("What the button on the sign-in page says."),
    )  # fmt: skip


class OpenId(FormDialog):
    """The client's settings; an empty secret stays as it is."""

    panel, two = "identity-providers", True
    title, submit = gettext_lazy("OpenID Connect client"), gettext_lazy("Keep")
    form_class = ClientForm
    places = ((BadAddress, "issuer"),)

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        known = Client.objects.filter(pk=PROVIDERS.get(self.actor, keys["id"]).pk).first()
        if known is not None and known.encrypted_secret:
            form.fields["client_secret"].help_text = _("One is set. Empty: it stays.")
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        row = PROVIDERS.get(self.actor, keys["id"])
        known = Client.objects.filter(provider=row).first()
        if known is None:
            first = next((one.pk for one in row.remote_ids.all() if one.pk.startswith("https://")), "")
            return {"issuer": first, "scopes": "openid email profile"}
        shown = {name: getattr(known, name) for name in ("issuer", "client_id", "scopes", "label")}
        return {**shown, "audiences": "\n".join(known.audiences)}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        public = values.pop("public")
        values["client_secret"] = "" if public else values["client_secret"] or None
        services.set_client(actor, keys["id"], **values)
        return reverse("identity-provider", args=[keys["id"]]), _("The client is kept")


class DropClient(Confirm):
    panel = "identity-providers"
    submit, keep = gettext_lazy("Remove the client"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Remove the OpenID Connect client of %(name)s?") % {"name": keys["id"]}

    def text(self, **keys: str) -> Text:
        return _("Its button leaves the sign-in page.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.drop_client(actor, keys["id"])
        return reverse("identity-provider", args=[keys["id"]]), ""


# ── Protocols ───────────────────────────────────────────────────────────────────────────────────────────────────────


class ProtocolMenu(Page):
    panel = "identity-providers"

    def get(self, request: HttpRequest, id: str, protocol: str) -> HttpResponse:
        services.protocol(self.actor, id, protocol)
        change, remove = (
            gate(self.actor, "identity:update_protocol", {}),
            gate(self.actor, "identity:delete_protocol", {}),
        )
        actions = [
            Action("edit", _("Edit"), "pencil", reverse("protocol-edit", args=[id, protocol]), why=change),
            Action("delete", _("Delete"), "trash", reverse("protocol-delete", args=[id, protocol]), why=remove, risk=True),
        ]  # fmt: skip
        return self.fragment("ui/menu.html", actions=actions, id=protocol)


class ProtocolForm(Styled):
    mapping_id = forms.ChoiceField(label=gettext_lazy("Mapping"))
    remote_id_attribute = forms.CharField(label=gettext_lazy("Remote ID attribute"), required=False, max_length=64)


class NewProtocolForm(ProtocolForm):
    id = forms.SlugField(label="ID", max_length=64, help_text=gettext_lazy("For OpenID Connect: openid."))
    field_order = ("id", "mapping_id", "remote_id_attribute")


class CreateProtocol(FormDialog):
    panel = "identity-providers"
    title, submit = gettext_lazy("Add protocol"), gettext_lazy("Add")
    form_class = NewProtocolForm
    places = ((Duplicate, "id"), (NoMapping, "mapping_id"))

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        rows = MAPPINGS.listing(self.actor, {}).order_by("id")
        form.fields["mapping_id"].choices = [(row.pk, row.pk) for row in rows]  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"id": "openid"}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        sent = {"mapping_id": values["mapping_id"], "remote_id_attribute": values["remote_id_attribute"] or None}
        self.keep(actor, sent, values, **keys)
        return reverse("identity-provider-tab", args=[keys["id"], "protocols"]), ""

    def keep(self, actor: Actor, sent: dict[str, Any], values: dict[str, Any], **keys: str) -> None:
        services.create_protocol(actor, keys["id"], values["id"], sent)


class EditProtocol(CreateProtocol):
    title, submit = gettext_lazy("Edit protocol"), gettext_lazy("Keep")
    form_class = ProtocolForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = services.protocol(self.actor, keys["id"], keys["protocol"])
        return {"mapping_id": row.mapping_id, "remote_id_attribute": row.remote_id_attribute}

    def keep(self, actor: Actor, sent: dict[str, Any], values: dict[str, Any], **keys: str) -> None:
        services.update_protocol(actor, keys["id"], keys["protocol"], sent)


class DeleteProtocol(Confirm):
    panel = "identity-providers"
    submit, keep = gettext_lazy("Delete the protocol"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": keys["protocol"]}

    @transaction.atomic
    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.protocol(actor, keys["id"], keys["protocol"], verb="delete_protocol").delete()
        return reverse("identity-provider-tab", args=[keys["id"], "protocols"]), ""
