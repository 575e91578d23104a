"""Groups and who is in them."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.actor import Actor
from identity import policy
from identity.assignments import grants
from identity.crud import Duplicate
from identity.groups import services
from identity.groups.services import GROUPS
from identity.models import Group
from identity.users.services import USERS
from portal.identity import context
from portal.identity.context import DomainList
from portal.identity.project_dialogs import MOST
from portal.identity.several import Deleting
from portal.identity.users import assigned
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row
from portal.ui.widgets import Checklist


class Groups(DomainList):
    panel, kind, icon = "groups", "group", "users"
    title = gettext_lazy("Groups")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Users"), "n"),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="m", sort="domain__name"),
        Column("ID", hide="l"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        return self.inside(GROUPS.listing(actor, {}).select_related("domain"))

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        members: dict[str, int] = {}
        pairs = Group.users.through.objects.filter(group_id__in=[row.pk for row in found])  # type: ignore[attr-defined]
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

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "identity:create_group", {"target.group.domain_id": actor.domain_id})
        return Action("create", _("Create group"), "plus", reverse("group-create"), why=why)

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("groups-delete") + "?ids=", risk=True),)

    def empty(self) -> Empty:
        text = _("A group is several users who get roles together.")
        return Empty(_("No groups yet"), text, "openstack group create operators")


class GroupItem(ItemPage):
    panel, kind = "groups", "group"
    list_title, list_route = gettext_lazy("Groups"), "groups"
    tabs = (
        ("", gettext_lazy("Overview")),
        ("users", gettext_lazy("Users")),
        ("roles", gettext_lazy("Role assignments")),
    )

    def find(self, actor: Actor, id: str) -> Group:
        return GROUPS.get(actor, id)

    def tabs_of(self, actor: Actor, row: Group) -> Any:
        allowed = {
            "": True,
            "users": policy.allows(actor, "identity:list_users_in_group", GROUPS.target(row)),
            "roles": policy.allows(actor, "identity:list_role_assignments", {"target.domain_id": row.domain_id}),
        }
        return tuple(tab for tab in self.tabs if allowed[tab[0]])

    def actions(self, actor: Actor, row: Group) -> list[Action]:
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

    def detail(self, actor: Actor, row: Group) -> Detail:
        facts = (
            (_("Name"), Cell("text", row.name)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("ID"), Cell("copy", row.pk)),
            (_("Domain"), Cell("text", row.domain.name)),
            (_("Users"), Cell("num", row.users.count())),
        )
        cards = [Card(_("Details"), pairs=facts, name="details")]
        return Detail(row.name, None, facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: Actor, row: Group, name: str) -> list[Card]:
        if name == "roles":
            return [assigned(grants.of_group(actor, row))]
        rows = [
            Row(
                user.pk, user.name, reverse("user", args=[user.pk]), status.switch(user.enabled),
                (Cell("status", status.switch(user.enabled)), Cell("muted", user.email), Cell("id", user.pk)),
                menu=reverse("group-user", args=[row.pk, user.pk]),
            )
            for user in services.members(actor, row.pk).order_by("name")
        ]  # fmt: skip
        columns = (Column(_("User")), Column(_("Enabled")), Column(_("E-mail"), hide="m"), Column("ID", hide="m"))
        add = Action("add-users", _("Add users"), "user-plus", reverse("group-add", args=[row.pk]))
        return [Card(_("Users"), columns=columns, rows=rows, empty=_("Nobody is in it."), action=add, name="users")]


class Member(Page):
    """GET: the menu of one member; POST: out of the group."""

    panel = "groups"

    def get(self, request: HttpRequest, id: str, user: str) -> HttpResponse:
        row = GROUPS.get(self.actor, id)
        target = {**GROUPS.target(row), "target.user.domain_id": row.domain_id}
        why = gate(self.actor, "identity:remove_user_from_group", target)
        url = reverse("group-user", args=[id, user])
        action = Action("remove-user", _("Remove from the group"), "user-minus", url, "post", why, risk=True)
        return self.fragment("ui/menu.html", actions=[action], id=user)

    def post(self, request: HttpRequest, id: str, user: str) -> HttpResponse:
        services.remove_member(self.actor, id, user)
        return self.go(reverse("group-tab", args=[id, "users"]))


class GroupForm(Styled):
    name = Name(max_length=64)
    description = Description()


class NewGroupForm(Styled):
    name = Name(max_length=64)
    description = Description()
    domain_id = forms.ChoiceField(label=gettext_lazy("Domain"))


class Create(FormDialog):
    panel = "groups"
    title, submit = gettext_lazy("Create group"), gettext_lazy("Create")
    form_class = NewGroupForm
    places = ((Duplicate, "name"),)

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["domain_id"].choices = context.choosable(self.actor)  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"domain_id": context.for_new(self.request, self.actor)}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        return reverse("group", args=[GROUPS.create(actor, values).pk]), ""


class Edit(FormDialog):
    panel = "groups"
    title, submit = gettext_lazy("Edit group"), gettext_lazy("Keep")
    form_class = GroupForm
    places = ((Duplicate, "name"),)

    def initial(self, **keys: str) -> dict[str, Any]:
        row = GROUPS.get(self.actor, keys["id"])
        return {"name": row.name, "description": row.description}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        GROUPS.update(actor, keys["id"], values)
        return reverse("group", args=[keys["id"]]), ""


class PeopleForm(Styled):
    users = forms.MultipleChoiceField(label=gettext_lazy("Users"), widget=Checklist)


class Add(FormDialog):
    """Users who are not in the group, to tick."""

    panel = "groups"
    title, submit = gettext_lazy("Add users"), gettext_lazy("Add")
    form_class = PeopleForm

    def heading(self, **keys: str) -> Text:
        return _("Add users to %(name)s") % {"name": GROUPS.get(self.actor, keys["id"]).name}

    def initial(self, **keys: str) -> dict[str, Any]:
        return {}

    def offered(self, id: str) -> Any:
        here = services.members(self.actor, id).values("pk")
        return USERS.listing(self.actor, {}).exclude(pk__in=here)

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        rows = self.offered(keys["id"]).select_related("domain").order_by("name")[:MOST]
        names = [
            (row.pk, f"{row.name} ({row.domain.name})" if row.domain_id != "default" else row.name) for row in rows
        ]
        form.fields["users"].choices = names  # type: ignore[attr-defined]
        return form

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        for user_id in values["users"]:
            services.add_member(actor, keys["id"], user_id)
        said = ngettext("%(count)s user added", "%(count)s users added", len(values["users"]))
        return reverse("group-tab", args=[keys["id"], "users"]), said % {"count": len(values["users"])}


class Remove(Add):
    title, submit = gettext_lazy("Remove users"), gettext_lazy("Remove")
    risk = True

    def heading(self, **keys: str) -> Text:
        return _("Remove users from %(name)s") % {"name": GROUPS.get(self.actor, keys["id"]).name}

    def offered(self, id: str) -> Any:
        return services.members(self.actor, id)

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        for user_id in values["users"]:
            services.remove_member(actor, keys["id"], user_id)
        said = ngettext("%(count)s user removed", "%(count)s users removed", len(values["users"]))
        return reverse("group-tab", args=[keys["id"], "users"]), said % {"count": len(values["users"])}


class Delete(Deleting):
    panel, kind, route = "groups", GROUPS, "groups"
    submit, keep = gettext_lazy("Delete the group"), gettext_lazy("Keep it")

    def text(self, **keys: str) -> Text:
        return _("Its users stay; the roles they have through it go.")


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the groups"), gettext_lazy("Keep them")
