"""Verbs of policy blobs and their associations."""

import orjson
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from identity.models import Endpoint, Policy, PolicyAssociation, Region, Service
from identity.resource import Missing, Resource, Values, enforce
from openstackapi.fields import Field, Fields

_TYPE = {"type": "string", "maxLength": 255}
POLICY = Fields(
    "policy",
    (
        Field("id"),
        Field("type", create=True, update=True, required=True, schema=_TYPE),
        Field("blob", create=True, update=True, required=True, schema={"type": ["string", "object"]}),
    ),
)


class Policies(Resource[Policy]):
    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        if "blob" in values and not isinstance(values["blob"], str):
            values["blob"] = orjson.dumps(values["blob"]).decode()
        return values


POLICIES = Policies(
    model=Policy,
    name="policy",
    plural="policies",
    fields=POLICY,
    columns={"type": "type"},
    flushes=False,
)
_KINDS = {"endpoint": Endpoint, "service": Service, "region": Region}


def _place(keys: dict[str, str]) -> Values:
    """{endpoint} or {service} or {service, region} as rows. Raises: Missing."""
    found = {}
    for name, id in keys.items():
        row = _KINDS[name].objects.filter(pk=id).first()  # type: ignore[attr-defined]
        if row is None:
            raise Missing(kind=name, id=id)
        found[name] = row
    return {"endpoint": None, "service": None, "region": None, **found}


def _rule(verb: str, keys: dict[str, str]) -> str:
    where = "region_and_service" if "region" in keys else next(iter(keys))
    return f"identity:{verb}_policy_association_for_{where}"


@transaction.atomic
def associate(actor: RequestContext, policy_id: str, keys: dict[str, str]) -> None:
    """Put a policy there, in place of another one. Raises: Forbidden, Missing."""
    enforce(actor, _rule("create", keys))
    policy, place = POLICIES.find(policy_id), _place(keys)
    PolicyAssociation.objects.filter(**place).delete()
    PolicyAssociation.objects.create(policy=policy, **place)


@transaction.atomic
def dissociate(actor: RequestContext, policy_id: str, keys: dict[str, str]) -> None:
    """Take a policy away, were it there or not. Raises: Forbidden, Missing."""
    enforce(actor, _rule("delete", keys))
    PolicyAssociation.objects.filter(policy=POLICIES.find(policy_id), **_place(keys)).delete()


def association(actor: RequestContext, policy_id: str, keys: dict[str, str]) -> PolicyAssociation:
    """Raises: Forbidden, Missing."""
    enforce(actor, _rule("check", keys))
    POLICIES.find(policy_id)
    row = PolicyAssociation.objects.filter(policy_id=policy_id, **_place(keys)).first()
    if row is None:
        raise Missing(kind=_("policy association"), id=policy_id)
    return row


def of_endpoint(actor: RequestContext, endpoint_id: str) -> Policy:
    """Return the nearest: the endpoint's own, its service's in its region (or one around it), its service's.

    Raises: Forbidden, Missing.
    """
    enforce(actor, "identity:get_policy_for_endpoint")
    endpoint = _place({"endpoint": endpoint_id})["endpoint"]
    places: list[Values] = [{"endpoint": endpoint}]
    region = endpoint.region
    while region is not None:
        places.append({"service_id": endpoint.service_id, "region": region})
        region = region.parent_region
    places.append({"service_id": endpoint.service_id, "region": None})
    for one in places:
        row = PolicyAssociation.objects.select_related("policy").filter(**one).first()
        if row is not None:
            return row.policy
    raise Missing(kind=_("policy of endpoint"), id=endpoint_id)


def endpoints_of(actor: RequestContext, policy_id: str) -> list[Endpoint]:
    """List every endpoint that a policy's associations name. Raises: Forbidden, Missing."""
    enforce(actor, "identity:list_endpoints_for_policy")
    found: dict[str, Endpoint] = {}
    for row in POLICIES.find(policy_id).associations.all():
        if row.endpoint_id:
            rows = Endpoint.objects.filter(pk=row.endpoint_id)
        else:
            rows = Endpoint.objects.filter(service_id=row.service_id)
            rows = rows.filter(region_id=row.region_id) if row.region_id else rows
        found.update({endpoint.pk: endpoint for endpoint in rows})
    return [found[id] for id in sorted(found)]
