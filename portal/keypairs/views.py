"""Key pairs: made, imported, shown once, deleted."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.errors import CloudError
from compute.keypairs import services
from compute.keypairs.models import KeyPair
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Name, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action
from portal.ui.pages import is_fragment, status_of
from portal.ui.tables import Cell, Column, Row, age


class KeyPairs(ListPanel):
    panel, kind, icon = "key-pairs", "keypair", "key"
    title = gettext_lazy("Key pairs")
    search, order, identity = ("name", "fingerprint"), ("name",), "name"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Type"), hide="m"),
        Column(gettext_lazy("Fingerprint")),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    def query(self, actor: Actor) -> Any:
        return services.of(actor)

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                key.name, key.name, reverse("key-pair", args=[key.name]), None,
                (Cell("text", key.type), Cell("copy", key.fingerprint), age(key.created_at)),
                menu=reverse("key-pair", args=[key.name]) + "?menu=1",
            )
            for key in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create or import"), "plus", reverse("key-pair-create"))

    def empty(self) -> Empty:
        text = _("A key pair lets you log in by ssh without a password. Only its public half is kept here.")
        return Empty(_("No key pairs yet"), text, "openstack keypair create --public-key ~/.ssh/id_ed25519.pub laptop")


class KeyPairItem(ItemPage):
    panel, kind = "key-pairs", "keypair"
    list_title, list_route = gettext_lazy("Key pairs"), "key-pairs"

    def find(self, actor: Actor, id: str) -> KeyPair:
        return services.find(actor, id)

    def actions(self, actor: Actor, row: KeyPair) -> list[Action]:
        return [Action("delete", _("Delete"), "trash", reverse("key-pair-delete", args=[row.name]), risk=True)]

    def detail(self, actor: Actor, row: KeyPair) -> Detail:
        pairs = (
            (_("Type"), Cell("text", row.type)),
            (_("Fingerprint"), Cell("copy", row.fingerprint)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Public key"), Cell("cmd", row.public_key)),
        )
        return Detail(row.name, cards=[Card(_("Details"), pairs=pairs)])


class KeyForm(Styled):
    name = Name()
    public_key = forms.CharField(
        label=gettext_lazy("Public key"),
        required=False,
        widget=forms.Textarea(attrs={"class": "mono", "rows": 4, "placeholder": "ssh-ed25519 AAAA… me@laptop"}),
        help_text=gettext_lazy(
            "Paste one to import it. Left empty, a new pair is made and its private half is shown once."
        ),
    )


class Create(FormDialog):
    panel = "key-pairs"
    title, submit = gettext_lazy("Create or import a key pair"), gettext_lazy("Create")
    form_class = KeyForm

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        text = form.cleaned_data["public_key"].strip()
        try:
            made = services.create(self.actor, name=form.cleaned_data["name"], public_key=text or None)
        except CloudError as error:
            form.add_error(None, error.message)
            return self.show(form, status=422 if is_fragment(request) else status_of(error))
        if made.private_key is None:
            url = (
                reverse("launch") + f"?key_name={made.row.name}"
                if request.GET.get("next") == "launch"
                else reverse("key-pairs")
            )
            return self.go(url, _("Imported %(name)s") % {"name": made.row.name})
        context = {"row": made.row, "private_key": made.private_key, "back": request.GET.get("next", "")}
        template = "keypairs/made.html" if is_fragment(request) else "keypairs/made_page.html"
        return (self.fragment if is_fragment(request) else self.page)(template, **context)


class Delete(Confirm):
    panel = "key-pairs"
    submit, keep = gettext_lazy("Delete the key pair"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": services.find(self.actor, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("Instances keep the key they were made with.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.delete(actor, name=keys["id"])
        return reverse("key-pairs"), ""
