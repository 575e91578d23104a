"""Users and roles."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from identity.assignments.models import UserProjectRole
from identity.models import Role, User
from identity.roles.services import ROLES, implied_by
from identity.users.services import USERS
from portal import status
from portal.dialogs import Confirm, FormDialog, Text
from portal.forms import Description, Name, Styled
from portal.lists import Action, Card, Cell, Column, Detail, Empty, ItemPage, ListPanel, Row, age
from portal.pages import Page


class Users(ListPanel):
    panel, kind, icon = "users", "user", "user"
    title = gettext_lazy("Users")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("E-mail"), hide="m"),
        Column(gettext_lazy("Domain"), hide="m"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    def query(self, actor: Actor) -> Any:
        return USERS.listing(actor, {}).select_related("domain")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, reverse("user", args=[row.pk]), status.switch(row.enabled),
                (Cell("status", status.switch(row.enabled)), Cell("muted", row.email), Cell("muted", row.domain.name),
                 Cell("id", row.pk), age(row.created_at)),
                menu=reverse("user", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create user"), "plus", reverse("user-create"))

    def empty(self) -> Empty:
        return Empty(_("No users yet"), _("A user is a person or a script that signs in."), "openstack user create lin")


class UserItem(ItemPage):
    panel, kind = "users", "user"
    list_title, list_route = gettext_lazy("Users"), "users"

    def find(self, actor: Actor, id: str) -> User:
        return USERS.get(actor, id)

    def actions(self, actor: Actor, row: User) -> list[Action]:
        switch = (_("Disable"), "player-pause") if row.enabled else (_("Enable"), "player-play")
        own = _("This is you") if row.pk == actor.user_id else ""
        return [
            Action("edit", _("Edit"), "pencil", reverse("user-edit", args=[row.pk])),
            Action("password", _("Set password"), "lock", reverse("user-password", args=[row.pk])),
            Action("switch", *switch, reverse("user-switch", args=[row.pk]), "post", own),
            Action("delete", _("Delete"), "trash", reverse("user-delete", args=[row.pk]), why=own, risk=True),
        ]

    def detail(self, actor: Actor, row: User) -> Detail:
        names = dict(Role.objects.values_list("permission_id", "name"))
        given: dict[Any, list[str]] = {}
        for one in UserProjectRole.objects.filter(user_id=row.pk).select_related("content_object"):
            given.setdefault(one.content_object, []).append(names.get(one.permission_id, "?"))
        rows = [
            Row(project.pk, project.name, reverse("project", args=[project.pk]), None, (Cell("tags", sorted(roles)),))
            for project, roles in given.items()
        ]
        facts = (
            (_("E-mail"), Cell("text", row.email)),
            (_("Domain"), Cell("text", row.domain.name)),
            (_("Description"), Cell("text", row.description)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Password changed"), Cell("when", row.password_changed_at)),
        )
        columns = (Column(_("Project")), Column(_("Roles")))
        cards = [
            Card(_("Roles"), columns=columns, rows=rows, empty=_("No role on any project."), name="roles"),
            Card(_("Details"), pairs=facts, side=True),
        ]
        return Detail(row.name, status.switch(row.enabled), cards=cards)


class UserForm(Styled):
    name = Name()
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    description = Description()


class NewUserForm(UserForm):
    password = forms.CharField(
        label=gettext_lazy("Password"), min_length=8, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )


class Create(FormDialog):
    panel = "users"
    title, submit = gettext_lazy("Create user"), gettext_lazy("Create")
    form_class = NewUserForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        return reverse("user", args=[USERS.create(actor, values).pk]), ""


class Edit(FormDialog):
    panel = "users"
    title, submit = gettext_lazy("Edit user"), gettext_lazy("Keep")
    form_class = UserForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = USERS.get(self.actor, keys["id"])
        return {name: getattr(row, name) for name in UserForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        USERS.update(actor, keys["id"], values)
        return reverse("user", args=[keys["id"]]), ""


class PasswordForm(Styled):
    password = forms.CharField(
        label=gettext_lazy("New password"),
        min_length=8,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class SetPassword(FormDialog):
    panel = "users"
    title, submit = gettext_lazy("Set password"), gettext_lazy("Set")
    hint = gettext_lazy("Every session and token of the user ends.")
    form_class = PasswordForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        USERS.update(actor, keys["id"], values)
        return "", _("The password is set")


class Switch(Page):
    panel = "users"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        row = USERS.get(self.actor, id)
        USERS.update(self.actor, id, {"enabled": not row.enabled})
        return self.done()


class Delete(Confirm):
    panel = "users"
    submit, keep = gettext_lazy("Delete the user"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": USERS.get(self.actor, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("What the user made stays with its projects. Key pairs and credentials of the user go.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        USERS.delete(actor, keys["id"])
        return reverse("users"), ""


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Roles(ListPanel):
    panel, kind, icon = "roles", "role", "id-badge-2"
    title = gettext_lazy("Roles")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Includes")),
        Column(gettext_lazy("Description"), hide="m"),
        Column("ID", hide="m"),
    )

    def query(self, actor: Actor) -> Any:
        return ROLES.listing(actor, {})

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, "", None,
                (Cell("tags", [role.name for role in implied_by(actor, row.pk)[1]]), Cell("muted", row.description),
                 Cell("id", row.pk)),
                menu=reverse("role-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create role"), "plus", reverse("role-create"))


class RoleMenu(Page):
    panel = "roles"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        row = ROLES.get(self.actor, id)
        why = _("It is marked immutable") if row.options.get("immutable") else ""
        actions = [
            Action("edit", _("Edit"), "pencil", reverse("role-edit", args=[id]), why=why),
            Action("delete", _("Delete"), "trash", reverse("role-delete", args=[id]), why=why, risk=True),
        ]
        return self.fragment("portal/menu.html", actions=actions, id=id)


class RoleForm(Styled):
    name = Name()
    description = Description()


class CreateRole(FormDialog):
    panel = "roles"
    title, submit = gettext_lazy("Create role"), gettext_lazy("Create")
    form_class = RoleForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        ROLES.create(actor, values)
        return reverse("roles"), ""


class EditRole(FormDialog):
    panel = "roles"
    title, submit = gettext_lazy("Edit role"), gettext_lazy("Keep")
    form_class = RoleForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = ROLES.get(self.actor, keys["id"])
        return {"name": row.name, "description": row.description}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        ROLES.update(actor, keys["id"], values)
        return reverse("roles"), ""


class DeleteRole(Confirm):
    panel = "roles"
    submit, keep = gettext_lazy("Delete the role"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": ROLES.get(self.actor, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("Whoever has it loses it at once.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        ROLES.delete(actor, keys["id"])
        return reverse("roles"), ""
