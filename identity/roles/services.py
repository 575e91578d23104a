"""Verbs of roles, and of what implies what."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Forbidden, NotFound
from common.live import announce
from identity.assignments.effective import implied_closure
from identity.assignments.guards import stays_without
from identity.models import Domain, ImpliedRole, Role
from identity.projects.services import guard_immutable, merged_options
from identity.resource import Missing, Resource, Values, enforce
from identity.revocation import services as revocation
from identity.roles.fields import ROLE


class NotImplied(NotFound):
    template = _("Could not find implied role: %(prior)s implies %(implied)s.")


class WouldImply(Forbidden):
    template = _("The role %(name)s may not be implied by another one.")


class ImpliedAlready(Conflict):
    template = _("%(prior)s implies %(implied)s already.")


class GlobalImpliesDomain(Forbidden):
    template = _("Global role cannot imply a domain-specific role.")


class Loop(Forbidden):
    template = _("%(prior)s cannot imply %(implied)s: that one implies it already.")


class Roles(Resource[Role]):
    def rule(self, verb: str, row: Any = None) -> str:
        domain = "domain_" if row is not None and row.domain_id else ""
        return f"identity:{verb}_{domain}{'roles' if verb == 'list' else 'role'}"

    def target(self, row: Any) -> Values:
        return {"target.role.name": row.name, "target.role.domain_id": row.domain_id}

    def listing(self, actor: RequestContext, query: Any) -> Any:
        wants_domain = bool(query.get("domain_id"))
        enforce(actor, "identity:list_domain_roles" if wants_domain else "identity:list_roles")
        rows = self.matching(self.rows(), query)
        if actor.domain_id and not actor.is_admin:
            rows = rows.filter(name__in=("manager", "member", "reader"))
        return rows if wants_domain else rows.filter(domain=None)

    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        domain_id = values.get("domain_id")
        if row is None and domain_id is not None and not Domain.objects.filter(pk=domain_id).exists():
            raise Missing(kind="domain", id=domain_id)
        if row is not None:
            guard_immutable(self.name, row, values)
        if "options" in values:
            values["options"] = merged_options(row, values["options"])
        return values

    def leaving(self, actor: RequestContext, row: object) -> None:
        guard_immutable(self.name, row)

    @transaction.atomic
    def delete(self, actor: RequestContext, id: str) -> None:
        row = self.allow(actor, "delete", id)
        with stays_without(row):
            super().delete(actor, id)
            row.permission.delete()  # and with it every guardian row that names it


ROLES = Roles(
    model=Role,
    name="role",
    plural="roles",
    fields=ROLE,
    columns={"name": "name", "domain_id": "domain_id"},
    fixed=("id", "domain_id"),
    says_missing=("get", "update", "delete"),
    announced=True,
)


def _two(prior_id: str, implied_id: str) -> tuple[Role, Role]:
    return ROLES.find(prior_id), ROLES.find(implied_id)


@transaction.atomic
def imply(actor: RequestContext, prior_id: str, implied_id: str) -> tuple[Role, Role]:
    """Raises: Forbidden, Missing, WouldImply, GlobalImpliesDomain, ImpliedAlready, Loop."""
    enforce(actor, "identity:create_implied_role")
    prior, implied = _two(prior_id, implied_id)
    if implied.name == "admin" and implied.domain_id is None:
        raise WouldImply(name=implied.name)
    if implied.domain_id is not None and prior.domain_id is None:
        raise GlobalImpliesDomain()
    if prior.pk in implied_closure({implied.pk}):
        raise Loop(prior=prior.name, implied=implied.name)
    if not ImpliedRole.objects.get_or_create(prior=prior, implied=implied)[1]:
        raise ImpliedAlready(prior=prior.name, implied=implied.name)
    announce(ROLES.name, prior.pk)
    revocation.touch()
    return prior, implied


def implied(
    actor: RequestContext, prior_id: str, implied_id: str, *, verb: str = "get_implied_role"
) -> tuple[Role, Role]:
    """Raises: Forbidden, Missing, NotImplied."""
    enforce(actor, f"identity:{verb}")
    prior, after = _two(prior_id, implied_id)
    if not ImpliedRole.objects.filter(prior=prior, implied=after).exists():
        raise NotImplied(prior=prior_id, implied=implied_id)
    return prior, after


@transaction.atomic
def unimply(actor: RequestContext, prior_id: str, implied_id: str) -> None:
    """Raises: Forbidden, Missing, NotImplied."""
    prior, after = implied(actor, prior_id, implied_id, verb="delete_implied_role")
    ImpliedRole.objects.filter(prior=prior, implied=after).delete()
    announce(ROLES.name, prior.pk)
    revocation.touch()


def implied_by(actor: RequestContext, prior_id: str) -> tuple[Role, list[Role]]:
    """Raises: Forbidden, Missing."""
    enforce(actor, "identity:list_implied_roles")
    return ROLES.find(prior_id), list(Role.objects.filter(implied_by__prior_id=prior_id).order_by("id"))


def inferences(actor: RequestContext) -> list[tuple[Role, list[Role]]]:
    """List every role that implies others, with those. Raises: Forbidden."""
    enforce(actor, "identity:list_role_inference_rules")
    found: dict[str, tuple[Role, list[Role]]] = {}
    for row in ImpliedRole.objects.select_related("prior", "implied").order_by("prior_id", "implied_id"):
        found.setdefault(row.prior_id, (row.prior, []))[1].append(row.implied)
    return list(found.values())
