"""Domains: the list, the page, the context that narrows the other lists."""

from typing import Any

from django import forms
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from identity.domains.services import DOMAINS
from identity.models import Domain, Group, Project, User
from identity.projects import owned
from identity.resource import Duplicate
from portal.identity import context
from portal.identity.bulk import Deletion
from portal.identity.projects import ENABLED, holders, planned
from portal.ui import Text
from portal.ui.calls import to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.status import switch
from portal.ui.tables import Bulk, Cell, Column, Filter, Row


class Domains(ListPanel):
    panel, kind = "domains", "domain"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Enabled"), sort="enabled"),
        Column(gettext_lazy("Description"), hide="m"),
        Column("ID", hide="m"),
    )
    filters = (ENABLED, Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    new = New(gettext_lazy("Create domain"), "domain-create", "identity:create_domain", target=lambda actor: {})
    empty = Empty(
        gettext_lazy("No domains"),
        gettext_lazy("A domain holds projects, users and groups with names of their own."),
        "openstack domain create acme",
    )

    def query(self, actor: RequestContext) -> Any:
        return DOMAINS.listing(actor, {})

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        here = context.chosen(self.request, actor)
        return [
            Row(
                row.pk, row.name, reverse("domain", args=[row.pk]), switch(row.enabled),
                (Cell("status", switch(row.enabled), note=_("context") if here == row else ""),
                 Cell("muted", row.description), Cell("id", row.pk)),
                menu=reverse("domain", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def extra(self, actor: RequestContext) -> list[Action]:
        row = context.chosen(self.request, actor)
        why = "" if row is not None else _("No domain is set as context")
        return [Action("clear-context", _("Clear context"), "x", reverse("domain-clear"), "post", why)]

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (
            Bulk("enable", _("Enable"), "player-play", reverse("domains-switch", args=["enable"]), ("disabled",), _("None of them is disabled")),
            Bulk("disable", _("Disable"), "player-pause", reverse("domains-switch", args=["disable"]), ("enabled",), _("None of them is enabled")),
            Bulk("delete", _("Delete…"), "trash", reverse("domains-delete") + "?ids=", risk=True),
        )  # fmt: skip


class DomainItem(ItemPage):
    panel, kind = "domains", "domain"
    recorded = "data/security/project"
    find = staticmethod(DOMAINS.get)
    tabs = (("", gettext_lazy("Overview")), ("users", gettext_lazy("Users")), ("groups", gettext_lazy("Groups")))

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> Any:
        """Query those that are domains: both are rows of one table."""
        return Domain.objects.all()

    def tabs_of(self, actor: RequestContext, row: Domain) -> Any:
        if policy.allows(actor, "identity:list_role_assignments", {"target.domain_id": row.pk}):
            return self.tabs
        return self.tabs[:1]

    def actions(self, actor: RequestContext, row: Domain) -> list[Action]:
        target = DOMAINS.target(row)
        role = {"target.role.name": "member", "target.role.domain_id": None}
        members = gate(actor, "identity:create_grant", {**target, **role, "target.user.domain_id": row.pk})
        groups = gate(actor, "identity:create_grant", {**target, **role, "target.group.domain_id": row.pk})
        change, remove = gate(actor, "identity:update_domain", target), gate(actor, "identity:delete_domain", target)
        switch = (_("Disable"), "player-pause") if row.enabled else (_("Enable"), "player-play")
        mine = _("You belong to this domain") if row.pk in (actor.user_domain_id, actor.project_domain_id) else ""
        here = context.chosen(self.request, actor) == row
        set_why = _("The session is in this domain only") if actor.domain_id else _("It is the context") if here else ""
        enabled = _("Disable the domain first") if row.enabled else ""

        def url(name: str) -> str:
            return reverse(f"domain-{name}", args=[row.pk])

        return [
            Action("set-context", _("Set as context"), "target-arrow", url("context"), "post", set_why),
            Action("members", _("Manage members"), "users", url("members"), "wide", members),
            Action("edit", _("Edit"), "pencil", url("edit"), why=change),
            Action("groups", _("Modify groups"), "users-group", url("groups"), "wide", groups),
            Action("disable" if row.enabled else "enable", *switch, url("switch"), "post", change or (mine if row.enabled else "")),
            Action("delete", _("Delete"), "trash", url("delete"), why=remove or mine or enabled, risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Domain) -> Detail:
        facts = (
            (_("Name"), Cell("text", row.name)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("ID"), Cell("copy", row.pk)),
            (_("Enabled"), Cell("yes", row.enabled)),
            (_("Projects"), Cell("num", Project.objects.filter(domain_id=row.pk).count())),
            (_("Users"), Cell("num", User.objects.filter(domain_id=row.pk).count())),
            (_("Groups"), Cell("num", Group.objects.filter(domain_id=row.pk).count())),
            (_("Created"), Cell("when", row.created_at)),
        )
        cards = [Card(_("Details"), pairs=facts, name="details")]
        return Detail(row.name, switch(row.enabled), facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: RequestContext, row: Domain, name: str) -> list[Card]:
        subject = "user" if name == "users" else "group"
        return [holders(actor, row, on="domain", subject=subject, list_route="domain")]


class DomainForm(Styled):
    name = Name(max_length=64)
    description = Description()
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)


CREATE = FormDialog(
    panel="domains",
    title=gettext_lazy("Create domain"),
    submit=gettext_lazy("Create"),
    form=DomainForm,
    initial=lambda call: {"enabled": True},
    places=((Duplicate, "name"),),
    do=lambda call, values: DOMAINS.create(call.actor, values),
    next=to_made("domain"),
)
EDIT = FormDialog(
    panel="domains",
    find=DOMAINS.get,
    title=gettext_lazy("Edit domain"),
    submit=gettext_lazy("Save"),
    form=DomainForm,
    initial=from_row,
    places=((Duplicate, "name"),),
    do=lambda call, values: DOMAINS.update(call.actor, call.id, values),
    next=to("domain", "id"),
)


def held(rows: list[Any]) -> list[tuple[str, Text]]:
    """List what is deleted with the domains: counts of projects, users and groups, and the holdings of their projects."""
    ids = [row.pk for row in rows]
    numbers = (
        (Project.objects.filter(domain_id__in=ids).count(), _("projects")),
        (User.objects.filter(domain_id__in=ids).count(), _("users")),
        (Group.objects.filter(domain_id__in=ids).count(), _("groups")),
    )
    within = Project.objects.filter(Q(domain_id__in=ids) | Q(pk__in=ids)).values_list("pk", flat=True)
    return [*((str(number), word) for number, word in numbers if number), *planned(owned.holdings(within))]


DELETE = Deletion(
    panel="domains",
    kind=DOMAINS,
    route="domains",
    one=gettext_lazy("Delete the domain"),
    bulk=gettext_lazy("Delete the domains"),
    text=gettext_lazy("Its projects with what they own, its users and its groups go with it. It cannot be undone."),
    holds=held,
    is_typed=True,
    # the dialog of one has said what goes with it; one of several has not
    remove=lambda call, id: DOMAINS.delete(call.actor, id, cascade="id" in call.keys),
)
