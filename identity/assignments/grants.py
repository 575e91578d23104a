"""Verbs of role grants: who may give, take and read roles, for the API's routes and the portal alike."""

from typing import Any

from django.db import transaction

from authorization.context import RequestContext
from identity.assignments import guards, listing, services
from identity.assignments.listing import Assignment, Filter
from identity.models import Domain, Group, Project, Role, User
from identity.resource import Missing, Values, enforce

MODELS: dict[str, Any] = {"project": Project, "domain": Domain, "user": User, "group": Group, "role": Role}


def parties(actor: RequestContext, verb: str, on: str, subject: str, keys: dict[str, str]) -> Values:
    """Return the rows that `keys` name (kind → id), if the actor may do `verb` (create, check, revoke, list) with them.

    Raises: Forbidden, Missing.
    """
    found = {name: MODELS[name].objects.filter(pk=id).first() for name, id in keys.items() if name in MODELS}
    if on == "system":
        rule = f"list_system_grants_for_{subject}" if verb == "list" else f"{verb}_system_grant_for_{subject}"
    else:
        rule = "list_grants" if verb == "list" else f"{verb}_grant"
    enforce(actor, f"identity:{rule}", _target(found))
    for name, row in found.items():
        if row is None:
            raise Missing(kind=name, id=keys[name])
    return found


def _target(found: Values) -> Values:
    target: Values = {}
    for name, row in found.items():
        if row is None:
            continue
        target[f"target.{name}.id"] = row.pk
        if name == "domain":
            continue
        target[f"target.{name}.domain_id"] = row.domain_id
        target[f"target.{name}.name"] = row.name
    return target


def given(actor: RequestContext, *, on: str, object_id: str, subject: str) -> dict[str, set[str]]:
    """User or group id → ids of the roles given on exactly this project or domain, not expanded. Raises: Forbidden."""
    may_list(actor, on=on, object_id=object_id)
    only = Filter(project_ids=frozenset([object_id])) if on == "project" else Filter(domain_id=object_id)
    found: dict[str, set[str]] = {}
    for one in listing.rows(only):
        if one.subject == subject and not one.inherited:
            found.setdefault(one.subject_id, set()).add(one.role_id)
    return found


def may_list(actor: RequestContext, *, on: str, object_id: str) -> None:
    """Raises: Forbidden, unless the actor may list the assignments on this project or domain."""
    domain_id = object_id
    if on == "project":
        domain_id = Project.objects.filter(pk=object_id).values_list("domain_id", flat=True).first() or ""
    enforce(actor, "identity:list_role_assignments", {"target.domain_id": domain_id})


def of_user(actor: RequestContext, user: User) -> list[Assignment]:
    """Assignments of a user as given: by rows of the user's own and of the user's groups. Raises: Forbidden."""
    enforce(actor, "identity:list_role_assignments", {"target.domain_id": user.domain_id})
    found = list(listing.rows(Filter(user_id=user.pk)))
    for group_id in user.groups.order_by("name").values_list("pk", flat=True):
        found += listing.rows(Filter(group_id=group_id))
    return found


def of_group(actor: RequestContext, group: Group) -> list[Assignment]:
    """Raises: Forbidden."""
    enforce(actor, "identity:list_role_assignments", {"target.domain_id": group.domain_id})
    return list(listing.rows(Filter(group_id=group.pk)))


@transaction.atomic
def give(actor: RequestContext, role_id: str, *, on: str, object_id: str, subject: str, subject_id: str) -> None:
    """Raises: Forbidden, Missing."""
    found = parties(actor, "create", on, subject, {on: object_id, subject: subject_id, "role": role_id})
    services.grant(found["role"], on=on, object_id=object_id, subject=subject, subject_id=subject_id)


@transaction.atomic
def take(actor: RequestContext, role_id: str, *, on: str, object_id: str, subject: str, subject_id: str) -> None:
    """Raises: Forbidden, Missing, NoAssignment, NoAdministratorLeft."""
    with guards.stays_without(MODELS["role"].objects.filter(pk=role_id).first() or Role()):
        _take(actor, role_id, on=on, object_id=object_id, subject=subject, subject_id=subject_id)


def _take(actor: RequestContext, role_id: str, *, on: str, object_id: str, subject: str, subject_id: str) -> None:
    found = parties(actor, "revoke", on, subject, {on: object_id, subject: subject_id, "role": role_id})
    services.revoke(found["role"], on=on, object_id=object_id, subject=subject, subject_id=subject_id)


@transaction.atomic
def replace(actor: RequestContext, wanted: dict[str, set[str]], *, on: str, object_id: str, subject: str) -> None:
    """Make exactly these the roles of users (or groups) on a project or domain: all of it or nothing.

    Who is not in `wanted` loses every role there. Raises: Forbidden, Missing, NoAdministratorLeft.
    """
    with guards.one_stays():
        _replace(actor, wanted, on=on, object_id=object_id, subject=subject)


def _replace(actor: RequestContext, wanted: dict[str, set[str]], *, on: str, object_id: str, subject: str) -> None:
    before = given(actor, on=on, object_id=object_id, subject=subject)
    for subject_id in sorted({*before, *wanted}):
        have, want = before.get(subject_id, set()), wanted.get(subject_id, set())
        for role_id in sorted(have ^ want):
            change = give if role_id in want else _take
            change(actor, role_id, on=on, object_id=object_id, subject=subject, subject_id=subject_id)
