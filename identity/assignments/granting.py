"""The people of a project and by what right: roles on it, inherited ones, through groups. And who can grant what is missing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from authorization.context import RequestContext
from identity.assignments import effective
from identity.assignments.models import TABLES
from identity.models import ImpliedRole, Project, Role, User
from identity.revocation import services as revocation

MOST = 500  # people of one project in a list for people

_CHAIN = """
 WITH RECURSIVE chain(id, parent_id, depth) AS (
    SELECT id, parent_id, 0 FROM identity_project WHERE id = %s
    UNION ALL SELECT p.id, p.parent_id, c.depth + 1 FROM identity_project p JOIN chain c ON p.id = c.parent_id)
 """
_HELD = _CHAIN + " UNION ALL ".join(
    f"SELECT '{subject}', t.{subject}_id, r.id, r.name, c.id, c.depth FROM identity_{subject}{on}role t "
    f"JOIN chain c ON c.id = t.content_object_id JOIN identity_role r ON r.permission_id = t.permission_id "
    f"WHERE t.inherited = (c.depth > 0){more}"
    for subject in ("user", "group")
    for on, more in (("project", ""), ("domain", " AND c.depth > 0"))
)


@dataclass(frozen=True)
class Right:
    """One reason why a user may act: a role, as it was assigned. `group_id`: through that group; `above`: inherited from."""

    user_id: str
    role_id: str
    role: str
    group_id: str | None = None
    above: str | None = None


def rights(project_id: str) -> list[Right]:
    """List every assignment that counts on a project, groups replaced by their members. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [project_id])
        found = cursor.fetchall()
    out, of_groups = [], []
    for subject, subject_id, role_id, role, at, depth in found:
        right = Right(subject_id, role_id, role, above=at if depth else None)
        if subject == "user":
            out.append(right)
        else:
            of_groups.append(replace(right, user_id="", group_id=subject_id))
    return out + _members(of_groups)


def _members(of_groups: Iterable[Right]) -> list[Right]:
    """The rights of groups as those of their members."""
    wanted = list(of_groups)
    if not wanted:
        return []
    pairs = User.groups.through.objects.filter(group_id__in={right.group_id for right in wanted})
    members: dict[str, list[str]] = {}
    for group_id, user_id in pairs.order_by("user_id").values_list("group_id", "user_id")[:MOST]:
        members.setdefault(group_id, []).append(user_id)
    return [replace(right, user_id=user) for right in wanted for user in members.get(right.group_id or "", ())]


def administrators() -> list[Right]:
    """Assignments of the role admin anywhere, or of a role that implies it, to users: every rule of `role:admin` holds for them."""
    ids = including({"admin"})
    out, of_groups = [], []
    for (subject, _on), table in TABLES.items():
        every: QuerySet[Any] = table._default_manager.all()
        rows = every.filter(permission__role__in=ids)
        for subject_id, role_id, role in rows.values_list(
            f"{subject}_id", "permission__role", "permission__role__name"
        ):
            right = Right(subject_id, role_id, role)
            if subject == "user":
                out.append(right)
            else:
                of_groups.append(replace(right, user_id="", group_id=subject_id))
    return list(dict.fromkeys(out + _members(of_groups)))


def including(names: set[str]) -> set[str]:
    """Ids of the global roles of these names and of every role that implies one of them."""
    before: dict[str, list[str]] = {}
    for prior, implied in ImpliedRole.objects.values_list("prior_id", "implied_id"):
        before.setdefault(implied, []).append(prior)
    done = set(Role.objects.filter(name__in=names, domain=None).values_list("id", flat=True))
    todo = list(done)
    while todo:
        for prior in before.get(todo.pop(), ()):
            if prior not in done:
                done.add(prior)
                todo.append(prior)
    return done


_known: tuple[int, dict[tuple[str, tuple[str, ...]], list[str]]] = (0, {})


def people_with(project_id: str, names: tuple[str, ...]) -> list[str]:
    """Names of the enabled users who have one of these roles on a project, by name. Kept until the epoch moves."""
    global _known
    epoch = revocation.epoch()
    if _known[0] != epoch:
        _known = (epoch, {})
    key = (project_id, names)
    if key not in _known[1]:
        able = including(set(names))
        ids = {right.user_id for right in rights(project_id) if right.role_id in able}
        users = User.objects.filter(pk__in=sorted(ids)[:MOST], enabled=True).order_by("name")
        _known[1][key] = list(users.values_list("name", flat=True))
    return _known[1][key]


def named(ids: Iterable[str | None]) -> dict[str, str]:
    """Project or domain id → its name."""
    return dict(Project.objects.filter(pk__in={id for id in ids if id}).values_list("id", "name"))


def named_for(actor: RequestContext, ids: Iterable[str | None]) -> dict[str, str]:
    """Project id → its name, or the id again where the actor has nothing to do with the project: ids come from users."""
    wanted = {id for id in ids if id}
    known = wanted if actor.is_admin else wanted & {actor.project_id, *effective.project_ids(actor.user_id)}
    return {id: id for id in wanted} | named(known)
