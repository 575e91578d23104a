"""Credentials that are kept for services: EC2 keys, TOTP secrets, certificates. All of them, or one's own."""

from typing import Any

import orjson
from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from identity import sessions
from identity.assignments.granting import named_for
from identity.credentials import services
from identity.credentials.crypto import decrypt
from identity.credentials.services import CREDENTIALS, CredentialTaken
from identity.crud import enforce
from identity.models import Credential, User
from identity.users.services import USERS
from portal.identity.project_dialogs import people
from portal.identity.several import Deleting
from portal.identity.user_dialogs import projects
from portal.ui import Text
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row

TYPES: tuple[tuple[str, Text], ...] = (
    ("ec2", "EC2"),
    ("totp", "TOTP"),
    ("cert", gettext_lazy("Certificate")),
)


def data_cell(row: Credential) -> Cell:
    """An EC2 access key in the open; everything else hidden until it is copied."""
    text = decrypt(row.encrypted_blob)
    if row.type == "ec2":
        try:
            return Cell("copy", orjson.loads(text)["access"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Cell("secret", text)
    return Cell("secret", text)


def lines(actor: Actor, found: Any, *, with_user: bool, own: bool = False) -> list[Row]:
    """Rows: type, (user), data, project, id."""
    rows = list(found)
    names = named_for(actor, (row.project_id for row in rows))
    words = dict(TYPES)
    shown = []
    for row in rows:
        cells = [data_cell(row), Cell("muted", names.get(row.project_id or "", "")), Cell("id", row.pk)]
        if with_user:
            cells.insert(0, Cell("link", row.user.name, reverse("user", args=[row.user_id])))
        route = "own-credential-menu" if own else "credential-menu"
        shown.append(Row(row.pk, words.get(row.type, row.type), "", None, cells, menu=reverse(route, args=[row.pk])))
    return shown


class Credentials(ListPanel):
    """Everybody's, for those who may read them."""

    panel, kind, icon = "credentials", "credential", "lock"
    title = gettext_lazy("Credentials")
    columns = (
        Column(gettext_lazy("Type"), sort="type"),
        Column(gettext_lazy("User"), sort="user__name"),
        Column(gettext_lazy("Data"), hide="m"),
        Column(gettext_lazy("Project"), hide="m"),
        Column("ID", hide="l"),
    )
    search = ("user__name", "id", "type")
    order = ("user__name", "type", "id")
    filters = (Filter("type", gettext_lazy("Type"), choices=TYPES), Filter("user", gettext_lazy("User"), "user__name"))

    def query(self, actor: Actor) -> Any:
        return CREDENTIALS.listing(actor, {}).select_related("user")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return lines(actor, found, with_user=True)

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create credential"), "plus", reverse("credential-create"))

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("credentials-delete") + "?ids=", risk=True),)

    def empty(self) -> Empty:
        text = _("A credential is a secret that a service keeps for a user: an EC2 key, the seed of one-time codes.")
        return Empty(_("No credentials yet"), text, "openstack ec2 credentials create")


class OwnCredentials(Credentials):
    """One's own, under settings."""

    panel = "settings"
    title = gettext_lazy("My credentials")
    columns = (
        Column(gettext_lazy("Type"), sort="type"),
        Column(gettext_lazy("Data")),
        Column(gettext_lazy("Project"), hide="m"),
        Column("ID", hide="m"),
    )
    search = ("id", "type")
    order = ("type", "id")
    filters = (Filter("type", gettext_lazy("Type"), choices=TYPES),)

    def query(self, actor: Actor) -> Any:
        return CREDENTIALS.listing(actor, {}).filter(user_id=actor.user_id)

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return lines(actor, found, with_user=False, own=True)

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create credential"), "plus", reverse("own-credential-create"))

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("own-credentials-delete") + "?ids=", risk=True),)

    def describe(self, actor: Actor) -> dict[str, Any]:
        return {**super().describe(actor), "settings_tab": "credentials"}


class Menu(Page):
    panel = "credentials"
    prefix = ""

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        CREDENTIALS.get(self.actor, id)
        actions = [
            Action("edit", _("Edit"), "pencil", reverse(f"{self.prefix}credential-edit", args=[id])),
            Action("delete", _("Delete"), "trash", reverse(f"{self.prefix}credential-delete", args=[id]), risk=True),
        ]
        return self.fragment("ui/menu.html", actions=actions, id=id)


