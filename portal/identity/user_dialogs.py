"""Creating and editing users, and their passwords."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Forbidden
from identity.assignments import grants
from identity.projects.services import PROJECTS
from identity.resource import Duplicate
from identity.users.services import USERS, PasswordLocked, PasswordReused
from portal.identity import context
from portal.identity.project_dialogs import MOST, roles
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Name, Styled


def password_field(label: Text, **more: Any) -> forms.CharField:
    """Make the field of a new password; what was typed stays when another field is wrong."""
    widget = forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, widget=widget, **more)


class TwicePassword(Styled):
    """A new password typed twice."""

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        again = found.pop("again", None)
        if found.get("password") and again is not None and again != found["password"]:
            self.add_error("again", _("The two passwords differ."))
        return found


class UserForm(Styled):
    name = Name()
    description = Description()
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    default_project_id = forms.ChoiceField(label=gettext_lazy("Primary project"), required=False)
    lock_password = forms.BooleanField(
        label=gettext_lazy("Lock password"), required=False,
        help_text=gettext_lazy("Nobody changes it, the user neither."),
    )  # fmt: skip


class NewUserForm(TwicePassword):
    name = Name()
    domain_id = forms.ChoiceField(label=gettext_lazy("Domain"))
    description = Description()
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    password = password_field(gettext_lazy("Password"), min_length=8)
    again = password_field(gettext_lazy("Password again"))
    default_project_id = forms.ChoiceField(label=gettext_lazy("Primary project"), required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), required=False, help_text=gettext_lazy("On the primary project.")
    )
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)
    lock_password = forms.BooleanField(
        label=gettext_lazy("Lock password"), required=False,
        help_text=gettext_lazy("Nobody changes it, the user neither."),
    )  # fmt: skip


def projects(actor: RequestContext) -> list[tuple[str, Text]]:
    """(id, name) of the projects that the actor may list, and none."""
    try:
        rows = PROJECTS.listing(actor, {}).select_related("domain").order_by("name")[:MOST]
    except Forbidden:
        rows = []
    none: tuple[str, Text] = ("", _("None"))
    return [
        none,
        *((row.pk, row.name if row.domain_id == "default" else f"{row.name} ({row.domain.name})") for row in rows),
    ]


@transaction.atomic
def create(call: Call, values: dict[str, Any]) -> Any:
    """Create a user, with the role on the primary project: both or none."""
    role, project = values.pop("role"), values["default_project_id"] or None
    options = {"lock_password": True} if values.pop("lock_password") else {}
    row = USERS.create(call.actor, {**values, "default_project_id": project, "options": options})
    if role and project:
        grants.give(call.actor, role, on="project", object_id=project, subject="user", subject_id=row.pk)
    return row


def begin(call: Call) -> dict[str, object]:
    member = next((id for id, name in roles(call.actor) if name == "member"), "")
    return {"enabled": True, "role": member, "domain_id": context.for_new(call.request, call.actor)}


def of_user(call: Call) -> dict[str, object]:
    found = {name: getattr(call.row, name) for name in ("name", "email", "description", "default_project_id")}
    return {**found, "lock_password": bool(call.row.options.get("lock_password"))}


def edit(call: Call, values: dict[str, object]) -> None:
    locks = values.pop("lock_password")
    values["default_project_id"] = values["default_project_id"] or None
    USERS.update(call.actor, call.id, {**values, "options": {"lock_password": True if locks else None}})


CREATE = FormDialog(
    panel="users",
    two=True,
    title=gettext_lazy("Create user"),
    submit=gettext_lazy("Create"),
    form=NewUserForm,
    initial=begin,
    choices={
        "domain_id": lambda call: context.choosable(call.actor),
        "default_project_id": lambda call: projects(call.actor),
        "role": lambda call: roles(call.actor),
    },
    places=((Duplicate, "name"),),
    do=create,
    next=to_made("user"),
)
EDIT = FormDialog(
    panel="users",
    find=USERS.get,
    title=gettext_lazy("Edit user"),
    submit=gettext_lazy("Save"),
    form=UserForm,
    initial=of_user,
    choices={"default_project_id": lambda call: projects(call.actor)},
    places=((Duplicate, "name"),),
    do=edit,
    next=to("user", "id"),
)


class PasswordForm(TwicePassword):
    password = password_field(gettext_lazy("New password"), min_length=8)
    again = password_field(gettext_lazy("New password again"))


SET_PASSWORD = FormDialog(
    panel="users",
    find=USERS.get,
    title=gettext_lazy("Change the password of %(name)s"),
    submit=gettext_lazy("Change password"),
    hint=gettext_lazy("Every session and token of the user ends."),
    form=PasswordForm,
    places=((PasswordReused, "password"), (PasswordLocked, "password")),
    do=lambda call, values: USERS.update(call.actor, call.id, values),
    said=gettext_lazy("The password is set"),
)
