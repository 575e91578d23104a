"""Creating and editing projects, and giving roles on projects and domains."""

from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.errors import Forbidden
from identity.assignments import grants
from identity.crud import Duplicate, Kind
from identity.domains.services import DOMAINS
from identity.groups.services import GROUPS
from identity.models import Role
from identity.projects.services import PROJECTS, NameTaken
from identity.roles.services import ROLES
from identity.users.services import USERS
from portal.identity import context
from portal.ui import Text
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Description, Name, Stepped, Styled
from portal.ui.widgets import Roles

#: People of one menu; a cloud with more gives roles by groups.
MOST = 1000


def people(actor: Actor, kind: Kind, also: Any = ()) -> list[tuple[str, str]]:
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


def roles(actor: Actor, also: Any = (), domain_id: str = "") -> list[tuple[str, str]]:
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


class Create(FormDialog):
    """Information, members and groups, made together or not at all."""

    panel = "projects"
    title, submit = gettext_lazy("Create project"), gettext_lazy("Create")
    form_class = NewProjectForm
    places = ((Duplicate, "name"), (NameTaken, "name"))

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["domain_id"].choices = context.choosable(self.actor)  # type: ignore[attr-defined]
        may_give = roles(self.actor)
        form.fields["members"].offer(people(self.actor, USERS), may_give)  # type: ignore[attr-defined]
        form.fields["groups"].offer(people(self.actor, GROUPS), may_give)  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"enabled": True, "domain_id": context.for_new(self.request, self.actor)}

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        given = {"user": values.pop("members"), "group": values.pop("groups")}
        row = PROJECTS.create(actor, values)
        for subject, wanted in given.items():
            grants.replace(actor, wanted, on="project", object_id=row.pk, subject=subject)
        return reverse("project", args=[row.pk]), ""


class Edit(FormDialog):
    panel = "projects"
    title, submit = gettext_lazy("Edit project"), gettext_lazy("Keep")
    form_class = ProjectForm
    places = ((Duplicate, "name"), (NameTaken, "name"))

    def initial(self, **keys: str) -> dict[str, Any]:
        row = PROJECTS.get(self.actor, keys["id"])
        return {name: getattr(row, name) for name in ProjectForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        PROJECTS.update(actor, keys["id"], values)
        return reverse("project", args=[keys["id"]]), ""


# ── Who has which roles ─────────────────────────────────────────────────────────────────────────────────────────────


class UsersForm(Styled):
    holders = Roles(label=gettext_lazy("Members"), add=gettext_lazy("Add member"), who=gettext_lazy("User"))


class GroupsForm(Styled):
    holders = Roles(label=gettext_lazy("Groups"), add=gettext_lazy("Add group"), who=gettext_lazy("Group"))


class Holders(FormDialog):
    """Everybody with a role on a project or domain, as lines: exactly these have roles there afterwards."""

    submit = gettext_lazy("Keep")
    hint = gettext_lazy("Whose line is taken away has no role here any more. Roles through groups are not shown.")
    on: ClassVar[str]
    subject: ClassVar[str]
    owner: ClassVar[Kind]

    def heading(self, **keys: str) -> Text:
        name = self.owner.get(self.actor, keys["id"]).name
        if self.subject == "user":
            return _("Members of %(name)s") % {"name": name}
        return _("Groups of %(name)s") % {"name": name}

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        row = self.owner.get(self.actor, keys["id"])
        given = grants.given(self.actor, on=self.on, object_id=row.pk, subject=self.subject)
        kind: Kind = USERS if self.subject == "user" else GROUPS
        names = dict(people(self.actor, kind, given))
        lines = [{"who": id, "roles": sorted(given[id])} for id in sorted(given, key=lambda id: names.get(id, id))]
        form = self.form_class(data, initial={"holders": lines})
        have = {role for held in given.values() for role in held}
        domain_id = row.pk if self.on == "domain" else row.domain_id
        form.fields["holders"].offer(names.items(), roles(self.actor, have, domain_id))  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        grants.replace(actor, values["holders"], on=self.on, object_id=keys["id"], subject=self.subject)
        tab = "users" if self.subject == "user" else "groups"
        return reverse(f"{self.on}-tab", args=[keys["id"], tab]), ""


class ProjectMembers(Holders):
    panel, on, subject, owner, form_class = "projects", "project", "user", PROJECTS, UsersForm


class ProjectGroups(Holders):
    panel, on, subject, owner, form_class = "projects", "project", "group", PROJECTS, GroupsForm


class DomainMembers(Holders):
    panel, on, subject, owner, form_class = "domains", "domain", "user", DOMAINS, UsersForm


class DomainGroups(Holders):
    panel, on, subject, owner, form_class = "domains", "domain", "group", DOMAINS, GroupsForm
