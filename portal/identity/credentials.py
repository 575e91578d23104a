"""Credentials that are kept for services: EC2 keys, TOTP secrets, certificates. All of them, or one's own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import orjson
from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.assignments.granting import named_for
from identity.credentials import services
from identity.credentials.fields import blob_of
from identity.credentials.services import CREDENTIALS, CredentialTaken
from identity.models import Credential, User
from identity.resource import enforce
from identity.signin import sessions
from identity.users.services import USERS
from portal.identity.bulk import Deletion
from portal.identity.project_dialogs import people
from portal.identity.user_dialogs import projects
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu
from portal.ui.tables import Bulk, Cell, Column, Filter, Row

TYPES: tuple[tuple[str, Text], ...] = (
    ("ec2", "EC2"),
    ("totp", "TOTP"),
    ("cert", gettext_lazy("Certificate")),
)


def data_cell(row: Credential) -> Cell:
    """Show an EC2 access key in the open; everything else hidden until it is copied."""
    text = blob_of(row)
    if row.type == "ec2":
        try:
            return Cell("copy", orjson.loads(text)["access"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Cell("secret", text)
    return Cell("secret", text)


def lines(actor: RequestContext, found: Any, *, with_user: bool, own: bool = False) -> list[Row]:
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

    panel, kind, secret = "credentials", "credential", True
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Type"), sort="type"),
        Column(gettext_lazy("User"), sort="user__name"),
        Column(gettext_lazy("Data"), hide="m"),
        Column(gettext_lazy("Project"), hide="m"),
        Column("ID", hide="l"),
    )
    search: ClassVar[Sequence[str]] = ("user__name", "id", "type")
    order: ClassVar[Sequence[str]] = ("user__name", "type", "id")
    filters: ClassVar[Sequence[Filter]] = (
        Filter("type", gettext_lazy("Type"), choices=TYPES),
        Filter("user", gettext_lazy("User"), "user__name"),
    )
    prefix = ""  # of the names of its addresses
    empty = Empty(
        gettext_lazy("No credentials yet"),
        gettext_lazy(
            "A credential is a secret that a service keeps for a user: an EC2 key, the seed of one-time codes."
        ),
        "openstack ec2 credentials create",
    )

    def query(self, actor: RequestContext) -> Any:
        return CREDENTIALS.listing(actor, {}).select_related("user")

    def rows(self, actor: RequestContext, found: object) -> list[Row]:
        return lines(actor, found, with_user=True)

    def create(self, actor: RequestContext) -> Action:
        return New(gettext_lazy("Create credential"), f"{self.prefix}credential-create").action(actor)

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        url = reverse(f"{self.prefix}credentials-delete") + "?ids="
        return (Bulk("delete", _("Delete…"), "trash", url, risk=True),)


class OwnCredentials(Credentials):
    """One's own, under settings."""

    panel, prefix = "settings", "own-"
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

    def query(self, actor: RequestContext) -> Any:
        return CREDENTIALS.listing(actor, {}).filter(user_id=actor.user_id)

    def rows(self, actor: RequestContext, found: object) -> list[Row]:
        return lines(actor, found, with_user=False, own=True)

    def describe(self, actor: RequestContext) -> dict[str, object]:
        return {**super().describe(actor), "settings_tab": "credentials", "icon": "lock"}


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

    def clean(self) -> dict[str, object]:
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


def name_of(row: Credential) -> str:
    owner = User.objects.filter(pk=row.user_id).values_list("name", flat=True).first()
    return f"{dict(TYPES).get(row.type, row.type)}, {owner}"


def begin(call: Call) -> dict[str, object]:
    return {"user_id": call.actor.user_id, "type": "ec2", "project_id": call.actor.project_id}


def of_credential(call: Call) -> dict[str, object]:
    kept = {name: getattr(call.row, name) for name in ("user_id", "type", "project_id")}
    return {**kept, "blob": blob_of(call.row)}


def not_asked(call: Call, form: Any) -> None:
    """Drop the field for the user: the actor creates it for themselves."""
    form.fields.pop("user_id")


def own_projects(call: Call) -> list[tuple[str, Text]]:
    return [("", _("None")), *((row.pk, row.name) for row in sessions.projects(call.actor.user_id))]


def create(call: Call, values: dict[str, Any]) -> None:
    """Create a credential of the named user, else of the actor. An EC2 key sent without data is generated."""
    user_id, project = values.get("user_id", call.actor.user_id), values["project_id"] or None
    if values["type"] == "ec2" and not values["blob"].strip():
        enforce(call.actor, "identity:create_credential", {"target.credential.user_id": user_id})
        services.create_ec2(call.actor, user_id, project or "")
    else:
        sent = {**values, "user_id": user_id, "blob": values["blob"].strip(), "project_id": project}
        CREDENTIALS.create(call.actor, sent)


def edit(call: Call, values: dict[str, Any]) -> None:
    """Data that is left empty stays as it is."""
    blob = {"blob": values.pop("blob").strip()} if values["blob"].strip() else {}
    values["project_id"] = values["project_id"] or None
    CREDENTIALS.update(call.actor, call.id, {**values, **blob})


def verbs(prefix: str) -> Callable[[Call], list[Action]]:
    return lambda call: [
        Action("edit", _("Edit"), "pencil", reverse(f"{prefix}credential-edit", args=[call.row.pk])),
        Action("delete", _("Delete"), "trash", reverse(f"{prefix}credential-delete", args=[call.row.pk]), risk=True),
    ]


CREATE = FormDialog(
    panel="credentials",
    title=gettext_lazy("Create credential"),
    submit=gettext_lazy("Create"),
    form=CredentialForm,
    initial=begin,
    choices={
        "user_id": lambda call: people(call.actor, USERS, [call.actor.user_id]),
        "project_id": lambda call: projects(call.actor),
    },
    places=((CredentialTaken, "blob"),),
    do=create,
    next=to("credentials"),
    said=gettext_lazy("The credential is there"),
)
OWN_CREATE = replace(
    CREATE, panel="settings", choices={"project_id": own_projects}, prepare=not_asked, next=to("own-credentials")
)


def edited(dialog: FormDialog) -> FormDialog:
    return replace(
        dialog,
        find=CREDENTIALS.get,
        title=gettext_lazy("Edit credential"),
        submit=gettext_lazy("Save"),
        initial=of_credential,
        do=edit,
        said=gettext_lazy("The credential is kept"),
    )


EDIT, OWN_EDIT = edited(CREATE), edited(OWN_CREATE)
DELETE = Deletion(
    panel="credentials",
    kind=CREDENTIALS,
    route="credentials",
    one=gettext_lazy("Delete the credential"),
    bulk=gettext_lazy("Delete the credentials"),
    name=name_of,
    text=gettext_lazy("Whatever uses it stops working at once."),
)
OWN_DELETE = replace(DELETE, panel="settings", route="own-credentials")
MENU = Menu(panel="credentials", find=CREDENTIALS.get, actions=verbs(""))
OWN_MENU = Menu(panel="settings", find=CREDENTIALS.get, actions=verbs("own-"))
