"""Verbs of registered limits and limits, as Keystone's API has them (enforcement model "flat")."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden, Invalid
from identity.limits.fields import LIMIT, REGISTERED
from identity.models import Limit, Project, Region, RegisteredLimit, Service
from identity.resource import M, Resource, Values, enforce


class RegisteredLimitInUse(Forbidden):
    template = _(
        "Unable to update or delete registered limit %(id)s because there are project limits associated with it."
    )


class NoPart(Invalid):
    template = _("Could not find %(kind)s: %(id)s.")


class NotRegistered(Forbidden):
    template = _("There is no registered limit %(name)s for this service and region.")


class OneOwner(Invalid):
    template = _("A limit belongs to exactly one of a project and a domain.")


class RegisteredLimits(Resource[RegisteredLimit]):
    def rule(self, verb: str, row: object = None) -> str:
        return f"identity:{verb}_registered_limit{'s' if verb in ('list', 'create') else ''}"

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        for kind, model in (("service", Service), ("region", Region)):
            id = values.get(f"{kind}_id")
            if id is not None and not model.objects.filter(pk=id).exists():
                raise NoPart(kind=kind, id=id)
        moves = {name for name in ("service_id", "region_id", "resource_name") if name in values}
        if row is not None and moves and row.limits.exists():
            raise RegisteredLimitInUse(id=row.pk)
        return values

    def leaving(self, actor: RequestContext, row: Any) -> None:
        if row.limits.exists():
            raise RegisteredLimitInUse(id=row.pk)


class Limits(Resource[Limit]):
    def rule(self, verb: str, row: object = None) -> str:
        return f"identity:{verb}_limit{'s' if verb in ('list', 'create') else ''}"

    def target(self, row: object) -> Values:
        if not isinstance(row, Limit):
            return {}
        target: Values = {"target.limit.project_id": row.project_id}
        if row.project is not None:
            target["target.limit.project.domain_id"] = row.project.domain_id
        if row.domain_id is not None:
            target["target.limit.domain.id"] = row.domain_id
        return target

    def listing(self, actor: RequestContext, query: Any) -> Any:
        enforce(actor, "identity:list_limits")
        rows = self.matching(self.rows(), query)
        if actor.system or actor.is_admin or "service" in actor.roles:
            return rows
        if actor.domain_id:
            return rows.filter(Q(domain_id=actor.domain_id) | Q(project__domain_id=actor.domain_id))
        return rows.filter(project_id=actor.project_id or "")

    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        if row is not None:
            return values
        if (values.get("project_id") is None) == (values.get("domain_id") is None):
            raise OneOwner()
        owner = values.get("project_id") or values.get("domain_id")
        if not Project.objects.filter(pk=owner).exists():
            raise NoPart(kind=_("project or domain"), id=owner)
        key = {name: values.pop(name, None) for name in ("service_id", "region_id", "resource_name")}
        registered = RegisteredLimit.objects.filter(**key).first()
        if registered is None:
            raise NotRegistered(name=key["resource_name"])
        return {**values, "registered_limit": registered}

    def split(self, values: Values) -> tuple[Values, Values]:
        return dict(values), {}


REGISTERED_LIMITS = RegisteredLimits(
    model=RegisteredLimit,
    name="registered_limit",
    plural="registered_limits",
    fields=REGISTERED,
    columns={"service_id": "service_id", "region_id": "region_id", "resource_name": "resource_name"},
    keeps_extra=False,
    flushes=False,
)
LIMITS = Limits(
    model=Limit,
    name="limit",
    plural="limits",
    fields=LIMIT,
    columns={
        "service_id": "registered_limit__service_id",
        "region_id": "registered_limit__region_id",
        "resource_name": "registered_limit__resource_name",
        "project_id": "project_id",
        "domain_id": "domain_id",
    },
    keeps_extra=False,
    flushes=False,
    related=("registered_limit", "project"),
)


@transaction.atomic
def create_many(resource: Resource[M], actor: RequestContext, many: list[Values]) -> list[M]:
    """Create all or none. Raises: Forbidden, Invalid, Duplicate."""
    return [resource.create(actor, values) for values in many]