class OwnMenu(Menu):
    panel, prefix = "settings", "own-"


class CredentialForm(Styled):
    user_id = forms.ChoiceField(label=gettext_lazy("User"))
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=TYPES)
    blob = forms.CharField(
        label=gettext_lazy("Data"), required=False, widget=forms.Textarea(attrs={"rows": 4, "class": "mono"}),
        help_text=gettext_lazy(
            "EC2: JSON with access and secret, or nothing: then a new key is made. TOTP: the seed in base32. Certificate: its PEM."
        ),
    )  # fmt: skip
    project_id = forms.ChoiceField(
        label=gettext_lazy("Project"), required=False, help_text=gettext_lazy("An EC2 key needs one.")
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("type") == "ec2":
            if not found.get("project_id"):
                self.add_error("project_id", _("An EC2 key counts in one project: choose it."))
            self._is_ec2(found.get("blob", ""))
        elif "type" in found and not found.get("blob", "").strip():
            self.add_error("blob", _("Only EC2 keys can be made here. Paste the data of this one."))
        return found

    def _is_ec2(self, text: str) -> None:
        if not text.strip():
            return
        try:
            data = orjson.loads(text)
            if not all(isinstance(data[name], str) and data[name] for name in ("access", "secret")):
                raise KeyError("access")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self.add_error("blob", _('It must be JSON like {"access": "…", "secret": "…"}.'))


class Create(FormDialog):
    panel = "credentials"
    title, submit = gettext_lazy("Create credential"), gettext_lazy("Create")
    form_class = CredentialForm
    places = ((CredentialTaken, "blob"),)
    list_route = "credentials"

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["user_id"].choices = people(self.actor, USERS, [self.actor.user_id])  # type: ignore[attr-defined]
        form.fields["project_id"].choices = projects(self.actor)  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"user_id": self.actor.user_id, "type": "ec2", "project_id": self.actor.project_id}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        project = values["project_id"] or None
        if values["type"] == "ec2" and not values["blob"].strip():
            enforce(actor, "identity:create_credential", {"target.credential.user_id": values["user_id"]})
            services.create_ec2(actor, values["user_id"], project or "")
        else:
            CREDENTIALS.create(actor, {**values, "blob": values["blob"].strip(), "project_id": project})
        return reverse(self.list_route), _("The credential is there")


class OwnCreate(Create):
    """For oneself: the user is not a question."""

    panel, list_route = "settings", "own-credentials"

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        del form.fields["user_id"]
        mine = [(row.pk, row.name) for row in sessions.projects(self.actor.user_id)]
        none: tuple[str, Text] = ("", _("None"))
        form.fields["project_id"].choices = [none, *mine]  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        return super().act(actor, {**values, "user_id": actor.user_id}, **keys)


class Edit(Create):
    title, submit = gettext_lazy("Edit credential"), gettext_lazy("Keep")

    def initial(self, **keys: str) -> dict[str, Any]:
        row = CREDENTIALS.get(self.actor, keys["id"])
        kept = {name: getattr(row, name) for name in ("user_id", "type", "project_id")}
        return {**kept, "blob": decrypt(row.encrypted_blob)}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        blob = {"blob": values.pop("blob").strip()} if values["blob"].strip() else {}
        values["project_id"] = values["project_id"] or None
        CREDENTIALS.update(actor, keys["id"], {**values, **blob})
        return reverse(self.list_route), _("The credential is kept")


class OwnEdit(OwnCreate):
    title, submit = gettext_lazy("Edit credential"), gettext_lazy("Keep")
    initial, act = Edit.initial, Edit.act


class Delete(Deleting):
    panel, kind, route = "credentials", CREDENTIALS, "credentials"
    submit, keep = gettext_lazy("Delete the credential"), gettext_lazy("Keep it")

    def name_of(self, row: Credential) -> str:
        owner = User.objects.filter(pk=row.user_id).values_list("name", flat=True).first()
        return f"{dict(TYPES).get(row.type, row.type)}, {owner}"

    def text(self, **keys: str) -> Text:
        return _("Whatever uses it stops working at once.")


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the credentials"), gettext_lazy("Keep them")


class OwnDelete(Delete):
    panel, route = "settings", "own-credentials"


class OwnDeleteSeveral(DeleteSeveral):
    panel, route = "settings", "own-credentials"
