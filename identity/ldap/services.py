"""Questions of the rest of identity to directories: is this one's, renew it, check a password. Writing is refused."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden
from identity.ldap import directory, options, people
from identity.models import User


class DirectoryReadOnly(Forbidden):
    formerly = ("ReadOnly",)
    template = _("LDAP does not support write operations")


def refuse_writes(id: str | None = None, *, domain_id: str | None = None) -> None:
    """Raises: DirectoryReadOnly for a row that a directory holds, or a new one in a domain that lives in a directory."""
    if (id is not None and people.known(id)) or (domain_id is not None and options.uses_ldap(domain_id)):
        raise DirectoryReadOnly()


def before_listing(actor: RequestContext, entity: str, query: Mapping[str, str]) -> None:
    """Renews what a list of users or groups is about to show. Raises: BadOption, DirectoryDown.

    One domain's are asked for: the query's, or that of a domain-scoped token. A list of every domain shows what is known.
    """
    domain_id = actor.domain_id or query.get("domain_id")
    if domain_id is None or not options.uses_ldap(domain_id):
        return
    if query.get("name"):
        people.refresh_named(domain_id, entity, query["name"])
    else:
        people.refresh_all(domain_id, entity)


def before_showing(id: str) -> None:
    """Renews one user or group. Raises: BadOption, DirectoryDown."""
    row = people.known(id)
    if row is not None:
        people.refresh_one(row)


def before_members(group_id: str) -> None:
    """Renews the members of a group. Raises: BadOption, DirectoryDown."""
    row = people.known(group_id)
    if row is not None:
        people.refresh_members(row)


def before_groups(user_id: str) -> None:
    """Renews the groups of a user. Raises: BadOption, DirectoryDown."""
    row = people.known(user_id)
    entry = people.refresh_one(row) if row is not None else None
    if row is not None and entry is not None:
        people.refresh_groups(user_id, entry, row.domain_id)


def find_new(domain_id: str, name: str) -> None:
    """Renews a user by name, before a sign-in looks for them here. Raises: BadOption, DirectoryDown."""
    if options.uses_ldap(domain_id):
        people.refresh_named(domain_id, "user", name)


def fits(user: User, password: str) -> bool | None:
    """Whether the directory takes the password of a user of its own, whose groups are renewed then.

    None for users of ours. Raises: BadOption, DirectoryDown.
    """
    row = people.known(user.pk)
    if row is None:
        return None
    entry = people.refresh_one(row)
    if entry is None or not directory.accepts(options.of_domain(row.domain_id), entry.dn, password):
        return False
    people.refresh_groups(user.pk, entry, row.domain_id)
    user.refresh_from_db(fields=["enabled", "name", "default_project_id"])
    return True


def visible(rows: Any, entity: str) -> Any:
    """Without those whom their directory no longer has."""
    return rows.exclude(pk__in=people.hidden(entity))
