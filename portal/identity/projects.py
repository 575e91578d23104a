"""Projects: the list, the page with its tabs, and what one does with them."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from identity.assignments import grants
from identity.models import Group, Project, Role, User
from identity.projects import owned
from identity.projects.owned import Holding
from identity.projects.services import PROJECTS
from identity.signin import sessions
from portal.identity import quotas
from portal.identity.bulk import Deletion
from portal.identity.context import DomainList
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, New
from portal.ui.menus import Action, Verb, gate
from portal.ui.status import Status, switch
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, attr

ENABLED = Filter("enabled", gettext_lazy("Status"), choices=(("True", gettext_lazy("Enabled")), ("False", gettext_lazy("Disabled"))))  # fmt: skip


def enabled(row: Any) -> Cell:
    """Whether a thing of identity is switched on, as a list shows it."""
    return Cell("status", switch(row.enabled))


class Projects(DomainList):
    panel, kind, route = "projects", "project", "project"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Enabled"), sort="enabled", cell=enabled),
        Column(gettext_lazy("Description"), hide="m", cell=attr("muted", "description")),
        Column(gettext_lazy("Domain"), hide="m", sort="domain__name", cell=attr("muted", "domain__name")),
        Column("ID", hide="l", cell=attr("id", "pk")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters = (ENABLED, Filter("name", gettext_lazy("Name")), Filter("id", "ID"))
    new = New(
        gettext_lazy("Create project"),
        "project-create",
        "identity:create_project",
        "wide",
        lambda actor: {"target.project.domain_id": actor.domain_id},
    )
    empty = Empty(
        gettext_lazy("No projects yet"),
        gettext_lazy("A project owns things and has members and quotas."),
        "openstack project create web",
    )

    def query(self, actor: RequestContext) -> Any:
        return self.inside(PROJECTS.listing(actor, {}).select_related("domain"))

    def status(self, one: Any) -> Status:
        return switch(one.enabled)

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("projects-delete") + "?ids=", risk=True),)


class ProjectItem(ItemPage):
    panel, kind = "projects", "project"
    recorded = "data/security/project"
    find = staticmethod(PROJECTS.get)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("users", gettext_lazy("Users")),
        ("groups", gettext_lazy("Groups")),
        ("usage", gettext_lazy("Usage")),
    )

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> Any:
        """Query those that are no domains: both are rows of one table."""
        return Project.objects.filter(is_domain=False)

    def tabs_of(self, actor: RequestContext, row: Project) -> Any:
        target = {"target.domain_id": row.domain_id}
        if policy.allows(actor, "identity:list_role_assignments", target):
            return self.tabs
        return tuple(tab for tab in self.tabs if tab[0] in ("", "usage"))

    def actions(self, actor: RequestContext, row: Project) -> list[Action]:
        target = PROJECTS.target(row)
        grant = gate(actor, "identity:create_grant", {**target, "target.user.domain_id": row.domain_id,
                     "target.role.name": "member", "target.role.domain_id": None})  # fmt: skip
        by_group = gate(actor, "identity:create_grant", {**target, "target.group.domain_id": row.domain_id,
                        "target.role.name": "member", "target.role.domain_id": None})  # fmt: skip
        limits = "" if quotas.may_set_any(actor, row) else gate(actor, "identity:update_limit", {})
        here = _("It is the active project") if row.pk == actor.project_id else ""
        stranger = (
            "" if row.pk in {mine.pk for mine in sessions.projects(actor.user_id)} else _("You have no role on it")
        )
        change, remove = gate(actor, "identity:update_project", target), gate(actor, "identity:delete_project", target)

        def url(name: str) -> str:
            return reverse(f"project-{name}", args=[row.pk])

        return [
            Action("members", _("Manage members"), "users", url("members"), "wide", grant),
            Action("quota", _("Modify quotas"), "adjustments", url("quota"), "wide", limits),
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("groups", _("Modify groups"), "users-group", url("groups"), "wide", by_group),
            Action("usage", _("View usage"), "chart-bar", reverse("project-tab", args=[row.pk, "usage"]), "link"),
            Action("activate", _("Set as active project"), "target-arrow", url("activate"), "post", here or stranger),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove or here, risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Project) -> Detail:
        facts = (
            (_("Name"), Cell("text", row.name)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("ID"), Cell("copy", row.pk)),
            (_("Domain"), Cell("text", row.domain.name if row.domain else "")),
            (_("Domain ID"), Cell("copy", row.domain_id)),
            (_("Enabled"), Cell("yes", row.enabled)),
            (_("Tags"), Cell("tags", sorted(tag.name for tag in row.tags.all()))),
            (_("Created"), Cell("when", row.created_at)),
        )
        cards = [Card(_("Details"), pairs=facts, name="details")]
        if row.extra:
            more = tuple((name, Cell("text", value)) for name, value in sorted(row.extra.items()))
            cards.append(Card(_("Custom properties"), pairs=more))
        return Detail(row.name, switch(row.enabled), facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: RequestContext, row: Project, name: str) -> list[Card]:
        if name == "usage":
            return quotas.cards(actor, row)
        return [holders(actor, row, on="project", subject="user" if name == "users" else "group", list_route="project")]


def holders(actor: RequestContext, row: Project, *, on: str, subject: str, list_route: str) -> Card:
    """Build the card of role assignments on a project or domain, with the verb that changes them."""
    given = grants.given(actor, on=on, object_id=row.pk, subject=subject)
    roles = dict(Role.objects.values_list("pk", "name"))
    model = User if subject == "user" else Group
    found = model.objects.filter(pk__in=given).select_related("domain").order_by("name")
    rows = [
        Row(
            one.pk, one.name, reverse(subject, args=[one.pk]), None,
            (Cell("tags", sorted(roles[id] for id in given[one.pk])), Cell("muted", one.domain.name), Cell("id", one.pk)),
        )
        for one in found
    ]  # fmt: skip
    people = subject == "user"
    first = Column(_("User")) if people else Column(_("Group"))
    columns = (first, Column(_("Roles")), Column(_("Domain"), hide="m"), Column("ID", hide="m"))
    url = reverse(f"{list_route}-{'members' if people else 'groups'}", args=[row.pk])
    verb = _("Manage members") if people else _("Modify groups")
    empty = _("No members yet.") if people else _("No group has a role here.")
    target: dict[str, str | None] = {f"target.{on}.id": row.pk, f"target.{subject}.domain_id": row.domain_id or row.pk}
    target |= {"target.project.domain_id": row.domain_id} if on == "project" else {}
    target |= {"target.role.name": "member", "target.role.domain_id": None}
    why = gate(actor, "identity:create_grant", target)
    action = Action("members" if people else "groups", verb, "users", url, "wide", why)
    title: Text = _("Users") if people else _("Groups")
    return Card(title, columns=columns, rows=rows, empty=empty, action=action, name=f"{subject}s")


#: The session moves to this project.
ACTIVATE = Verb(
    panel="projects",
    do=lambda call: sessions.switch_project(call.request, call.id),
    next=to("overview"),
    said=lambda actor: _("The active project is %(name)s.") % {"name": actor.project_name},
)


def delete_text(call: Call) -> str:
    if len(call.ids) > 1:
        return _(
            "A project that owns something stays: delete such a one by itself, where its dialog lists what it owns."
        )
    if not owned.holdings(row.pk for row in call.rows):
        return _("It owns nothing. It cannot be undone.")
    return _("What it owns goes with it, in this order. It cannot be undone.")


def planned(found: list[Holding]) -> list[tuple[str, Text]]:
    """Lines of a dialog: how many of what, the first names, and every protected one by name."""
    lines: list[tuple[str, Text]] = []
    for holding in found:
        names = ", ".join(holding.names) + (" …" if holding.count > len(holding.names) else "")
        lines.append((holding.counted(), names))
        if holding.protected:
            lines.append((_("protected, and deleted all the same"), ", ".join(holding.protected)))
    return lines


DELETE = Deletion(
    panel="projects",
    kind=PROJECTS,
    route="projects",
    one=gettext_lazy("Delete the project"),
    bulk=gettext_lazy("Delete the projects"),
    text=delete_text,
    holds=lambda rows: planned(owned.holdings(row.pk for row in rows)),
    is_typed=True,
    # the dialog of one has said what goes with it; one of several has not
    remove=lambda call, id: PROJECTS.delete(call.actor, id, cascade="id" in call.keys),
)
