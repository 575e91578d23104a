"""Verbs of trusts."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Forbidden, Invalid, NotFound
from identity.assignments.effective import Scope, implied_closure, roles_on
from identity.models import Project, Role, Trust, User
from identity.resource import Missing, Values, enforce
from identity.revocation import services as revocation

#: How often a trust may be passed on.
MAX_REDELEGATION = 3


class NoTrust(NotFound):
    template = _("Could not find trust: %(id)s.")


class NotYours(Forbidden):
    template = _("You are not authorized to perform the requested action: %(action)s.")


class CannotRedelegate(Forbidden):
    template = _("%(reason)s")


def _delegated_otherwise(actor: RequestContext) -> None:
    """Application credentials and OAuth tokens manage no trusts; a trust's own token may, that is redelegation."""
    delegation = actor.extra.get("delegation")
    if delegation is not None and set(delegation.as_dict()) - {"trust_id"}:  # type: ignore[attr-defined]
        raise NotYours(action=_("Delegated tokens cannot manage trusts"))


def _target(row: Trust) -> Values:
    return {"target.trust.trustor_user_id": row.trustor_id, "target.trust.trustee_user_id": row.trustee_id}


def find(id: str, *, used_up: bool = False) -> Trust:
    """Find a living trust. Raises: NoTrust."""
    row = Trust.objects.prefetch_related("roles").filter(pk=id, deleted_at=None).first()
    if row is None or (row.remaining_uses == 0 and not used_up):
        raise NoTrust(id=id)
    return row


def get(actor: RequestContext, id: str, *, verb: str = "get_trust") -> Trust:
    """Raises: NoTrust, Forbidden."""
    row = find(id)
    enforce(actor, f"identity:{verb}", _target(row))
    _delegated_otherwise(actor)
    return row


def listing(actor: RequestContext, trustor_id: str | None, trustee_id: str | None) -> Any:
    """Raises: Forbidden."""
    if trustor_id:
        enforce(actor, "identity:list_trusts_for_trustor", {"target.trust.trustor_user_id": trustor_id})
    elif trustee_id:
        enforce(actor, "identity:list_trusts_for_trustee", {"target.trust.trustee_user_id": trustee_id})
    else:
        enforce(actor, "identity:list_trusts")
    _delegated_otherwise(actor)
    rows = Trust.objects.filter(deleted_at=None)
    rows = rows.filter(trustor_id=trustor_id) if trustor_id else rows
    return rows.filter(trustee_id=trustee_id) if trustee_id and not trustor_id else rows


@transaction.atomic
def create(actor: RequestContext, values: Values, expires_at: datetime | None) -> Trust:
    """Raises: Forbidden, Invalid, Missing, CannotRedelegate."""
    enforce(actor, "identity:create_trust", {"target.trust.trustor_user_id": values["trustor_user_id"]})
    _delegated_otherwise(actor)
    if actor.user_id != values["trustor_user_id"]:
        raise NotYours(action=_("The authenticated user should match the trustor"))
    if values.get("project_id") and not values.get("roles"):
        raise NotYours(action=_("At least one role should be specified"))
    if expires_at is not None and expires_at <= now():
        raise Invalid(reason=_("The expiration of a trust must lie in the future."))
    if values.get("remaining_uses") is not None and values.get("allow_redelegation"):
        raise Invalid(reason=_("remaining_uses must not be set if redelegation is allowed."))
    trustee = User.objects.filter(pk=values["trustee_user_id"]).first()
    if trustee is None:
        raise Missing(kind="user", id=values["trustee_user_id"])
    roles = _roles(values.get("roles", []))
    parent = find(actor.trust_id) if actor.trust_id else None
    _held(values, roles, parent)
    count = values.get("redelegation_count") or (MAX_REDELEGATION if values.get("allow_redelegation") else 0)
    if count > MAX_REDELEGATION:
        raise NotYours(action=_("Redelegation depth of %(count)s is over %(most)s"), count=count, most=MAX_REDELEGATION)
    if parent is not None:
        expires_at, count = _redelegated(parent, values, roles, expires_at)
    row = Trust.objects.create(
        trustor_id=values["trustor_user_id"],
        trustee=trustee,
        project_id=values.get("project_id"),
        impersonation=values["impersonation"],
        expires_at=expires_at,
        remaining_uses=values.get("remaining_uses"),
        redelegated_trust=parent,
        redelegation_count=count,
    )
    row.roles.set(roles)
    return row


