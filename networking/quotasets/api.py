"""Quotas on the wire."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from authorization import policy
from common.errors import Invalid, NotFound
from identity.limits.models import Limit
from identity.limits.sets import QuotaSets
from identity.limits.sets_api import QuotaDefaultsView, QuotaSetView, QuotaUsageView, QuotaView
from networking.quotas import COUNTED, SERVICE
from networking.resource import NetworkView
from openstackapi.views import Response
from quota import services as quota

NUMBERS = {name: {"type": ["integer", "string"]} for name in COUNTED}
BODY = {
    "type": "object",
    "required": ["quota"],
    "properties": {
        "quota": {
            "type": "object",
            "properties": {**NUMBERS, "tenant_id": {}, "project_id": {}, "force": {}, "check_limit": {}},
            "additionalProperties": False,
        }
    },
}


class InvalidQuotaValue(Invalid):
    template = _("Change would make usage less than 0 for the following resources: %(names)s")


_LIMITS = dict.fromkeys(COUNTED, int)


class Quotas(NetworkView):
    """Every project with limits of its own."""

    answers = {"get": {200: {"quotas": [{**_LIMITS, "tenant_id": str, "project_id": str}]}}}

    def get(self, request: Request) -> Response:
        policy.require(self.actor, "update_quota", self.actor.project_id)
        own = Limit.objects.filter(registered_limit__service__type=SERVICE).exclude(project_id=None)
        ids = sorted(set(own.values_list("project_id", flat=True)))
        shown = [{**quota.limits(id, SERVICE), "tenant_id": id, "project_id": id} for id in ids]
        return Response({"quotas": shown})


class ProjectNotFound(NotFound):
    template = _("Project %(id)s could not be found.")


class TenantQuotaNotFound(NotFound):
    template = _("Quota for tenant %(id)s could not be found.")


class _SetView(QuotaView, NetworkView):
    rule = "get_quota"
    sets = QuotaSets(
        service=SERVICE,
        largest=2**31 - 1,
        no_project=lambda id: ProjectNotFound(id=id),
        bad_limit=lambda name, value: InvalidQuotaValue(names=name),
        below_use=lambda below: InvalidQuotaValue(names=", ".join(below)),
    )


class QuotaDetail(QuotaSetView, _SetView):
    """The limits of one project."""

    bodies = {"put": BODY}
    set_rule, delete_rule = "update_quota", "delete_quota"
    answers = {"get": {200: {"quota": _LIMITS}}, "put": {200: {"quota": _LIMITS}}}

    def delete(self, request: Request, project_id: str) -> Response:
        policy.require(self.actor, self.delete_rule, project_id)
        if not Limit.objects.filter(project_id=project_id, registered_limit__service__type=SERVICE).exists():
            raise TenantQuotaNotFound(id=project_id)
        return super().delete(request, project_id)


class QuotaDefaults(QuotaDefaultsView, _SetView):
    """The limits of a project that has none of its own."""

    answers = {"get": {200: {"quota": _LIMITS}}}


class QuotaUsage(QuotaUsageView, _SetView):
    """Limit and use of each resource."""

    answers = {"get": {200: {"quota": {key: {"limit": int, "used": int, "reserved": int} for key in COUNTED}}}}


class OwnProject(NetworkView):
    """The project of the token, as `GET /quotas/tenant` names it."""

    answers = {"get": {200: {"tenant": {"tenant_id": str | None, "project_id": str | None}}}}

    def get(self, request: Request) -> Response:
        return Response({"tenant": {"tenant_id": self.actor.project_id, "project_id": self.actor.project_id}})
