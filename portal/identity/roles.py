"""Roles, and which one includes which."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.errors import Forbidden
from identity import policy
from identity.crud import Duplicate
from identity.models import ImpliedRole, Role
from identity.roles.services import ROLES, Loop, WouldImply, implied_by, imply, unimply
from portal.identity import context
from portal.identity.several import Deleting
from portal.ui import Text
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row


class Roles(ListPanel):
    """The cloud's roles; with a domain as context also that domain's own."""

    panel, kind, icon = "roles", "role", "id-badge-2"
    title = gettext_lazy("Roles")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Includes")),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="l"),
        Column("ID", hide="m"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        rows = ROLES.listing(actor, {})
        domain = context.chosen(self.request, actor)
        if domain is not None:
            rows = rows | ROLES.listing(actor, {"domain_id": domain.pk})
        return rows.select_related("domain")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        after: dict[str, list[str]] = {}
        if policy.allows(actor, "identity:list_implied_roles"):
            for one in ImpliedRole.objects.filter(prior__in=found).select_related("implied").order_by("implied__name"):
                after.setdefault(one.prior_id, []).append(one.implied.name)
        return [
            Row(
                row.pk, row.name, "", None,
                (Cell("tags", after.get(row.pk, ())), Cell("muted", row.description),
                 Cell("muted", row.domain.name if row.domain else ""), Cell("id", row.pk)),
                menu=reverse("role-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "identity:create_role", {})
        return Action("create", _("Create role"), "plus", reverse("role-create"), why=why)

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("roles-delete") + "?ids=", risk=True),)

    def empty(self) -> Empty:
        return Empty(_("No roles"), _("A role is what somebody may do somewhere."), "openstack role create auditor")


class RoleMenu(Page):
    panel = "roles"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        row = ROLES.get(self.actor, id)
        fixed = _("It is marked immutable") if row.options.get("immutable") else ""
        target = ROLES.target(row)
        change = gate(self.actor, ROLES.rule("update", row), target, fixed)
        remove = gate(self.actor, ROLES.rule("delete", row), target, fixed)
        edit = gate(self.actor, "identity:create_implied_role", target)
        actions = [
            Action("edit", _("Edit"), "pencil", reverse("role-edit", args=[id]), why=change),
            Action("implied", _("Included roles"), "stack-2", reverse("role-implied", args=[id]), why=edit),
            Action("delete", _("Delete"), "trash", reverse("role-delete", args=[id]), why=remove, risk=True),
        ]
        return self.fragment("ui/menu.html", actions=actions, id=id)


class RoleForm(Styled):
    name = Name()
    description = Description()


class NewRoleForm(RoleForm):
    domain_id = forms.ChoiceField(
        label=gettext_lazy("Domain"), required=False,
        help_text=gettext_lazy("A role of one domain counts nowhere by itself; what it includes does."),
    )  # fmt: skip


class Create(FormDialog):
    panel = "roles"
    title, submit = gettext_lazy("Create role"), gettext_lazy("Create")
    form_class = NewRoleForm
    places = ((Duplicate, "name"),)

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        every: tuple[str, Text] = ("", _("The whole cloud"))
        form.fields["domain_id"].choices = [every, *context.choosable(self.actor)]  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        ROLES.create(actor, {**values, "domain_id": values["domain_id"] or None})
        return reverse("roles"), ""


class Edit(FormDialog):
    panel = "roles"
    title, submit = gettext_lazy("Edit role"), gettext_lazy("Keep")
    form_class = RoleForm
    places = ((Duplicate, "name"),)

    def initial(self, **keys: str) -> dict[str, Any]:
        row = ROLES.get(self.actor, keys["id"])
        return {"name": row.name, "description": row.description}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        ROLES.update(actor, keys["id"], values)
        return reverse("roles"), ""


class ImpliedForm(Styled):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Includes"), widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("Whoever has the role has these too."),
    )  # fmt: skip


class Implied(FormDialog):
    """Which roles a role includes, exactly as ticked."""

    panel = "roles"
    title, submit = gettext_lazy("Included roles"), gettext_lazy("Keep")
    form_class = ImpliedForm
    places = ((Loop, "roles"), (WouldImply, "roles"))

    def heading(self, **keys: str) -> Text:
        return _("What %(name)s includes") % {"name": ROLES.get(self.actor, keys["id"]).name}

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        others = Role.objects.filter(domain=None).exclude(pk=keys["id"]).exclude(name="admin").order_by("name")
        try:
            others = others.filter(pk__in=ROLES.listing(self.actor, {}).values("pk"))
        except Forbidden:
            others = others.none()
        form.fields["roles"].choices = [(row.pk, row.name) for row in others]  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"roles": [row.pk for row in implied_by(self.actor, keys["id"])[1]]}

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        have, want = {row.pk for row in implied_by(actor, keys["id"])[1]}, set(values["roles"])
        for id in sorted(have - want):
            unimply(actor, keys["id"], id)
        for id in sorted(want - have):
            imply(actor, keys["id"], id)
        return reverse("roles"), ""


class Delete(Deleting):
    panel, kind, route = "roles", ROLES, "roles"
    submit, keep = gettext_lazy("Delete the role"), gettext_lazy("Keep it")

    def text(self, **keys: str) -> Text:
        return _("Whoever has it loses it at once.")


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the roles"), gettext_lazy("Keep them")