def _roles(asked: list[Values]) -> list[Role]:
    found = []
    for one in asked:
        key = {"pk": one["id"]} if one.get("id") else {"name": one.get("name"), "domain": None}
        role = Role.objects.filter(**key).first()
        if role is None:
            raise Missing(kind="role", id=one.get("id") or one.get("name"))
        found.append(role)
    return found


def _held(values: Values, roles: list[Role], parent: Trust | None) -> None:
    """The trustor (the first of a chain) must have each role there. Raises: Missing."""
    first = parent
    while first is not None and first.redelegated_trust is not None:
        first = first.redelegated_trust
    project_id = values.get("project_id")
    if not project_id:
        if roles:
            raise NotYours(action=_("roles without a project"))
        return
    if not Project.objects.filter(pk=project_id).exists():
        raise Missing(kind="project", id=project_id)
    held = roles_on(first.trustor_id if first else values["trustor_user_id"], Scope("project", project_id))
    for role in roles:
        if role.pk not in held:
            raise Missing(kind="role", id=role.pk)


def _redelegated(
    parent: Trust, values: Values, roles: list[Role], expires_at: datetime | None
) -> tuple[datetime | None, int]:
    """(expiry, count) of a trust made from another. It can only be narrower. Raises: CannotRedelegate."""
    if not 0 < parent.redelegation_count <= MAX_REDELEGATION:
        raise CannotRedelegate(
            reason=_("Remaining redelegation depth of %(depth)s is not in 1..3."), depth=parent.redelegation_count
        )
    if values.get("remaining_uses") is not None:
        raise CannotRedelegate(reason=_("remaining_uses must not be set in order to redelegate a trust."))
    if parent.expires_at and expires_at and expires_at > parent.expires_at:
        raise CannotRedelegate(reason=_("Requested expiration time is more than the redelegated trust can provide."))
    if parent.project_id != values.get("project_id"):
        raise CannotRedelegate(reason=_("A redelegated trust stays on its project."))
    given = implied_closure({role.pk for role in parent.roles.all()})
    if any(role.pk not in given for role in roles):
        raise CannotRedelegate(reason=_("Some of the requested roles are not in the redelegated trust."))
    if values["impersonation"] and not parent.impersonation:
        raise CannotRedelegate(reason=_("Impersonation is not allowed because the redelegated trust does not have it."))
    asked = values.get("redelegation_count")
    count = parent.redelegation_count - 1
    if asked is not None and asked > count:
        raise CannotRedelegate(
            reason=_("Requested redelegation depth of %(asked)s is greater than allowed %(count)s."),
            asked=asked,
            count=count,
        )
    if not values.get("allow_redelegation", True):
        count = 0
    return expires_at or parent.expires_at, count if asked is None else asked


@transaction.atomic
def delete(actor: RequestContext, id: str) -> None:
    """Delete a trust: it and all made from it stop counting. Raises: NoTrust, Forbidden."""
    row = find(id, used_up=True)
    enforce(actor, "identity:delete_trust", _target(row))
    _delegated_otherwise(actor)
    todo = [row]
    while todo:
        one = todo.pop()
        todo += one.redelegations.filter(deleted_at=None)
        one.deleted_at = now()
        one.save(update_fields=["deleted_at"])
        revocation.revoke(trust_id=one.pk)
