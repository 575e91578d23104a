"""Granting and taking roles; each is one row."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common.errors import Forbidden, Invalid, NotFound
from identity.assignments.models import TABLES, System
from identity.models import ApplicationCredential, Project, Role
from identity.revocation import services as revocation


class NoAssignment(NotFound):
    template = _("Could not find role assignment with role: %(role_id)s, user or group: %(actor)s, %(on)s: %(target)s.")


class RoleOfAnotherDomain(Forbidden):
    template = _("Project %(project_id)s must be in the same domain as the role %(role_id)s being assigned.")


class DomainRoleOnSystem(Invalid):
    template = _("Role %(role_id)s is a domain-specific role. Unable to use a domain-specific role in a system assignment.")  # fmt: skip


def _key(subject: str, subject_id: str, kind: str, object_id: str, role: Role, inherited: bool) -> dict[str, Any]:
    return {
        f"{subject}_id": subject_id,
        "content_object_id": object_id,
        "permission_id": role.permission_id,
        "inherited": inherited,
    }


def _counts_there(role: Role, on: str, object_id: str) -> None:
    """A domain's own role is for that domain's projects. Raises: RoleOfAnotherDomain, DomainRoleOnSystem."""
    if on == "system":
        raise DomainRoleOnSystem(role_id=role.pk)
    if on == "project" and not Project.objects.filter(pk=object_id, domain_id=role.domain_id).exists():
        raise RoleOfAnotherDomain(project_id=object_id, role_id=role.pk)


@transaction.atomic
def grant(
    role: Role, *, on: str, object_id: str, subject: str = "user", subject_id: str, inherited: bool = False
) -> None:
    """Give a role. `on` is project, domain or system (object "all"); `subject` is user or group. Twice is once.

    Raises: RoleOfAnotherDomain, DomainRoleOnSystem.
    """
    if role.domain_id is not None:
        _counts_there(role, on, object_id)
    if on == "system":
        System.objects.get_or_create(pk="all")
    _row, made = TABLES[(subject, on)]._default_manager.get_or_create(
        **_key(subject, subject_id, on, object_id, role, inherited)
    )
    if made:
        revocation.touch()


@transaction.atomic
def revoke(
    role: Role, *, on: str, object_id: str, subject: str = "user", subject_id: str, inherited: bool = False
) -> None:
    """Take a role. Raises: NoAssignment."""
    rows = TABLES[(subject, on)]._default_manager.filter(**_key(subject, subject_id, on, object_id, role, inherited))
    if not rows.delete()[0]:
        raise NoAssignment(role_id=role.pk, actor=subject_id, on=on, target=object_id)
    if subject == "user" and on == "project":
        ApplicationCredential.objects.filter(user_id=subject_id, project_id=object_id, roles=role).delete()
    revocation.touch()


def check(role: Role, *, on: str, object_id: str, subject: str, subject_id: str, inherited: bool = False) -> None:
    """Raises: NoAssignment unless exactly this row is there."""
    key = _key(subject, subject_id, on, object_id, role, inherited)
    if not TABLES[(subject, on)]._default_manager.filter(**key).exists():
        raise NoAssignment(role_id=role.pk, actor=subject_id, on=on, target=object_id)


def roles_given(*, on: str, object_id: str, subject: str, subject_id: str, inherited: bool = False) -> list[Role]:
    """List the roles of exactly this subject on exactly this object, not expanded."""
    every: QuerySet[Any] = TABLES[(subject, on)]._default_manager.all()
    rows = every.filter(**{f"{subject}_id": subject_id}, content_object_id=object_id, inherited=inherited)
    return list(Role.objects.filter(permission_id__in=rows.values("permission_id")).order_by("id"))
