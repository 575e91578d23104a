"""Checking a password: one path for the API and the portal, the same time and answer whether or not the user exists."""

import secrets
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext_lazy as _

from common.errors import Unauthorized
from common.prepared import Prepared
from identity.auth.attempts import FailedAttempts
from identity.ldap import people
from identity.ldap import services as directories
from identity.models import Project, User

_nobody: str | None = None


class PasswordExpired(Unauthorized):
    template = _("The password is expired and needs to be changed for user: %(user_id)s.")


_of_id = Prepared(lambda id: User.objects.filter(pk=id))
_named = Prepared(lambda name, domain: User.objects.filter(name=name, domain_id=domain))
# A domain has no domain: with that said, the index of (domain, name) finds it.
_domains_named = Prepared(lambda name: Project.objects.domains().filter(domain=None, name=name))
_domain_of_id = Prepared(lambda id: Project.objects.domains().filter(pk=id))


def find(*, user_id: str | None = None, name: str | None = None, domain: str | None = None) -> User | None:
    """Find a user by id, or by name in a domain (its id or name)."""
    if any("\0" in str(text) for text in (user_id, name, domain)):
        return None  # PostgreSQL takes no such text
    if user_id is not None:
        user: User | None = _of_id.first(str(user_id))
        if user is not None:
            domain_row: Any = _domain_of_id.first(user.domain_id)
            user.domain = domain_row
        return user
    found: list[User] = []
    domains = [*_domain_of_id(domain), *_domains_named(domain)] if domain is not None else []
    for row in domains:
        for user in _named(str(name), row.pk) or _from_directory(str(name), row.pk):
            user.domain = row
            found.append(user)
    return next((user for user in found if user.domain_id == domain), found[0] if found else None)


def _from_directory(name: str, domain_id: str) -> list[User]:
    """Look a user up in the domain's directory who has no row here yet."""
    directories.find_new(domain_id, name)
    return list(_named(name, domain_id))


def check(
    password: str,
    *,
    user_id: str | None = None,
    name: str | None = None,
    domain: str | None = None,
    allow_expired: bool = False,
    source: str = "",
) -> User:
    """Return the user whose password this is. `source` is the address of who says so.

    Raises: WrongPassword for an unknown, disabled or locked user and for a wrong password alike; PasswordExpired;
    Unavailable when the directory that holds the user does not answer.
    """
    user = find(user_id=user_id, name=name, domain=domain)
    stored = user.password if user is not None and user.password else nobodys()
    fits = check_password(password, stored) and user is not None and bool(user.password)
    there = user is not None and user.enabled and user.domain.enabled
    who = (user.pk,) if user is not None and there else (user_id, name, _home(domain))
    attempts = FailedAttempts("password", *who, source=source)
    if user is not None and there and not user.password and not _locked(user, attempts):
        fits = bool(directories.fits(user, password)) and user.enabled
    if user is None or not there or not fits or _locked(user, attempts):
        raise attempts.failed()
    attempts.forget()
    if user.password_expired() and not allow_expired:
        raise PasswordExpired(user_id=user.pk)
    return user


def has(user: User) -> bool:
    """Whether a password signs this user in: one of ours, or a directory's."""
    return bool(user.password) or people.known(user.pk) is not None


def _home(domain: str | None) -> str | None:
    """Resolve id or name to a domain id, so that failed attempts under either count to one lock-out. Unknown: as given."""
    rows = [*_domain_of_id(domain), *_domains_named(domain)] if domain is not None else []
    return rows[0].pk if rows else domain


def _locked(user: User, attempts: FailedAttempts) -> bool:
    return attempts.paused and not user.options.get("ignore_lockout_failure_attempts")


def nobodys() -> str:
    """Return a hash that no password fits, so that an unknown user costs what a known one does."""
    global _nobody
    if _nobody is None:
        _nobody = make_password(secrets.token_hex(16))
    return _nobody
