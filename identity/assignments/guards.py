"""What nobody may do who is no administrator: lay hands on an administrator's account, or on a group that makes one."""

from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from common.errors import Conflict, Forbidden
from identity.assignments.granting import administrators, including
from identity.assignments.models import TABLES
from identity.models import User


class OfAnAdministrator(Forbidden):
    template = _("Only an administrator may do this: %(what)s has the role admin.")


class LastAdministrator(Conflict):
    template = _("%(name)s is the last administrator. Give somebody else the role admin first.")


def _has(subject: str, ids: list[str]) -> bool:
    roles = including({"admin"})
    tables = (table for (kind, _on), table in TABLES.items() if kind == subject)
    match = {f"{subject}_id__in": ids, "permission__role__in": roles}
    return any(table._default_manager.filter(**match).exists() for table in tables)


def guard_user(actor: Actor, user: User) -> None:
    """A manager of the domain could else set an administrator's password and be one. Raises: OfAnAdministrator."""
    if actor.is_admin or actor.is_internal:
        return
    groups = list(user.groups.values_list("id", flat=True))
    if _has("user", [user.pk]) or (groups and _has("group", groups)):
        raise OfAnAdministrator(what=user.name)


def guard_group(actor: Actor, group_id: str, name: str) -> None:
    """Whoever chose the members of such a group would choose administrators. Raises: OfAnAdministrator."""
    if not (actor.is_admin or actor.is_internal) and _has("group", [group_id]):
        raise OfAnAdministrator(what=name)


def keep_one(user: User) -> None:
    """Before a user is deleted or disabled. Raises: LastAdministrator."""
    ids = {right.user_id for right in administrators()}
    if user.pk in ids and not User.objects.filter(pk__in=ids - {user.pk}, enabled=True, domain__enabled=True).exists():
        raise LastAdministrator(name=user.name)
