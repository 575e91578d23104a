"""Guards of administrators' accounts, and of groups that make administrators, against everybody who is none."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Forbidden
from identity.assignments.granting import administrators, including
from identity.assignments.models import TABLES
from identity.models import Role, User


class OfAnAdministrator(Forbidden):
    template = _("Only an administrator may do this: %(what)s has the role admin.")


class LastAdministrator(Conflict):
    template = _("%(name)s is the last administrator. Give somebody else the role admin first.")


class NoAdministratorLeft(Conflict):
    template = _("Nobody would be administrator any more. Give somebody else the role admin first.")


def _has(subject: str, ids: list[str]) -> bool:
    roles = including({"admin"})
    tables = (table for (kind, _on), table in TABLES.items() if kind == subject)
    match = {f"{subject}_id__in": ids, "permission__role__in": roles}
    return any(table._default_manager.filter(**match).exists() for table in tables)


def guard_user(actor: RequestContext, user: User) -> None:
    """Guard a user: a manager of the domain could else set an administrator's password and be one. Raises: OfAnAdministrator."""
    if actor.is_admin or actor.is_internal:
        return
    groups = list(user.groups.values_list("id", flat=True))
    if _has("user", [user.pk]) or (groups and _has("group", groups)):
        raise OfAnAdministrator(what=user.name)


def guard_group(actor: RequestContext, group_id: str, name: str) -> None:
    """Guard a group: whoever chose the members of such a one would choose administrators. Raises: OfAnAdministrator."""
    if not (actor.is_admin or actor.is_internal) and _has("group", [group_id]):
        raise OfAnAdministrator(what=name)


def keep_one(user: User) -> None:
    """Before a user is deleted or disabled. Raises: LastAdministrator."""
    ids = _administrators()
    if user.pk in ids and not has_administrator(ids - {user.pk}):
        raise LastAdministrator(name=user.name)


def _administrators() -> set[str]:
    """Ids of the cloud's administrators. Locks the admin role's row, so that two concurrent removals cannot each leave the other as last."""
    list(Role.objects.select_for_update().filter(name="admin", domain=None))
    return {right.user_id for right in administrators()}


def has_administrator(ids: set[str] | None = None) -> bool:
    """Whether somebody has the role admin (one of `ids`) and can sign in."""
    ids = {right.user_id for right in administrators()} if ids is None else ids
    return User.objects.filter(pk__in=ids, enabled=True, domain__enabled=True).exists()


@contextmanager
def one_stays() -> Iterator[None]:
    """Around what takes roles, memberships, groups, projects or domains: all of it or nothing. Raises: NoAdministratorLeft."""
    with transaction.atomic():
        had = has_administrator(_administrators())
        yield
        if had and not has_administrator():
            raise NoAdministratorLeft()


def stays_without(role: Role) -> AbstractContextManager[None]:
    """`one_stays`, for what concerns one role only: nothing is counted for others than admin."""
    return one_stays() if role.pk in including({"admin"}) else nullcontext()


def stays_without_group(group_id: str) -> AbstractContextManager[None]:
    """`one_stays`, for what concerns one group only: nothing is counted for those that make no administrator."""
    return one_stays() if _has("group", [group_id]) else nullcontext()
