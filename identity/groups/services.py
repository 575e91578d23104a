"""Verbs of groups and their members."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import NotFound
from common.live import announce
from identity.assignments.guards import guard_group, stays_without_group
from identity.groups.fields import GROUP
from identity.ldap import services as directories
from identity.models import Domain, Group, User
from identity.resource import Missing, Resource, Values, enforce, home_domain
from identity.revocation import services as revocation


class NotAMember(NotFound):
    template = _("User %(user_id)s not found in group %(group_id)s.")


class Groups(Resource[Group]):
    def rows(self) -> Any:
        return directories.visible(super().rows(), "group")

    def listing(self, actor: RequestContext, query: Any) -> Any:
        rows = super().listing(actor, query)  # read only when it is shown
        directories.before_listing(actor, "group", query)
        return rows

    def get(self, actor: RequestContext, id: str) -> Any:
        super().get(actor, id)
        directories.before_showing(id)
        return self.find(id)

    def leaving(self, actor: RequestContext, row: Any) -> None:
        guard_group(actor, row.pk, row.name)
        directories.refuse_writes(row.pk)

    def delete(self, actor: RequestContext, id: str) -> None:
        with stays_without_group(id):
            super().delete(actor, id)

    def target(self, row: Any) -> Values:
        return {"target.group.domain_id": row.domain_id, "target.group.id": row.id}

    def list_target(self, actor: RequestContext) -> Values:
        return {"target.group.domain_id": actor.domain_id} if actor.domain_id else {}

    def mine(self, actor: RequestContext, rows: Any) -> Any:
        return rows.filter(domain_id=actor.domain_id) if actor.domain_id else rows

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        if "description" in values:
            values["description"] = values["description"] or ""
        if row is None:
            values["domain_id"] = values.get("domain_id") or home_domain(actor)
            if not Domain.objects.filter(pk=values["domain_id"]).exists():
                raise Missing(kind="domain", id=values["domain_id"])
            directories.refuse_writes(domain_id=values["domain_id"])
        else:
            directories.refuse_writes(row.pk)
        return values


GROUPS = Groups(
    model=Group,
    name="group",
    plural="groups",
    fields=GROUP,
    columns={"name": "name", "domain_id": "domain_id"},
    fixed=("id", "domain_id"),
    says_missing=("delete",),
    announced=True,
)


def _pair(actor: RequestContext, verb: str, group_id: str, user_id: str) -> tuple[Group, User]:
    group, user = Group.objects.filter(pk=group_id).first(), User.objects.filter(pk=user_id).first()
    target = GROUPS.target(group) if group else {}
    if user:
        target |= {"target.user.id": user.id, "target.user.domain_id": user.domain_id}
    enforce(actor, f"identity:{verb}", target)
    if group is None:
        raise Missing(kind="group", id=group_id)
    if user is None:
        raise Missing(kind="user", id=user_id)
    return group, user


@transaction.atomic
def add_member(actor: RequestContext, group_id: str, user_id: str) -> None:
    """Raises: Forbidden, Missing."""
    group, user = _pair(actor, "add_user_to_group", group_id, user_id)
    guard_group(actor, group.pk, group.name)
    directories.refuse_writes(group.pk)
    user.groups.add(group)
    announce("group", group.pk)
    revocation.touch()


_on_leave: list[Callable[[str, str], None]] = []


def on_leave(step: Callable[[str, str], None]) -> None:
    """Have `step(group id, user id)` run in the transaction in which a user leaves a group."""
    if step not in _on_leave:
        _on_leave.append(step)


@transaction.atomic
def remove_member(actor: RequestContext, group_id: str, user_id: str) -> None:
    """Raises: Forbidden, Missing, NotAMember, NoAdministratorLeft."""
    group, user = _pair(actor, "remove_user_from_group", group_id, user_id)
    guard_group(actor, group.pk, group.name)
    directories.refuse_writes(group.pk)
    if not user.groups.filter(pk=group.pk).exists():
        raise NotAMember(user_id=user_id, group_id=group_id)
    with stays_without_group(group.pk):
        user.groups.remove(group)
    for step in _on_leave:
        step(group_id, user_id)
    announce("group", group.pk)
    revocation.touch()


def check_member(actor: RequestContext, group_id: str, user_id: str) -> None:
    """Raises: Forbidden, Missing, NotAMember."""
    group, user = _pair(actor, "check_user_in_group", group_id, user_id)
    directories.before_groups(user_id)
    if not user.groups.filter(pk=group.pk).exists():
        raise NotAMember(user_id=user_id, group_id=group_id)


def members(actor: RequestContext, group_id: str) -> Any:
    """Raises: Forbidden, Missing."""
    group = Group.objects.filter(pk=group_id).first()
    enforce(actor, "identity:list_users_in_group", GROUPS.target(group) if group else {})
    GROUPS.find(group_id)
    directories.before_members(group_id)
    rows = GROUPS.find(group_id).users.all()
    return rows.filter(domain_id=actor.domain_id) if actor.domain_id else rows
