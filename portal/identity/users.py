"""Users: the list, and the page with its tabs."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from identity.assignments import grants
from identity.assignments.listing import Assignment
from identity.assignments.names import Names
from identity.credentials.services import CREDENTIALS
from identity.models import Group, Project, User
from identity.users.services import USERS, groups_of
from portal.identity.bulk import Deletion
from portal.identity.context import DomainList
from portal.identity.credentials import lines as credential_lines
from portal.identity.projects import ENABLED, enabled
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, New
from portal.ui.menus import Action, gate
from portal.ui.status import Status, switch
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, attr


class Users(DomainList):
    panel, kind, route = "users", "user", "user"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Enabled"), sort="enabled", cell=enabled),
        Column(gettext_lazy("Description"), hide="l", cell=attr("muted", "description")),
        Column(gettext_lazy("E-mail"), hide="m", sort="email", cell=attr("muted", "email")),
        Column(gettext_lazy("Domain"), hide="m", sort="domain__name", cell=attr("muted", "domain__name")),
        Column("ID", hide="l", cell=attr("id", "pk")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters = (ENABLED, Filter("name", gettext_lazy("Name")), Filter("id", "ID"))
    new = New(
        gettext_lazy("Create user"),
        "user-create",
        "identity:create_user",
        "wide",
        lambda actor: {"target.user.domain_id": actor.domain_id},
    )
    empty = Empty(
        gettext_lazy("No users yet"),
        gettext_lazy("A user is a person or a script that signs in."),
        "openstack user create lin",
    )

    def query(self, actor: RequestContext) -> Any:
        return self.inside(USERS.listing(actor, {}).select_related("domain"))

    def status(self, one: Any) -> Status:
        return switch(one.enabled)

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (
            Bulk("enable", _("Enable"), "player-play", reverse("users-switch", args=["enable"]), ("disabled",), _("None of them is disabled")),
            Bulk("disable", _("Disable"), "player-pause", reverse("users-switch", args=["disable"]), ("enabled",), _("None of them is enabled")),
            Bulk("delete", _("Delete…"), "trash", reverse("users-delete") + "?ids=", risk=True),
        )  # fmt: skip


class UserItem(ItemPage):
    panel, kind = "users", "user"
    recorded = "data/security/account/user"
    find = staticmethod(USERS.get)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("roles", gettext_lazy("Role assignments")),
        ("groups", gettext_lazy("Groups")),
        ("credentials", gettext_lazy("Credentials")),
    )

    def tabs_of(self, actor: RequestContext, row: User) -> Any:
        allowed = {
            "": True,
            "roles": policy.allows(actor, "identity:list_role_assignments", {"target.domain_id": row.domain_id}),
            "groups": policy.allows(actor, "identity:list_groups_for_user", USERS.target(row)),
            "credentials": policy.allows(actor, "identity:list_credentials", {"target.credential.user_id": row.pk}),
        }
        return tuple(tab for tab in self.tabs if allowed[tab[0]])

    def actions(self, actor: RequestContext, row: User) -> list[Action]:
        switch = (_("Disable"), "player-pause") if row.enabled else (_("Enable"), "player-play")
        own = _("This is you") if row.pk == actor.user_id else ""
        locked = _("The password is locked. Unlock it by editing the user.") if row.options.get("lock_password") else ""
        change = gate(actor, "identity:update_user", USERS.target(row))
        remove = gate(actor, "identity:delete_user", USERS.target(row))

        def url(name: str) -> str:
            return reverse(f"user-{name}", args=[row.pk])

        return [
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("password", _("Change password"), "lock", url("password"), why=change or locked),
            Action("switch", *switch, url("switch"), "post", change or own),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove or own, risk=True),
        ]

    def detail(self, actor: RequestContext, row: User) -> Detail:
        primary = Project.objects.filter(pk=row.default_project_id).first() if row.default_project_id else None
        facts = (
            (_("Name"), Cell("text", row.name)),
            (_("ID"), Cell("copy", row.pk)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("E-mail"), Cell("text", row.email or "–")),
            (_("Domain"), Cell("text", row.domain.name)),
            (_("Primary project"), Cell("link", primary.name, reverse("project", args=[primary.pk])) if primary else Cell("text", "–")),
            (_("Enabled"), Cell("yes", row.enabled)),
            (_("Password locked"), Cell("yes", row.options.get("lock_password"))),
            (_("Password changed"), Cell("when", row.password_changed_at)),
            (_("Password expires"), Cell("when", row.password_expires_at)),
            (_("Created"), Cell("when", row.created_at)),
        )  # fmt: skip
        cards = [Card(_("Details"), pairs=facts, name="details")]
        if row.extra:
            more = tuple((name, Cell("text", value)) for name, value in sorted(row.extra.items()))
            cards.append(Card(_("Custom properties"), pairs=more))
        return Detail(row.name, switch(row.enabled), facts=(Cell("text", row.email),), cards=cards)

    def tab(self, actor: RequestContext, row: User, name: str) -> list[Card]:
        if name == "roles":
            return [assigned(grants.of_user(actor, row))]
        if name == "groups":
            return [self.groups(actor, row)]
        found = CREDENTIALS.listing(actor, {}).filter(user_id=row.pk).order_by("type", "id")
        columns = (Column(_("Type")), Column(_("Data")), Column(_("Project"), hide="m"), Column("ID", hide="m"))
        rows = credential_lines(actor, found, with_user=False)
        return [Card(_("Credentials"), columns=columns, rows=rows, empty=_("No credentials."), name="credentials")]

    def groups(self, actor: RequestContext, row: User) -> Card:
        rows = [
            Row(group.pk, group.name, reverse("group", args=[group.pk]), None, (Cell("muted", group.description), Cell("id", group.pk)))
            for group in groups_of(actor, row.pk).order_by("name")
        ]  # fmt: skip
        columns = (Column(_("Group")), Column(_("Description"), hide="m"), Column("ID", hide="m"))
        return Card(_("Groups"), columns=columns, rows=rows, empty=_("The user is in no group."), name="groups")


KINDS: dict[str, Text] = {
    "project": gettext_lazy("Project"),
    "domain": gettext_lazy("Domain"),
    "system": gettext_lazy("System"),
}


def assigned(found: list[Assignment]) -> Card:
    """Role assignments as a card: where, which role, how one came to it."""
    names = Names(found)
    groups = dict(Group.objects.filter(pk__in={one.subject_id for one in found}).values_list("pk", "name"))
    rows = []
    for one in found:
        at = names.object(one)["name"] if one.on != "system" else _("All")
        url = reverse(one.on, args=[one.object_id]) if one.on in ("project", "domain") else ""
        how = (
            _("through the group %(name)s") % {"name": groups[one.subject_id]}
            if one.subject == "group"
            else _("directly")
        )
        if one.inherited:
            how = f"{how}, {_('for the projects below')}"
        rows.append(Row(one.object_id, at, url, None, (Cell("text", KINDS[one.on]), Cell("tags", [names.role(one)["name"]]), Cell("muted", how))))  # fmt: skip
    columns = (Column(_("On")), Column(_("Kind")), Column(_("Role")), Column(_("How"), hide="m"))
    return Card(_("Role assignments"), columns=columns, rows=rows, empty=_("No role anywhere."), name="roles")


DELETE = Deletion(
    panel="users",
    kind=USERS,
    route="users",
    one=gettext_lazy("Delete the user"),
    bulk=gettext_lazy("Delete the users"),
    text=gettext_lazy("What the user made stays with its projects. Key pairs and credentials of the user go."),
    about=lambda row: row.email,
)
