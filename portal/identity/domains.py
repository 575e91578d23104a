"""Domains: the list, the page, the context that narrows the other lists."""

from typing import Any

from django import forms
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from identity import policy
from identity.crud import Duplicate
from identity.domains.services import DOMAINS
from identity.models import Domain, Group, Project, User
from identity.projects import owned
from portal.identity import context
from portal.identity.projects import ENABLED, holders, planned
from portal.identity.several import Deleting, Switch
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.tables import Bulk, Cell, Column, Filter, Row


class Domains(ListPanel):
    panel, kind, icon = "domains", "domain", "building"
    title = gettext_lazy("Domains")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Enabled"), sort="enabled"),
        Column(gettext_lazy("Description"), hide="m"),
        Column("ID", hide="m"),
    )
    filters = (ENABLED, Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        return DOMAINS.listing(actor, {})

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        here = context.chosen(self.request, actor)
        return [
            Row(
                row.pk, row.name, reverse("domain", args=[row.pk]), status.switch(row.enabled),
                (Cell("status", status.switch(row.enabled), note=_("context") if here == row else ""),
                 Cell("muted", row.description), Cell("id", row.pk)),
                menu=reverse("domain", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "identity:create_domain", {})
        return Action("create", _("Create domain"), "plus", reverse("domain-create"), why=why)

    def extra(self, actor: Actor) -> list[Action]:
        row = context.chosen(self.request, actor)
        why = "" if row is not None else _("No domain is set as context")
        return [Action("clear-context", _("Clear context"), "x", reverse("domain-clear"), "post", why)]

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        return (
            Bulk("enable", _("Enable"), "player-play", reverse("domains-switch", args=["enable"]), ("disabled",), _("None of them is disabled")),
            Bulk("disable", _("Disable"), "player-pause", reverse("domains-switch", args=["disable"]), ("enabled",), _("None of them is enabled")),
            Bulk("delete", _("Delete…"), "trash", reverse("domains-delete") + "?ids=", risk=True),
        )  # fmt: skip

    def empty(self) -> Empty:
        text = _("A domain holds projects, users and groups with names of their own.")
        return Empty(_("No domains"), text, "openstack domain create acme")


class DomainItem(ItemPage):
    panel, kind = "domains", "domain"
    list_title, list_route = gettext_lazy("Domains"), "domains"
    tabs = (("", gettext_lazy("Overview")), ("users", gettext_lazy("Users")), ("groups", gettext_lazy("Groups")))

    def find(self, actor: Actor, id: str) -> Domain:
        return DOMAINS.get(actor, id)

    def tabs_of(self, actor: Actor, row: Domain) -> Any:
        if policy.allows(actor, "identity:list_role_assignments", {"target.domain_id": row.pk}):
            return self.tabs
        return self.tabs[:1]

    def actions(self, actor: Actor, row: Domain) -> list[Action]:
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

    def detail(self, actor: Actor, row: Domain) -> Detail:
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
        return Detail(row.name, status.switch(row.enabled), facts=(Cell("text", row.description),), cards=cards)

    def tab(self, actor: Actor, row: Domain, name: str) -> list[Card]:
        subject = "user" if name == "users" else "group"
        return [holders(actor, row, on="domain", subject=subject, list_route="domain")]


class DomainForm(Styled):
    name = Name(max_length=64)
    description = Description()
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)


class Create(FormDialog):
    panel = "domains"
    title, submit = gettext_lazy("Create domain"), gettext_lazy("Create")
    form_class = DomainForm
    places = ((Duplicate, "name"),)

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"enabled": True}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        return reverse("domain", args=[DOMAINS.create(actor, values).pk]), ""


class Edit(FormDialog):
    panel = "domains"
    title, submit = gettext_lazy("Edit domain"), gettext_lazy("Keep")
    form_class = DomainForm
    places = ((Duplicate, "name"),)

    def initial(self, **keys: str) -> dict[str, Any]:
        row = DOMAINS.get(self.actor, keys["id"])
        return {name: getattr(row, name) for name in DomainForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        DOMAINS.update(actor, keys["id"], values)
        return reverse("domain", args=[keys["id"]]), ""


class SwitchDomain(Switch):
    panel, kind, route = "domains", DOMAINS, "domains"


class Delete(Deleting):
    panel, kind, route, typed = "domains", DOMAINS, "domains", True
    submit, keep = gettext_lazy("Delete the domain"), gettext_lazy("Keep it")

    def text(self, **keys: str) -> Text:
        return _("Its projects with what they own, its users and its groups go with it. It cannot be undone.")

    def holds(self, rows: list[Any]) -> list[tuple[str, Text]]:
        ids = [row.pk for row in rows]
        numbers = (
            (Project.objects.filter(domain_id__in=ids).count(), _("projects")),
            (User.objects.filter(domain_id__in=ids).count(), _("users")),
            (Group.objects.filter(domain_id__in=ids).count(), _("groups")),
        )
        lines = [(str(number), word) for number, word in numbers if number]
        if len(rows) == 1:
            within = Project.objects.filter(Q(domain_id__in=ids) | Q(pk__in=ids)).values_list("pk", flat=True)
            lines += planned(owned.holdings(within))
        return lines

    def remove(self, actor: Actor, id: str) -> None:
        """The dialog of one has said what goes with it; one of several has not."""
        DOMAINS.delete(actor, id, cascade="id" in self.request.resolver_match.kwargs)  # type: ignore[union-attr]


class DeleteSeveral(Delete):
    submit, keep = gettext_lazy("Delete the domains"), gettext_lazy("Keep them")
