"""Effective roles: groups, inheritance and implied roles, in one recursive query."""

import time
from dataclasses import dataclass

from django.db import connection

_CLOSURE = """
 , eff(id) AS (
    SELECT r.id FROM identity_role r JOIN held h ON r.permission_id = h.permission_id
    UNION SELECT i.implied_id FROM identity_impliedrole i JOIN eff e ON i.prior_id = e.id)
 SELECT r.id, r.name FROM identity_role r JOIN eff e ON e.id = r.id WHERE r.domain_id IS NULL ORDER BY r.name
"""
_MINE = "t.user_id = %s"
#: Parameters: see `_ours`.
_OURS = (
    "t.group_id IN (SELECT group_id FROM identity_group_member WHERE user_id = %s "
    "UNION ALL SELECT group_id FROM identity_mappedmembership WHERE user_id = %s AND (provider_id = %s OR until > %s))"
)

_PROJECT = (
    """
 WITH RECURSIVE chain(id, parent_id, depth) AS (
    SELECT id, parent_id, 0 FROM identity_project WHERE id = %s
    UNION ALL SELECT p.id, p.parent_id, c.depth + 1 FROM identity_project p JOIN chain c ON p.id = c.parent_id),
 held(permission_id) AS ("""
    + " UNION ".join(
        f"SELECT t.permission_id FROM identity_{table} t JOIN chain c ON c.id = t.content_object_id "
        f"WHERE {who} AND t.inherited = (c.depth > 0)"
        for table, who in (
            ("userprojectrole", _MINE),
            ("userdomainrole", _MINE + " AND c.depth > 0"),
            ("groupprojectrole", _OURS),
            ("groupdomainrole", _OURS + " AND c.depth > 0"),
        )
    )
    + ")"
    + _CLOSURE
)


def _flat(kind: str) -> str:
    parts = (
        f"SELECT t.permission_id FROM identity_{who}{kind}role t WHERE t.content_object_id = %s AND {test} "
        "AND NOT t.inherited"
        for who, test in (("user", _MINE), ("group", _OURS))
    )
    return "WITH RECURSIVE held(permission_id) AS (" + " UNION ".join(parts) + ")" + _CLOSURE


_DOMAIN, _SYSTEM = _flat("domain"), _flat("system")


@dataclass(frozen=True)
class Scope:
    """The scope of a token. `kind` is "project", "domain", "system" or "" (unscoped); `id` is "all" for the system."""

    kind: str = ""
    id: str = ""


def _ours(user_id: str, provider_id: str) -> list[str | int]:
    """A provider's groups of a user count where the user came through it, and elsewhere for its authorization_ttl."""
    return [user_id, user_id, provider_id, int(time.time())]


def roles_on(user_id: str, scope: Scope, provider_id: str = "") -> dict[str, str]:
    """Role id → name that the user has there, implied ones included; domain roles only through what they imply.

    `provider_id` is the identity provider through which the user came, if any.
    """
    ours = _ours(user_id, provider_id)
    values: list[str | int]
    if scope.kind == "project":
        sql, values = _PROJECT, [scope.id, user_id, user_id, *ours, *ours]
    elif scope.kind in ("domain", "system"):
        sql, values = (_DOMAIN if scope.kind == "domain" else _SYSTEM), [scope.id, user_id, scope.id, *ours]
    else:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return dict(cursor.fetchall())


def implied_closure(role_ids: set[str]) -> set[str]:
    """List these roles and everything they imply."""
    from identity.roles.models import ImpliedRole

    after: dict[str, list[str]] = {}
    for prior, implied in ImpliedRole.objects.values_list("prior_id", "implied_id"):
        after.setdefault(prior, []).append(implied)
    done, todo = set(role_ids), list(role_ids)
    while todo:
        for next_id in after.get(todo.pop(), ()):
            if next_id not in done:
                done.add(next_id)
                todo.append(next_id)
    return done


_PROJECTS = f"""
 WITH RECURSIVE roots(id, inherited) AS (
    SELECT content_object_id, inherited FROM identity_userprojectrole t WHERE {_MINE}
    UNION SELECT content_object_id, inherited FROM identity_groupprojectrole t WHERE {_OURS}
    UNION SELECT content_object_id, inherited FROM identity_userdomainrole t WHERE {_MINE} AND inherited
    UNION SELECT content_object_id, inherited FROM identity_groupdomainrole t WHERE {_OURS} AND inherited),
 below(id) AS (
    SELECT p.id FROM identity_project p JOIN roots r ON p.parent_id = r.id AND r.inherited
    UNION SELECT p.id FROM identity_project p JOIN below b ON p.parent_id = b.id)
 SELECT id FROM roots WHERE NOT inherited UNION SELECT id FROM below
"""
_DOMAINS = (
    f"SELECT content_object_id FROM identity_userdomainrole t WHERE {_MINE} AND NOT t.inherited "
    f"UNION SELECT content_object_id FROM identity_groupdomainrole t WHERE {_OURS} AND NOT t.inherited"
)


def project_ids(user_id: str, provider_id: str = "") -> set[str]:
    """Projects on which the user has at least one role, disabled ones included."""
    ours = _ours(user_id, provider_id)
    return _ids(_PROJECTS, [user_id, *ours, user_id, *ours])


def domain_ids(user_id: str, provider_id: str = "") -> set[str]:
    """Domains on which the user has at least one role."""
    return _ids(_DOMAINS, [user_id, *_ours(user_id, provider_id)])


def _ids(sql: str, values: list[str | int]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {row[0] for row in cursor.fetchall()}
