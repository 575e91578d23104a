"""Projects: their members, quotas and usage."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.units import human_mib
from identity.assignments import services as assignments
from identity.assignments.models import UserProjectRole
from identity.crud import enforce
from identity.limits import services as quota
from identity.models import Project, Role, User
from identity.projects.services import PROJECTS
from portal import status
from portal.dialogs import Confirm, FormDialog, Text, choices
from portal.forms import Description, Name, Styled
from portal.lists import Action, Card, Cell, Column, Detail, Empty, ItemPage, ListPanel, Row, age

SERVICES = ("compute", "network", "image")


class Projects(ListPanel):
    panel, kind, icon = "projects", "project", "users-group"
    title = gettext_lazy("Projects")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Domain"), hide="m"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    def query(self, actor: Actor) -> Any:
        return PROJECTS.listing(actor, {}).select_related("domain")

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
        return Action("create", _("Create project"), "plus", reverse("project-create"))

    def empty(self) -> Empty:
        return Empty(
            _("No projects yet"), _("A project owns things and has members and quotas."), "openstack project create web"
        )


def members_of(project_id: str) -> dict[User, list[str]]:
    """User → names of the roles given on this very project."""
    rows = UserProjectRole.objects.filter(content_object_id=project_id).select_related("user")
    names = dict(Role.objects.values_list("permission_id", "name"))
    found: dict[User, list[str]] = {}
    for row in rows.order_by("user__name"):
        found.setdefault(row.user, []).append(names.get(row.permission_id, "?"))
    return found


class ProjectItem(ItemPage):
    panel, kind = "projects", "project"
    list_title, list_route = gettext_lazy("Projects"), "projects"

    def find(self, actor: Actor, id: str) -> Project:
        return PROJECTS.get(actor, id)

    def actions(self, actor: Actor, row: Project) -> list[Action]:
        return [
            Action("add-member", _("Add member"), "plus", reverse("project-member", args=[row.pk])),
            Action("quota", _("Change quotas"), "settings", reverse("project-quota", args=[row.pk])),
            Action("edit", _("Edit"), "pencil", reverse("project-edit", args=[row.pk])),
            Action("delete", _("Delete"), "trash", reverse("project-delete", args=[row.pk]), risk=True),
        ]

    def detail(self, actor: Actor, row: Project) -> Detail:
        people = [
            Row(
                user.pk, user.name, reverse("user", args=[user.pk]), None, (Cell("tags", sorted(names)),),
                menu="",
            )
            for user, names in members_of(row.pk).items()
        ]  # fmt: skip
        use = []
        for service in SERVICES:
            for name, (used, limit) in quota.usage(row.pk, service).items():
                is_mib = name in ("ram", "image_size_total")
                shown = [human_mib(value) if is_mib else str(value) for value in (used, limit)]
                of = _("of %(limit)s") % {"limit": shown[1]} if limit >= 0 else _("no limit")
                use.append((f"{service}: {name}", Cell("use", (used, limit, shown[0], of))))
        facts = (
            (_("Domain"), Cell("text", row.domain.name if row.domain else "")),
            (_("Description"), Cell("text", row.description)),
            (_("Created"), Cell("when", row.created_at)),
        )
        columns = (Column(_("User")), Column(_("Roles")))
        cards = [
            Card(_("Members"), columns=columns, rows=people, empty=_("No members yet."), name="members"),
            Card(_("Quotas"), pairs=use),
            Card(_("Details"), pairs=facts, side=True),
        ]
        return Detail(row.name, status.switch(row.enabled), cards=cards)


class ProjectForm(Styled):
    name = Name(max_length=64)
    description = Description()
    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)


class Create(FormDialog):
    panel = "projects"
    title, submit = gettext_lazy("Create project"), gettext_lazy("Create")
    form_class = ProjectForm

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"enabled": True}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        return reverse("project", args=[PROJECTS.create(actor, values).pk]), ""


class Edit(FormDialog):
    panel = "projects"
    title, submit = gettext_lazy("Edit project"), gettext_lazy("Keep")
    form_class = ProjectForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = PROJECTS.get(self.actor, keys["id"])
        return {name: getattr(row, name) for name in ProjectForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        PROJECTS.update(actor, keys["id"], values)
        return "", ""


class Delete(Confirm):
    panel = "projects"
    submit, keep = gettext_lazy("Delete the project"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": PROJECTS.get(self.actor, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("What the project owns goes with it. It cannot be undone.")

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        use = [
            (name, used)
            for service in SERVICES
            for name, (used, _l) in quota.usage(keys["id"], service).items()
            if used
        ]
        return [(str(used), name) for name, used in use]

    def must_type(self, **keys: str) -> str:
        return str(PROJECTS.get(self.actor, keys["id"]).name)

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        PROJECTS.delete(actor, keys["id"])
        return reverse("projects"), ""


class MemberForm(Styled):
    user = forms.ChoiceField(label=gettext_lazy("User"))
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"), widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("None ticked: the user is no member any more."),
    )  # fmt: skip


class Member(FormDialog):
    """The roles of one user on a project, exactly as ticked."""

    panel = "projects"
    title, submit = gettext_lazy("Roles of a member"), gettext_lazy("Keep")
    form_class = MemberForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["user"].choices = choices(User.objects.order_by("name")[:1000])  # type: ignore[attr-defined]
        form.fields["roles"].choices = choices(Role.objects.filter(domain=None).order_by("name"))  # type: ignore[attr-defined]
        return form

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        project = PROJECTS.get(actor, keys["id"])
        user = User.objects.get(pk=values["user"])
        target = {
            "target.project.id": project.pk, "target.project.domain_id": project.domain_id,
            "target.user.id": user.pk, "target.user.domain_id": user.domain_id,
        }  # fmt: skip
        given = assignments.roles_given(on="project", object_id=project.pk, subject="user", subject_id=user.pk)
        have, want = {role.pk for role in given}, set(values["roles"])
        for role in Role.objects.filter(pk__in=have ^ want):
            verb = "create" if role.pk in want else "revoke"
            enforce(
                actor,
                f"identity:{verb}_grant",
                {**target, "target.role.name": role.name, "target.role.domain_id": None},
            )
            change = assignments.grant if role.pk in want else assignments.revoke
            change(role, on="project", object_id=project.pk, subject="user", subject_id=user.pk)
        return reverse("project", args=[project.pk]), ""


class Quota(FormDialog):
    """The project's own limits; -1 is none."""

    panel = "projects"
    title, submit = gettext_lazy("Change quotas"), gettext_lazy("Keep")
    hint = gettext_lazy("-1 is no limit. Memory and image space are in MiB.")
    form_class = Styled

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = Styled(data)
        for service in SERVICES:
            for name, limit in quota.limits(keys["id"], service).items():
                widget = forms.NumberInput(attrs={"class": "form-control num"})
                form.fields[f"{service}.{name}"] = forms.IntegerField(
                    label=f"{service}: {name}", min_value=-1, initial=limit, widget=widget
                )
        return form

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        enforce(actor, "compute:quota:set", {"project_id": keys["id"]})
        for service in SERVICES:
            before = quota.limits(keys["id"], service)
            for name, limit in before.items():
                if values[f"{service}.{name}"] != limit:
                    quota.set(keys["id"], service, name, values[f"{service}.{name}"])
        return reverse("project", args=[keys["id"]]), ""
