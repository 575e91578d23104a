"""Verbs of projects."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Forbidden, Invalid
from common.live import announce
from identity.assignments.guards import one_stays
from identity.models import Credential, Project, ProjectTag, User
from identity.projects import owned
from identity.projects.fields import PROJECT
from identity.resource import Resource, Values, enforce, home_domain
from identity.revocation import services as revocation
from identity.wire import truth
from openstackapi.resource import filter_tags

#: Levels of projects below a domain.
MAX_DEPTH = 5


class NameTaken(Conflict):
    template = _("Conflict occurred attempting to store project - %(name)s is already the name of another one there.")


class ImmutableResource(Forbidden):
    template = _("You are not authorized to change or delete this %(kind)s: it is marked immutable.")


class ImmutableParent(Forbidden):
    template = _("The parent of a project cannot be changed.")


class NoSuchPlace(Invalid):
    template = _("Could not find %(kind)s: %(id)s.")


class HasChildren(Forbidden):
    template = _("Cannot delete the project %(id)s since it is not a leaf in the hierarchy.")


class TooDeep(Forbidden):
    template = _("Max hierarchy depth reached for %(id)s branch.")


class DisabledAbove(Forbidden):
    template = _("Cannot enable project %(id)s since it has disabled parents.")


class EnabledBelow(Forbidden):
    template = _("Cannot disable project %(id)s since its subtree contains enabled projects.")


class DomainEnabled(Forbidden):
    template = _("Cannot delete a domain that is enabled, please disable it first.")


def guard_immutable(kind: str, row: Any, change: Values | None = None) -> None:
    """Raises: ImmutableResource, unless this change takes the mark away and does nothing else."""
    if not row.options.get("immutable"):
        return
    options = (change or {}).get("options") or {}
    if options.get("immutable", True) not in (False, None) or set(change or {}) != {"options"}:
        raise ImmutableResource(kind=kind)


def merged_options(row: Any, options: Values) -> Values:
    """Return the row's options with the new ones over them; null takes one away."""
    before = row.options if row is not None else {}
    return {name: value for name, value in {**before, **options}.items() if value is not None}


def parents(project: Project) -> list[Project]:
    """From the parent up to the domain."""
    found, above = [], project.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found


def subtree(project: Project) -> list[Project]:
    """List everything below, level by level."""
    found: list[Project] = []
    level = [project.pk]
    while level:
        rows = list(Project.objects.filter(parent_id__in=level).prefetch_related("tags").order_by("id"))
        found += rows
        level = [row.pk for row in rows]
    return found


class Projects(Resource[Project]):
    def rows(self) -> models.QuerySet[Project]:
        return Project.objects.prefetch_related("tags")

    def target(self, row: Any) -> Values:
        domain_id = row.id if row.is_domain else row.domain_id
        return {"target.project.id": row.id, "target.project.domain_id": domain_id}

    def list_target(self, actor: RequestContext) -> Values:
        return {"target.domain_id": actor.domain_id} if actor.domain_id else {}

    def mine(self, actor: RequestContext, rows: Any) -> Any:
        return rows.filter(domain_id=actor.domain_id) if actor.domain_id else rows

    def listing(self, actor: RequestContext, query: Any) -> Any:
        rows = self._by_kind(super().listing(actor, query), query)
        return filter_tags(rows, {name: [text] for name, text in query.items()}, _tagged)

    def _by_kind(self, rows: Any, query: Any) -> Any:
        return rows.filter(is_domain="is_domain" in query and truth(query["is_domain"]))

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        if row is not None:
            guard_immutable(self.name, row, values)
        values.pop("tags", None)  # set once the row is there
        if "description" in values:
            values["description"] = values["description"] or ""
        if "options" in values:
            values["options"] = merged_options(row, values["options"])
        if row is None:
            values = self._placed(actor, values)
        else:
            self._switched(row, values)
        return values

    def _placed(self, actor: RequestContext, values: Values) -> Values:
        """Domain and parent of a new project, checked."""
        if values.get("is_domain"):
            if values.get("parent_id"):
                raise Invalid(reason=_("only root projects are allowed to act as domains."))
            return {**values, "domain_id": None, "parent_id": None}
        parent_id = values.get("parent_id")
        domain_id = values.get("domain_id")
        if domain_id is None:
            domain_id = home_domain(actor)
        parent = Project.objects.filter(pk=parent_id or domain_id).first()
        if parent is None:
            raise NoSuchPlace(kind="project" if parent_id else "domain", id=parent_id or domain_id)
        domain = parent if parent.is_domain else parent.domain
        assert domain is not None, "a project has a domain"
        if "domain_id" not in values and parent_id:
            domain_id = domain.pk
        if domain.pk != domain_id or not Project.objects.domains().filter(pk=domain_id).exists():
            raise Invalid(
                reason=_("The parent %(parent)s lies in another domain than %(domain)s."),
                parent=parent.pk,
                domain=domain_id,
            )
        line = [parent, *parents(parent)]
        off = next((above for above in line if not above.enabled), None)
        if off is not None:
            raise Invalid(
                reason=_("cannot create a project in a branch containing a disabled project: %(project)s"),
                project=off.pk,
            )
        if len(line) > MAX_DEPTH:
            raise TooDeep(id=parent.pk)
        return {**values, "domain_id": domain_id, "parent_id": parent.pk}

    def _switched(self, row: Project, values: Values) -> None:
        if "enabled" not in values or values["enabled"] == row.enabled:
            return
        if values["enabled"] and any(not above.enabled for above in parents(row) if not above.is_domain):
            raise DisabledAbove(id=row.pk)
        if not values["enabled"] and not row.is_domain and any(below.enabled for below in subtree(row)):
            raise EnabledBelow(id=row.pk)
        if not values["enabled"]:
            if row.is_domain:
                revocation.revoke(domain_id=row.pk)
            else:
                revocation.revoke(project_id=row.pk)

    def _store(self, row: Any, **how: Any) -> None:
        row.name = row.name.strip()
        super()._store(row, **how)
        announce("project", row.pk, row.pk)

    def made(self, actor: RequestContext, row: Any, values: Values) -> None:
        if "tags" in values:
            set_tags(row, values["tags"])

    @transaction.atomic
    def update(self, actor: RequestContext, id: str, values: Values) -> Any:
        before = self.allow(actor, "update", id)
        if "parent_id" in values and values["parent_id"] != before.parent_id:
            raise ImmutableParent()
        with one_stays() if values.get("enabled") is False else nullcontext():
            row = super().update(actor, id, values)
        self.made(actor, row, values)
        return row

    def delete(self, actor: RequestContext, id: str, *, cascade: bool = False) -> None:
        """With `cascade` all that it owns goes too, in the order of `identity.projects.owned`.

        Raises: Forbidden, Missing, ImmutableResource, HasChildren, ProjectOwnsThings.
        """
        with one_stays(), cascading(cascade):
            super().delete(actor, id)

    def leaving(self, actor: RequestContext, row: Any) -> None:
        remove(row, kind=self.name)


