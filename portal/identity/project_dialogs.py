"""Creating and editing projects, and giving roles on projects and domains."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Forbidden
from identity.assignments import grants
from identity.domains.services import DOMAINS
from identity.groups.services import GROUPS
from identity.models import Role
from identity.projects.services import PROJECTS, NameTaken
from identity.resource import Duplicate, Resource
from identity.roles.services import ROLES
from identity.users.services import USERS
from portal.identity import context
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Description, Name, Stepped, Styled
from portal.ui.widgets import Roles

#: People of one menu; a cloud with more gives roles by groups.
MOST = 1000


def people(actor: RequestContext, kind: Resource[Any], also: Any = ()) -> list[tuple[str, str]]:
    """(id, name) of users or groups whom the actor may list, and of those in `also` who are not among them.

    Names that several share say their domain.
    """
    model = kind.model
    try:
        listed = list(kind.listing(actor, {}).select_related("domain").order_by("name")[:MOST])
    except Forbidden:
        listed = []
    rows = {row.pk: row for row in listed}
    missing = [id for id in also if id not in rows]
    rows |= {row.pk: row for row in model._default_manager.filter(pk__in=missing).select_related("domain")}
    return [
        (row.pk, f"{row.name} ({row.domain.name})" if row.domain_id != "default" else row.name) for row in rows.values()
    ]


def roles(actor: RequestContext, also: Any = (), domain_id: str = "") -> list[tuple[str, str]]:
    """(id, name) of the roles that the actor may give, a domain's own ones too."""
    try:
        found = {row.pk: row.name for row in ROLES.listing(actor, {}).order_by("name")}
    except Forbidden:
        found = {}
    more = Role.objects.filter(pk__in=[id for id in also if id not in found])
    if domain_id and actor.is_admin:
        more = more | Role.objects.filter(domain_id=domain_id)
    return [*found.items(), *((row.pk, row.name) for row in more.distinct())]


class ProjectForm(Styled):
    name = Name(max_length=64)
    description = Description()
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)


class NewProjectForm(Stepped):
    name = Name(max_length=64)
    description = Description()
    domain_id = forms.ChoiceField(label=gettext_lazy("Domain"))
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)
    members = Roles(label=gettext_lazy("Members"), add=gettext_lazy("Add member"), who=gettext_lazy("User"))
    groups = Roles(label=gettext_lazy("Groups"), add=gettext_lazy("Add group"), who=gettext_lazy("Group"))
    parts = (
        ("info", gettext_lazy("Information"), ("name", "description", "domain_id", "enabled")),
        ("members", gettext_lazy("Members"), ("members",)),
        ("groups", gettext_lazy("Groups"), ("groups",)),
    )


def offer(call: Call, form: Any) -> None:
    """Offer the users and groups that may be members from the start, with the roles that the actor may give."""
    may_give = roles(call.actor)
    form.fields["members"].offer(people(call.actor, USERS), may_give)
    form.fields["groups"].offer(people(call.actor, GROUPS), may_give)


@transaction.atomic
def create(call: Call, values: dict[str, Any]) -> Any:
    """Information, members and groups, made together or not at all."""
    given = {"user": values.pop("members"), "group": values.pop("groups")}
    row = PROJECTS.create(call.actor, values)
    for subject, wanted in given.items():
        grants.replace(call.actor, wanted, on="project", object_id=row.pk, subject=subject)
    return row


CREATE = FormDialog(
    panel="projects",
    title=gettext_lazy("Create project"),
    submit=gettext_lazy("Create"),
    form=NewProjectForm,
    initial=lambda call: {"enabled": True, "domain_id": context.for_new(call.request, call.actor)},
    choices={"domain_id": lambda call: context.choosable(call.actor)},
    prepare=offer,
    places=((Duplicate, "name"), (NameTaken, "name")),
    do=create,
    next=to_made("project"),
)
EDIT = FormDialog(
    panel="projects",
    find=PROJECTS.get,
    title=gettext_lazy("Edit project"),
    submit=gettext_lazy("Save"),
    form=ProjectForm,
    initial=from_row,
    places=((Duplicate, "name"), (NameTaken, "name")),
    do=lambda call, values: PROJECTS.update(call.actor, call.id, values),
    next=to("project", "id"),
)


# ── Who has which roles ─────────────────────────────────────────────────────────────────────────────────────────────


class UsersForm(Styled):
    holders = Roles(label=gettext_lazy("Members"), add=gettext_lazy("Add member"), who=gettext_lazy("User"))


class GroupsForm(Styled):
    holders = Roles(label=gettext_lazy("Groups"), add=gettext_lazy("Add group"), who=gettext_lazy("Group"))


@dataclass(frozen=True, kw_only=True)
class Holders(FormDialog):
    """Dialog of all role assignments on a project or domain (`on`), a line each: exactly those sent remain."""

    on: str
    subject: str  # user | group

    def filled(self, call: Call, data: Any = None, files: Any = None) -> Any:
        given = grants.given(call.actor, on=self.on, object_id=call.row.pk, subject=self.subject)
        names = dict(people(call.actor, USERS if self.subject == "user" else GROUPS, given))
        lines = [{"who": id, "roles": sorted(given[id])} for id in sorted(given, key=lambda id: names.get(id, id))]
        form = self.form(data, initial={"holders": lines})
        have = {role for held in given.values() for role in held}
        domain_id = call.row.pk if self.on == "domain" else call.row.domain_id
        form.fields["holders"].offer(names.items(), roles(call.actor, have, domain_id))  # type: ignore[attr-defined]
        return form


def replace(call: Call, values: dict[str, Any]) -> None:
    about = cast(Holders, call.about)
    grants.replace(call.actor, values["holders"], on=about.on, object_id=call.id, subject=about.subject)


def holders(on: str, subject: str, owner: Resource[Any]) -> Holders:
    """Return the dialog for a project or a domain, of its users or its groups."""
    is_user = subject == "user"
    return Holders(
        panel=f"{on}s",
        on=on,
        subject=subject,
        find=owner.get,
        title=gettext_lazy("Members of %(name)s") if is_user else gettext_lazy("Groups of %(name)s"),
        submit=gettext_lazy("Save"),
        hint=gettext_lazy("Whose line is taken away has no role here any more. Roles through groups are not shown."),
        form=UsersForm if is_user else GroupsForm,
        do=replace,
        next=to(f"{on}-tab", "id", tab=f"{subject}s"),
    )


PROJECT_MEMBERS, PROJECT_GROUPS = holders("project", "user", PROJECTS), holders("project", "group", PROJECTS)
DOMAIN_MEMBERS, DOMAIN_GROUPS = holders("domain", "user", DOMAINS), holders("domain", "group", DOMAINS)
