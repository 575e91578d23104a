"""Groups and who is in them."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization import policy
from authorization.context import RequestContext
from identity.assignments import grants
from identity.groups import services
from identity.groups.services import GROUPS
from identity.models import Group
from identity.resource import Duplicate
from identity.users.services import USERS
from portal.identity import context
from portal.identity.bulk import Deletion
from portal.identity.context import DomainList
from portal.identity.project_dialogs import MOST
from portal.identity.users import assigned
from portal.ui.calls import Call, to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, New
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.status import switch
from portal.ui.tables import Bulk, Cell, Column, Filter, Row
from portal.ui.widgets import Checklist


class Groups(DomainList):
    panel, kind = "groups", "group"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Users"), "n"),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="m", sort="domain__name"),
        Column("ID", hide="l"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    new = New(
        gettext_lazy("Create group"),
        "group-create",
        "identity:create_group",
        target=lambda actor: {"target.group.domain_id": actor.domain_id},
    )
    empty = Empty(
        gettext_lazy("No groups yet"),
        gettext_lazy("A group is several users who get roles together."),
        "openstack group create operators",
    )

    def query(self, actor: RequestContext) -> Any:
        return self.inside(GROUPS.listing(actor, {}).select_related("domain"))

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        members: dict[str, int] = {}
        pairs = Group.users.through.objects.filter(group_id__in=[row.pk for row in found])
        for id in pairs.values_list("group_id", flat=True):
            members[id] = members.get(id, 0) + 1
        return [
            Row(
                row.pk, row.name, reverse("group", args=[row.pk]), None,
                (Cell("num", members.get(row.pk, 0)), Cell("muted", row.description), Cell("muted", row.domain.name),
                 Cell("id", row.pk)),
                menu=reverse("group", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("groups-delete") + "?ids=", risk=True),)


class GroupItem(ItemPage):
    panel, kind = "groups", "group"
    recorded = "data/security/group"
    find = staticmethod(GROUPS.get)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("users", gettext_lazy("Users")),
        ("roles", gettext_lazy("Role assignments")),
    )

    def tabs_of(self, actor: RequestContext, row: Group) -> Any:
        allowed = {
            "": True,
            "users": policy.allows(actor, "identity:list_users_in_group", GROUPS.target(row)),
            "roles": policy.allows(actor, "identity:list_role_assignments", {"target.domain_id": row.domain_id}),
        }
        return tuple(tab for tab in self.tabs if allowed[tab[0]])

    def actions(self, actor: RequestContext, row: Group) -> list[Action]:
        target = GROUPS.target(row)
        both = {**target, "target.user.domain_id": row.domain_id}
        add, take = (
            gate(actor, "identity:add_user_to_group", both),
            gate(actor, "identity:remove_user_from_group", both),
        )
        change, remove = gate(actor, "identity:update_group", target), gate(actor, "identity:delete_group", target)
        empty = "" if row.users.exists() else _("Nobody is in it")

        def url(name: str) -> str:
            return reverse(f"group-{name}", args=[row.pk])

        return [
            Action("add-users", _("Add users"), "user-plus", url("add"), why=add),
            Action("remove-users", _("Remove users"), "user-minus", url("remove"), why=take or empty),
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("members", _("Manage members"), "users", reverse("group-tab", args=[row.pk, "users"]), "link"),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove, risk=True),
        ]

    def detail(self, actor: RequestContext, row: Group) -> Detail:
        facts = (
            (_("Name"), Cell("text", row.name)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("ID"), Cell("copy", row.pk)),
            (_("Domain"), Cell("text", row.domain.name)),
            (_("Users"), Cell("num", row.users.count())),
        )
        cards = [Card(_("Details"), pairs=facts, name="details")]
        return Detail(row.name, None, facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: RequestContext, row: Group, name: str) -> list[Card]:
        if name == "roles":
            return [assigned(grants.of_group(actor, row))]
        rows = [
            Row(
                user.pk, user.name, reverse("user", args=[user.pk]), switch(user.enabled),
                (Cell("status", switch(user.enabled)), Cell("muted", user.email), Cell("id", user.pk)),
                menu=reverse("group-user", args=[row.pk, user.pk]),
            )
            for user in services.members(actor, row.pk).order_by("name")
        ]  # fmt: skip
        columns = (Column(_("User")), Column(_("Enabled")), Column(_("E-mail"), hide="m"), Column("ID", hide="m"))
        add = Action("add-users", _("Add users"), "user-plus", reverse("group-add", args=[row.pk]))
        return [Card(_("Users"), columns=columns, rows=rows, empty=_("Nobody is in it."), action=add, name="users")]


class GroupForm(Styled):
    name = Name(max_length=64)
    description = Description()


class NewGroupForm(Styled):
    name = Name(max_length=64)
    description = Description()
    domain_id = forms.ChoiceField(label=gettext_lazy("Domain"))


CREATE = FormDialog(
    panel="groups",
    title=gettext_lazy("Create group"),
    submit=gettext_lazy("Create"),
    form=NewGroupForm,
    initial=lambda call: {"domain_id": context.for_new(call.request, call.actor)},
    choices={"domain_id": lambda call: context.choosable(call.actor)},
    places=((Duplicate, "name"),),
    do=lambda call, values: GROUPS.create(call.actor, values),
    next=to_made("group"),
)
EDIT = FormDialog(
    panel="groups",
    find=GROUPS.get,
    title=gettext_lazy("Edit group"),
    submit=gettext_lazy("Save"),
    form=GroupForm,
    initial=from_row,
    places=((Duplicate, "name"),),
    do=lambda call, values: GROUPS.update(call.actor, call.id, values),
    next=to("group", "id"),
)
DELETE = Deletion(
    panel="groups",
    kind=GROUPS,
    route="groups",
    one=gettext_lazy("Delete the group"),
    bulk=gettext_lazy("Delete the groups"),
    text=gettext_lazy("Its users stay; the roles they have through it go."),
)


# ── Who is in it ────────────────────────────────────────────────────────────────────────────────────────────────────


def member_verbs(call: Call) -> list[Action]:
    group = GROUPS.get(call.actor, call.keys["id"])
    target = {**GROUPS.target(group), "target.user.domain_id": group.domain_id}
    why = gate(call.actor, "identity:remove_user_from_group", target)
    url = reverse("group-user", args=[group.pk, call.id])
    return [Action("remove-user", _("Remove from the group"), "user-minus", url, "post", why, risk=True)]


MEMBER_MENU = Menu(panel="groups", key="user", actions=member_verbs)
REMOVE_MEMBER = Verb(
    panel="groups",
    key="user",
    do=lambda call: services.remove_member(call.actor, call.keys["id"], call.id),
    next=to("group-tab", "id", tab="users"),
)


class PeopleForm(Styled):
    users = forms.MultipleChoiceField(label=gettext_lazy("Users"), widget=Checklist)


def outside(call: Call) -> list[tuple[str, str]]:
    """Users who are not in the group."""
    here = services.members(call.actor, call.id).values("pk")
    return _named(USERS.listing(call.actor, {}).exclude(pk__in=here))


def inside(call: Call) -> list[tuple[str, str]]:
    return _named(services.members(call.actor, call.id))


def _named(rows: Any) -> list[tuple[str, str]]:
    found = rows.select_related("domain").order_by("name")[:MOST]
    return [(row.pk, f"{row.name} ({row.domain.name})" if row.domain_id != "default" else row.name) for row in found]


@transaction.atomic
def add(call: Call, values: dict[str, Any]) -> int:
    """Add the ticked users, all or none; gives their number."""
    for user_id in values["users"]:
        services.add_member(call.actor, call.id, user_id)
    return len(values["users"])


@transaction.atomic
def remove(call: Call, values: dict[str, Any]) -> int:
    """Remove the ticked users, all or none; gives their number."""
    for user_id in values["users"]:
        services.remove_member(call.actor, call.id, user_id)
    return len(values["users"])


ADD = FormDialog(
    panel="groups",
    find=GROUPS.get,
    title=gettext_lazy("Add users to %(name)s"),
    submit=gettext_lazy("Add"),
    form=PeopleForm,
    initial=lambda call: {},
    choices={"users": outside},
    do=add,
    next=to("group-tab", "id", tab="users"),
    said=lambda n: ngettext("%(count)s user added", "%(count)s users added", n) % {"count": n},
)
REMOVE = FormDialog(
    panel="groups",
    find=GROUPS.get,
    title=gettext_lazy("Remove users from %(name)s"),
    submit=gettext_lazy("Remove"),
    risk=True,
    form=PeopleForm,
    initial=lambda call: {},
    choices={"users": inside},
    do=remove,
    next=to("group-tab", "id", tab="users"),
    said=lambda n: ngettext("%(count)s user removed", "%(count)s users removed", n) % {"count": n},
)
