"""Listing assignments: as given, or expanded to what each user has where ("effective")."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet

from identity.assignments.models import TABLES
from identity.federation import memberships
from identity.models import ImpliedRole, Project, Role, User


@dataclass(frozen=True)
class Assignment:
    """One row, or one that follows from rows. `via_*` say from where: a group, an object above, a role that implies."""

    subject: str  # user | group
    subject_id: str
    on: str  # project | domain | system
    object_id: str
    role_id: str
    inherited: bool = False
    via_group: str | None = None
    via: tuple[str, str] | None = None  # (project | domain, id) from which it is inherited
    via_role: str | None = None

    @property
    def follows_inheritance(self) -> bool:
        return self.inherited or self.via is not None


@dataclass(frozen=True)
class Filter:
    """The part of the assignments that is asked for; None asks for all."""

    user_id: str | None = None
    group_id: str | None = None
    role_id: str | None = None
    project_ids: frozenset[str] | None = None
    domain_id: str | None = None
    system: bool = False
    inherited: bool | None = None


def rows(only: Filter) -> Iterator[Assignment]:
    """Yield the rows themselves that fit."""
    for (subject, on), table in TABLES.items():
        if not _table_fits(only, subject, on):
            continue
        found: QuerySet[Any] = table._default_manager.all()
        if only.user_id or only.group_id:
            found = found.filter(**{f"{subject}_id": only.user_id or only.group_id})
        if only.role_id:
            found = found.filter(permission__role=only.role_id)
        if only.inherited is not None:
            found = found.filter(inherited=only.inherited)
        if on == "project" and only.project_ids is not None:
            found = found.filter(content_object_id__in=only.project_ids)
        if on == "domain" and only.domain_id is not None:
            found = found.filter(content_object_id=only.domain_id)
        values = found.values_list(f"{subject}_id", "content_object_id", "permission__role__id", "inherited")
        for subject_id, object_id, role_id, inherited in values.order_by("id"):
            yield Assignment(subject, subject_id, on, object_id, role_id, inherited)


def _table_fits(only: Filter, subject: str, on: str) -> bool:
    if (only.user_id and subject != "user") or (only.group_id and subject != "group"):
        return False
    if only.project_ids is not None:
        return on == "project"
    if only.domain_id is not None:
        return on == "domain"
    return on == "system" if only.system else True


def effective(only: Filter) -> list[Assignment]:
    """Groups replaced by their members, inheritance by the projects below, roles followed by those they imply."""
    wide = Filter(system=only.system)
    if only.domain_id is not None:
        wide = Filter(domain_id=only.domain_id, inherited=False)
    found = list(_below(list(_members(_rows_of(wide, only.user_id), only.user_id))))
    found = [one for one in found if only.inherited is None or (one.via is not None) == only.inherited]
    if only.project_ids is not None:
        found = [one for one in found if one.on == "project" and one.object_id in only.project_ids]
    if only.domain_id is not None:
        found = [one for one in found if one.on == "domain" and one.object_id == only.domain_id]
    return [one for one in _implied(found) if only.role_id in (None, one.role_id)]


def _rows_of(wide: Filter, user_id: str | None) -> Iterator[Assignment]:
    """The rows that say something about one user, or about all: a cloud has many more rows than one user has."""
    if user_id is None:
        yield from rows(wide)
        return
    yield from rows(replace(wide, user_id=user_id))
    for group_id in {group_id for group_id, _member in _pairs(user_id)}:
        yield from rows(replace(wide, group_id=group_id))


def _pairs(user_id: str | None) -> Iterator[tuple[str, str]]:
    """(group, member), of one user or of all; those whom an identity provider put there for a time, too."""
    for pairs in (User.groups.through.objects.all(), memberships.unexpired()):
        yield from (pairs.filter(user_id=user_id) if user_id else pairs).values_list("group_id", "user_id")


def _members(found: Iterable[Assignment], user_id: str | None) -> Iterator[Assignment]:
    members: dict[str, set[str]] = {}
    for group_id, member_id in _pairs(user_id):
        members.setdefault(group_id, set()).add(member_id)
    for one in found:
        if one.subject == "user":
            yield one
        else:
            for member_id in sorted(members.get(one.subject_id, ())):
                yield replace(one, subject="user", subject_id=member_id, via_group=one.subject_id)


def _below(found: list[Assignment]) -> Iterator[Assignment]:
    children = _children({one.object_id for one in found if one.inherited})
    for one in found:
        if not one.inherited:
            yield one
            continue
        todo = list(children.get(one.object_id, ()))
        while todo:
            project_id = todo.pop()
            todo += children.get(project_id, ())
            via = (one.on, one.object_id)
            yield replace(one, on="project", object_id=project_id, inherited=False, via=via)


def _children(roots: set[str]) -> dict[str, list[str]]:
    """Parent → children for everything below these. One query a level."""
    children: dict[str, list[str]] = {}
    level = roots
    while level:
        below = list(Project.objects.filter(parent_id__in=level).values_list("id", "parent_id"))
        for id, parent_id in below:
            children.setdefault(parent_id, []).append(id)
        level = {id for id, _parent_id in below} - children.keys()
    return children


def _implied(found: Iterable[Assignment]) -> Iterator[Assignment]:
    after: dict[str, list[str]] = {}
    for prior, implied in ImpliedRole.objects.values_list("prior_id", "implied_id"):
        after.setdefault(prior, []).append(implied)
    of_domains = set(Role.objects.exclude(domain=None).values_list("id", flat=True))
    for one in found:
        if one.role_id not in of_domains:
            yield one
        seen, todo = {one.role_id}, [one.role_id]
        while todo:
            prior = todo.pop()
            for role_id in after.get(prior, ()):
                if role_id in seen:
                    continue
                seen.add(role_id)
                todo.append(role_id)
                if role_id not in of_domains:
                    yield replace(one, role_id=role_id, via_role=prior)
