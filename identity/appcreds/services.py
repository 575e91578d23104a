"""Verbs of application credentials and access rules."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Forbidden, Invalid
from identity.appcreds import secrets
from identity.models import AccessRule, ApplicationCredential, Role, User
from identity.resource import Duplicate, Missing, Values, enforce
from identity.revocation import services as revocation


class Restricted(Forbidden):
    template = _("You are not authorized to perform the requested action: %(action)s with a delegated token.")


class RoleNotHeld(Invalid):
    template = _("Invalid application credential: Could not find role assignment with role: %(role)s.")


class AppCredNeedsProject(Invalid):
    formerly = ("NeedsProject",)
    template = _("Invalid application credential: a project-scoped token is needed to make one.")


class RuleInUse(Forbidden):
    template = _("The access rule %(id)s is used by an application credential.")


def not_delegated(actor: RequestContext, action: str) -> None:
    """Refuse callers that act through a trust, OAuth or a restricted application credential: they may not make more such things."""
    app_cred = actor.extra.get("app_cred")
    if app_cred is not None and not app_cred["restricted"]:  # type: ignore[index]
        return
    delegation = actor.extra.get("delegation")
    if delegation is not None and not delegation.is_direct:  # type: ignore[attr-defined]
        raise Restricted(action=action)


def _owned(actor: RequestContext, verb: str, user_id: str) -> None:
    enforce(actor, f"identity:{verb}", {"user_id": user_id, "target.user.id": user_id})


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    user_id: str,
    name: str,
    description: str | None = None,
    secret: str | None = None,
    roles: list[Values] | None = None,
    expires_at: datetime | None = None,
    unrestricted: bool = False,
    access_rules: list[Values] | None = None,
    project_id: str | None = None,
) -> tuple[ApplicationCredential, str]:
    """Create the row and its secret, which is not kept and cannot be shown again.

    `roles` are {"id"} or {"name"}; all of the caller's when there are none. Raises: Forbidden, Invalid, Duplicate.
    """
    not_delegated(actor, "create an application credential")
    _owned(actor, "create_application_credential", user_id)
    if not actor.project_id or (project_id is not None and project_id != actor.project_id):
        raise AppCredNeedsProject()
    if expires_at is not None and expires_at <= now():
        raise Invalid(reason=_("The expiration of an application credential must lie in the future."))
    chosen, secret = bool(secret), secret or secrets.new()
    row = ApplicationCredential(
        name=name,
        user_id=user_id,
        project_id=actor.project_id,
        secret=secrets.hashed(secret, chosen=chosen),
        description=description,
        unrestricted=unrestricted,
        expires_at=expires_at,
    )
    _save_new(row)
    row.roles.set(_roles(actor, roles))
    row.access_rules.set([_rule(user_id, rule) for rule in access_rules or []])
    return row, secret


def _save_new(row: ApplicationCredential) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Duplicate(kind="application_credential") from None


def _roles(actor: RequestContext, asked: list[Values] | None) -> list[Role]:
    if not asked:
        return list(Role.objects.filter(pk__in=actor.role_ids))
    found = []
    for one in asked:
        key = {"pk": one["id"]} if "id" in one else {"name": one.get("name"), "domain": None}
        role = Role.objects.filter(**key).first()
        if role is None:
            raise Missing(kind="role", id=one.get("id") or one.get("name"))
        if role.pk not in actor.role_ids:
            raise RoleNotHeld(role=role.pk)
        found.append(role)
    return found


def _rule(user_id: str, asked: Values) -> AccessRule:
    """An access rule of the user's, by id or by what it says. Raises: Missing, Invalid."""
    if "id" in asked and len(asked) == 1:
        row = AccessRule.objects.filter(pk=asked["id"], user_id=user_id).first()
        if row is None:
            raise Missing(kind=_("access rule"), id=asked["id"])
        return row
    says = {name: asked.get(name) for name in ("service", "path", "method")}
    if None in says.values():
        raise Invalid(reason=_("An access rule needs service, path and method."))
    return AccessRule.objects.get_or_create(user_id=user_id, **says)[0]


def _find(actor: RequestContext, verb: str, user_id: str, id: str) -> ApplicationCredential:
    """The row, if the actor may: its own user decides, not the one whom the address names."""
    row = ApplicationCredential.objects.filter(pk=id).first()
    _owned(actor, verb, row.user_id if row is not None else user_id)
    if row is None or row.user_id != user_id:
        raise Missing(kind=_("application credential"), id=id)
    return row


def get(actor: RequestContext, user_id: str, id: str) -> ApplicationCredential:
    """Raises: Forbidden, Missing."""
    return _find(actor, "get_application_credential", user_id, id)


def listing(actor: RequestContext, user_id: str, name: str | None = None) -> Any:
    """Raises: Forbidden."""
    _owned(actor, "list_application_credentials", user_id)
    rows = ApplicationCredential.objects.filter(user_id=user_id).prefetch_related("roles", "access_rules")
    return rows.filter(name=name) if name is not None else rows


@transaction.atomic
def delete(actor: RequestContext, user_id: str, id: str) -> None:
    """Tokens made with it stop counting. Raises: Forbidden, Missing."""
    not_delegated(actor, "delete an application credential")
    _find(actor, "delete_application_credential", user_id, id).delete()
    revocation.note(app_cred_id=id)


# ── Access rules ────────────────────────────────────────────────────────────────────────────────────────────────────


def rules(actor: RequestContext, user_id: str) -> Any:
    """Raises: Forbidden, Missing."""
    _owned(actor, "list_access_rules", user_id)
    if not User.objects.filter(pk=user_id).exists():
        raise Missing(kind="user", id=user_id)
    return AccessRule.objects.filter(user_id=user_id)


def rule(actor: RequestContext, user_id: str, id: str, *, verb: str = "get_access_rule") -> AccessRule:
    """Raises: Forbidden, Missing."""
    _owned(actor, verb, user_id)
    row = AccessRule.objects.filter(pk=id, user_id=user_id).first()
    if row is None:
        raise Missing(kind=_("access rule"), id=id)
    return row


@transaction.atomic
def delete_rule(actor: RequestContext, user_id: str, id: str) -> None:
    """Raises: Forbidden, Missing, RuleInUse."""
    row = rule(actor, user_id, id, verb="delete_access_rule")
    if row.application_credentials.exists():
        raise RuleInUse(id=id)
    row.delete()
