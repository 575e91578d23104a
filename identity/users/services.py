"""Verbs of users."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common import moments, patterns
from common.clock import now
from common.errors import Invalid
from identity.assignments.guards import guard_user, keep_one
from identity.auth import passwords
from identity.federation.memberships import unexpired
from identity.ldap import services as directories
from identity.models import Domain, FederatedUser, Group, OldPassword, User
from identity.resource import Missing, Resource, Values, enforce, home_domain
from identity.revocation import services as revocation
from identity.users.fields import USER


class PasswordReused(Invalid):
    template = _("The new password must not be one of the last %(count)s passwords.")


class PasswordTooPlain(Invalid):
    template = _("The password does not match the requirements: %(description)s.")


class PasswordLocked(Invalid):
    template = _("The password of this user is locked by an operator.")


class Users(Resource[User]):
    def rows(self) -> Any:
        return directories.visible(super().rows(), "user")

    def get(self, actor: RequestContext, id: str) -> Any:
        super().get(actor, id)
        directories.before_showing(id)
        return self.find(id)

    def target(self, row: Any) -> Values:
        return {"target.user.id": row.id, "target.user.domain_id": row.domain_id, "user_id": row.id}

    def list_target(self, actor: RequestContext) -> Values:
        return {"target.domain_id": actor.domain_id} if actor.domain_id else {}

    def mine(self, actor: RequestContext, rows: Any) -> Any:
        return rows.filter(domain_id=actor.domain_id) if actor.domain_id else rows

    def listing(self, actor: RequestContext, query: Any) -> Any:
        rows = super().listing(actor, query)
        directories.before_listing(actor, "user", query)  # rows are read only when they are shown
        for name, column in (("idp_id", "provider_id"), ("protocol_id", "protocol_id"), ("unique_id", "unique_id")):
            if query.get(name):
                rows = rows.filter(pk__in=FederatedUser.objects.filter(**{column: query[name]}).values("user_id"))
        return _expiring(rows, query["password_expires_at"]) if query.get("password_expires_at") else rows

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        if row is None:
            values["domain_id"] = values.get("domain_id") or home_domain(actor)
            if not Domain.objects.filter(pk=values["domain_id"]).exists():
                raise Missing(kind="domain", id=values["domain_id"])
            directories.refuse_writes(domain_id=values["domain_id"])
        else:
            guard_user(actor, row)
            directories.refuse_writes(row.pk)
        default = values.get("default_project_id")
        if default is not None and Domain.objects.filter(pk=default).exists():
            raise Invalid(reason=_("User's default project ID cannot be a domain ID."))
        for name in ("email", "description"):
            if name in values:
                values[name] = values[name] or ""
        if "options" in values:
            before = row.options if row is not None else {}
            merged = {**before, **values["options"]}
            values["options"] = {name: value for name, value in merged.items() if value is not None}
        if "password" in values:
            values |= new_password(values.pop("password"), row)
        if row is not None and values.get("enabled") is False and row.enabled:
            keep_one(row)
            revocation.revoke(user_id=row.pk)
        return values

    def _store(self, row: Any, **how: Any) -> None:
        row.name = row.name.strip()
        super()._store(row, **how)

    def leaving(self, actor: RequestContext, row: Any) -> None:
        guard_user(actor, row)
        keep_one(row)
        directories.refuse_writes(row.pk)
        revocation.revoke(user_id=row.pk)

    def shape(self, body: Values, row: object) -> Values:
        for name in ("email", "description"):
            if not body[name]:
                del body[name]
        if body["default_project_id"] is None:
            del body["default_project_id"]
        return body


USERS = Users(
    model=User,
    name="user",
    plural="users",
    fields=USER,
    columns={"name": "name", "domain_id": "domain_id", "enabled": "enabled", "email": "email"},
    fixed=("id", "domain_id"),
    announced=True,
    asked=("idp_id", "protocol_id", "unique_id", "password_expires_at"),
)


def _expiring(rows: Any, text: str) -> Any:
    """Those whose password expires ``gt:2026-01-02T03:04:05Z`` and its like. Raises: Invalid."""
    condition = moments.asked("password_expires_at", text)
    if condition is None:
        raise Invalid(reason=_("password_expires_at must be like gt:2026-01-02T03:04:05Z, not %(text)s."), text=text)
    return rows.filter(condition)


def new_password(password: str | None, row: User | None) -> Values:
    """Make the columns that a new password sets; the old one is remembered and every token of the user revoked.

    Raises: PasswordTooPlain, PasswordReused, PasswordLocked.
    """
    if password is not None and not patterns.rule(settings.PASSWORD_REGEX).match(password):
        raise PasswordTooPlain(description=settings.PASSWORD_REGEX_DESCRIPTION or settings.PASSWORD_REGEX)
    if row is not None:
        if row.options.get("lock_password"):
            raise PasswordLocked()
        keep = settings.PASSWORD_HISTORY
        if password is not None and keep:
            old = row.old_passwords.order_by("-created_at").values_list("password", flat=True)[: keep - 1]
            if any(hashed and check_password(password, hashed) for hashed in [row.password, *old]):
                raise PasswordReused(count=keep)
        if row.password:
            OldPassword.objects.create(user=row, password=row.password)
        revocation.revoke(user_id=row.pk)
    days = settings.PASSWORD_EXPIRES_DAYS
    return {
        "password": make_password(password) if password is not None else "",
        "password_changed_at": now(),
        "password_expires_at": now() + timedelta(days=days) if days else None,
    }


def change_password(user_id: str, original: str, password: str, *, source: str = "") -> None:
    """One's own password, by knowing the old one; it need not be unexpired. Raises: Unauthorized, Invalid."""
    user = passwords.check(original, user_id=user_id, allow_expired=True, source=source)
    directories.refuse_writes(user.pk)
    with transaction.atomic():
        user = User.objects.get(pk=user.pk)
        for name, value in new_password(password, user).items():
            setattr(user, name, value)
        user.save()
        revocation.note(user_id=user.pk)


def groups_of(actor: RequestContext, user_id: str) -> Any:
    """Raises: Forbidden, Missing."""
    _readable(actor, "list_groups_for_user", user_id)
    directories.before_groups(user_id)
    mapped = unexpired().filter(user_id=user_id)
    rows = Group.objects.filter(Q(users=user_id) | Q(pk__in=mapped.values("group_id"))).distinct()
    return rows.filter(domain_id=actor.domain_id) if actor.domain_id else rows


def _readable(actor: RequestContext, verb: str, user_id: str) -> User:
    row = User.objects.filter(pk=user_id).first()
    enforce(actor, f"identity:{verb}", USERS.target(row) if row else {"user_id": user_id})
    user: User = USERS.find(user_id)
    return user


def projects_of(actor: RequestContext, user_id: str, query: Any) -> Any:
    """Raises: Forbidden, Missing."""
    from identity.projects.services import of_user

    _readable(actor, "list_user_projects", user_id)
    return of_user(user_id, query)
