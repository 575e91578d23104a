"""Roles, and which one includes which."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.errors import Forbidden
from identity.models import ImpliedRole, Role
from identity.resource import Duplicate
from identity.roles.services import ROLES, Loop, WouldImply, implied_by, imply, unimply
from portal.identity import context
from portal.identity.bulk import Deletion
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu, gate
from portal.ui.tables import Bulk, Cell, Column, Filter, Row


class Roles(ListPanel):
    """The cloud's roles; with a domain as context also that domain's own."""

    panel, kind = "roles", "role"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Includes")),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="l"),
        Column("ID", hide="m"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    new = New(gettext_lazy("Create role"), "role-create", "identity:create_role", target=lambda actor: {})
    empty = Empty(
        gettext_lazy("No roles"),
        gettext_lazy("A role is what somebody may do somewhere."),
        "openstack role create auditor",
    )

    def query(self, actor: RequestContext) -> Any:
        rows = ROLES.listing(actor, {})
        domain = context.chosen(self.request, actor)
        if domain is not None:
            rows = rows | ROLES.listing(actor, {"domain_id": domain.pk})
        return rows.select_related("domain")

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
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

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("roles-delete") + "?ids=", risk=True),)


def verbs(call: Call) -> list[Action]:
    actor, row = call.actor, call.row
    fixed = _("It is marked immutable") if row.options.get("immutable") else ""
    target = ROLES.target(row)
    change = gate(actor, ROLES.rule("update", row), target, fixed)
    remove = gate(actor, ROLES.rule("delete", row), target, fixed)
    edit = gate(actor, "identity:create_implied_role", target)
    return [
        Action("edit", _("Edit"), "pencil", reverse("role-edit", args=[call.id]), why=change),
        Action("implied", _("Included roles"), "stack-2", reverse("role-implied", args=[call.id]), why=edit),
        Action("delete", _("Delete"), "trash", reverse("role-delete", args=[call.id]), why=remove, risk=True),
    ]


MENU = Menu(panel="roles", find=ROLES.get, actions=verbs)


class RoleForm(Styled):
    name = Name()
    description = Description()


class NewRoleForm(RoleForm):
    domain_id = forms.ChoiceField(
        label=gettext_lazy("Domain"), required=False,
        help_text=gettext_lazy("A role of one domain counts nowhere by itself; what it includes does."),
    )  # fmt: skip


def domains(call: Call) -> list[tuple[str, Text]]:
    return [("", _("The whole cloud")), *context.choosable(call.actor)]


CREATE = FormDialog(
    panel="roles",
    title=gettext_lazy("Create role"),
    submit=gettext_lazy("Create"),
    form=NewRoleForm,
    choices={"domain_id": domains},
    places=((Duplicate, "name"),),
    do=lambda call, values: ROLES.create(call.actor, {**values, "domain_id": values["domain_id"] or None}),
    next=to("roles"),
)
EDIT = FormDialog(
    panel="roles",
    find=ROLES.get,
    title=gettext_lazy("Edit role"),
    submit=gettext_lazy("Save"),
    form=RoleForm,
    initial=from_row,
    places=((Duplicate, "name"),),
    do=lambda call, values: ROLES.update(call.actor, call.id, values),
    next=to("roles"),
)
DELETE = Deletion(
    panel="roles",
    kind=ROLES,
    route="roles",
    one=gettext_lazy("Delete the role"),
    bulk=gettext_lazy("Delete the roles"),
    text=gettext_lazy("Whoever has it loses it at once."),
)


class ImpliedForm(Styled):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Includes"), widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("Whoever has the role has these too."),
    )  # fmt: skip


def others(call: Call) -> list[tuple[str, str]]:
    """List the cloud's roles that the actor may list, but the role itself and admin."""
    found = Role.objects.filter(domain=None).exclude(pk=call.id).exclude(name="admin").order_by("name")
    try:
        found = found.filter(pk__in=ROLES.listing(call.actor, {}).values("pk"))
    except Forbidden:
        found = found.none()
    return [(row.pk, row.name) for row in found]


def included(call: Call) -> list[str]:
    return [row.pk for row in implied_by(call.actor, call.id)[1]]


@transaction.atomic
def set_included(call: Call, values: dict[str, Any]) -> None:
    """Make the role include exactly those that are ticked."""
    have, want = set(included(call)), set(values["roles"])
    for id in sorted(have - want):
        unimply(call.actor, call.id, id)
    for id in sorted(want - have):
        imply(call.actor, call.id, id)


IMPLIED = FormDialog(
    panel="roles",
    find=ROLES.get,
    title=gettext_lazy("What %(name)s includes"),
    submit=gettext_lazy("Save"),
    form=ImpliedForm,
    initial=lambda call: {"roles": included(call)},
    choices={"roles": others},
    places=((Loop, "roles"), (WouldImply, "roles")),
    do=set_included,
    next=to("roles"),
)
