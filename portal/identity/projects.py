"""Projects: the list, the page with its tabs, and what one does with them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from identity import policy, sessions
from identity.assignments import grants
from identity.models import Group, Project, Role, User
from identity.projects import owned
from identity.projects.owned import Holding
from identity.projects.services import PROJECTS
from portal.identity import quotas
from portal.identity.context import DomainList
from portal.identity.several import Deleting
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, age

ENABLED = Filter("enabled", gettext_lazy("Status"), choices=(("True", gettext_lazy("Enabled")), ("False", gettext_lazy("Disabled"))))  # fmt: skip


class Projects(DomainList):
    panel, kind, icon = "projects", "project", "users-group"
    title = gettext_lazy("Projects")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Enabled"), sort="enabled"),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="m", sort="domain__name"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )
    filters = (ENABLED, Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        return self.inside(PROJECTS.listing(actor, {}).select_related("domain"))

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, reverse("project", args=[row.pk]), status.switch(row.enabled),
                (Cell("status", status.switch(row.enabled)), Cell("muted", row.description),
                 Cell("muted", row.domain.name if row.domain else ""), Cell("id", row.pk), age(row.created_at)),
                menu=reverse("project", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "identity:create_project", {"target.project.domain_id": actor.domain_id})
        return Action("create", _("Create project"), "plus", reverse("project-create"), "wide", why)

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("projects-delete") + "?ids=", risk=True),)

    def empty(self) -> Empty:
        text = _("A project owns things and has members and quotas.")
        return Empty(_("No projects yet"), text, "openstack project create web")


class ProjectItem(ItemPage):
    panel, kind = "projects", "project"
    list_title, list_route = gettext_lazy("Projects"), "projects"
    tabs = (
        ("", gettext_lazy("Overview")),
        ("users", gettext_lazy("Users")),
        ("groups", gettext_lazy("Groups")),
        ("usage", gettext_lazy("Usage")),
    )

    def find(self, actor: Actor, id: str) -> Project:
        return PROJECTS.get(actor, id)

    def tabs_of(self, actor: Actor, row: Project) -> Any:
        target = {"target.domain_id": row.domain_id}
        if policy.allows(actor, "identity:list_role_assignments", target):
            return self.tabs
        return tuple(tab for tab in self.tabs if tab[0] in ("", "usage"))

    def actions(self, actor: Actor, row: Project) -> list[Action]:
        target = PROJECTS.target(row)
        grant = gate(actor, "identity:create_grant", {**target, "target.user.domain_id": row.domain_id,
                     "target.role.name": "member", "target.role.domain_id": None})  # fmt: skip
        by_group = gate(actor, "identity:create_grant", {**target, "target.group.domain_id": row.domain_id,
                        "target.role.name": "member", "target.role.domain_id": None})  # fmt: skip
        may_set = any(quotas.allows(actor, service, "set", row) for service in quotas.services())
        here = _("It is the active project") if row.pk == actor.project_id else ""
        stranger = (
            "" if row.pk in {mine.pk for mine in sessions.projects(actor.user_id)} else _("You have no role on it")
        )
        change, remove = gate(actor, "identity:update_project", target), gate(actor, "identity:delete_project", target)

        def url(name: str) -> str:
            return reverse(f"project-{name}", args=[row.pk])

        return [
            Action("members", _("Manage members"), "users", url("members"), "wide", grant),
            Action("quota", _("Modify quotas"), "adjustments", url("quota"), "wide", "" if may_set else gate(actor, "identity:update_limit", {})),
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("groups", _("Modify groups"), "users-group", url("groups"), "wide", by_group),
            Action("usage", _("View usage"), "chart-bar", reverse("project-tab", args=[row.pk, "usage"]), "link"),
            Action("activate", _("Set as active project"), "target-arrow", url("activate"), "post", here or stranger),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove or here, risk=True),
        ]  # fmt: skip

    def detail(self, actor: Actor, row: Project) -> Detail:
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
        return Detail(row.name, status.switch(row.enabled), facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: Actor, row: Project, name: str) -> list[Card]:
        if name == "usage":
            return quotas.cards(actor, row)
        return [holders(actor, row, on="project", subject="user" if name == "users" else "group", list_route="project")]


def holders(actor: Actor, row: Project, *, on: str, subject: str, list_route: str) -> Card:
    """Who has which roles on a project or domain, as a card with the verb that changes it."""
    given = grants.given(actor, on=on, object_id=row.pk, subject=subject)
    roles = dict(Role.objects.values_list("pk", "name"))
    model = User if subject == "user" else Group
    found = model.objects.filter(pk__in=given).select_related("domain").order_by("name")  # type: ignore[attr-defined]
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
    target = {f"target.{on}.id": row.pk, f"target.{subject}.domain_id": row.domain_id or row.pk}
    target |= {"target.project.domain_id": row.domain_id} if on == "project" else {}
    target |= {"target.role.name": "member", "target.role.domain_id": None}
    why = gate(actor, "identity:create_grant", target)
    action = Action("members" if people else "groups", verb, "users", url, "wide", why)
    title: Text = _("Users") if people else _("Groups")
    return Card(title, columns=columns, rows=rows, empty=empty, action=action, name=f"{subject}s")


class Activate(Page):
    """POST /projects/<id>/activate: the session moves to this project."""

    panel = "projects"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        actor = sessions.switch_project(request, id)
        return self.go(reverse("overview"), _("The active project is %(name)s.") % {"name": actor.project_name})


class Delete(Deleting):
    panel, kind, route, typed = "projects", PROJECTS, "projects", True
    submit, keep = gettext_lazy("Delete the project"), gettext_lazy("Keep it")

    def text(self, **keys: str) -> Text:
        if len(self.ids(**keys)) > 1:
            return _(
                "A project that owns something stays: delete such a one by itself, where its dialog lists what it owns."
            )
        if not self.plan(**keys):
            return _("It owns nothing. It cannot be undone.")
        return _("What it owns goes with it, in this order. It cannot be undone.")

    def plan(self, **keys: str) -> list[Holding]:
        """What the only row owns, in the order in which it goes."""
        return owned.holdings(row.pk for row in self.found(**keys))

    def holds(self, rows: list[Any]) -> list[tuple[str, Text]]:
        return planned(owned.holdings(row.pk for row in rows))

    def remove(self, actor: Actor, id: str) -> None:
        """The dialog of one has said what goes with it; one of several has not."""
        PROJECTS.delete(actor, id, cascade="id" in self.request.resolver_match.kwargs)  # type: ignore[union-attr]


def planned(found: list[Holding]) -> list[tuple[str, Text]]:
    """Lines of a dialog: how many of what, the first names, and every protected one by name."""
    lines: list[tuple[str, Text]] = []
    for holding in found:
        names = ", ".join(holding.names) + (" …" if holding.count > len(holding.names) else "")
        lines.append((holding.counted(), names))
        if holding.protected:
            lines.append((_("protected, and deleted all the same"), ", ".join(holding.protected)))
    return lines


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the projects"), gettext_lazy("Keep them")