_cascade: ContextVar[bool] = ContextVar("cascade", default=False)


@contextmanager
def cascading(wanted: bool) -> Iterator[None]:
    """Whether what is deleted meanwhile takes along what it owns: somebody said so."""
    before = _cascade.set(wanted)
    try:
        yield
    finally:
        _cascade.reset(before)


def remove(row: Project, *, kind: str) -> None:
    """Check that a project or domain may be deleted, and delete what goes before it.

    Raises: ImmutableResource, DomainEnabled, HasChildren, ProjectOwnsThings.
    """
    guard_immutable(kind, row)
    if row.is_domain and row.enabled:
        raise DomainEnabled()
    if not row.is_domain and row.children.exists():
        raise HasChildren(id=row.pk)
    gone = [row, *subtree(row)]
    if not _cascade.get():
        owned.require_nothing(kind, row.name, [project.pk for project in gone])
    for project in reversed(gone):
        owned.remove_all(project.pk)
        announce("project", project.pk, project.pk)
    ids = [project.pk for project in gone]
    User.objects.filter(default_project_id__in=ids).update(default_project_id=None)
    Credential.objects.filter(project_id__in=ids).delete()


def _tagged(tags: Sequence[str]) -> models.Q:
    return models.Q(pk__in=ProjectTag.objects.filter(name__in=tags).values("project_id"))


def set_tags(project: Project, tags: Iterable[str]) -> list[str]:
    """Exactly these tags."""
    project.tags.all().delete()
    ProjectTag.objects.bulk_create(ProjectTag(project=project, name=tag) for tag in sorted(set(tags)))
    project.__dict__.pop("_prefetched_objects_cache", None)
    return sorted(set(tags))


PROJECTS = Projects(
    model=Project,
    name="project",
    plural="projects",
    fields=PROJECT,
    columns={"name": "name", "domain_id": "domain_id", "parent_id": "parent_id", "enabled": "enabled"},
    fixed=("id", "domain_id", "parent_id", "is_domain"),
)


@transaction.atomic
def retag(actor: RequestContext, project_id: str, tags: list[str], verb: str = "update_project_tags") -> list[str]:
    """Replace a project's tags. Raises: Forbidden, Missing."""
    return set_tags(for_tags(actor, verb, project_id), tags)


def for_tags(actor: RequestContext, verb: str, project_id: str) -> Project:
    """Return the project, if the actor may do `verb` with its tags. Raises: Forbidden, Missing."""
    row = PROJECTS.rows().filter(pk=project_id).first()
    enforce(actor, f"identity:{verb}", PROJECTS.target(row) if row else {})
    return PROJECTS.find(project_id)


def of_user(user_id: str, query: Any) -> Any:
    """Enabled or not, the projects on which a user has a role."""
    from identity.assignments.effective import project_ids

    rows = PROJECTS.rows().filter(pk__in=project_ids(user_id), is_domain=False)
    return PROJECTS.matching(rows, query)
