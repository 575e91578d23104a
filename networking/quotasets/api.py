"""Quotas on the wire."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid, NotFound
from common.truth import truth
from identity.limits import services as quota
from identity.limits.models import Limit
from identity.models import Project
from networking.quotas import COUNTED, SERVICE
from networking.resource import NetworkView
from openstackapi.views import Response

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


class Quotas(NetworkView):
    """Every project with limits of its own."""

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "network:quota:update", self.actor.project_id)
        own = Limit.objects.filter(registered_limit__service__type=SERVICE).exclude(project_id=None)
        ids = sorted(set(own.values_list("project_id", flat=True)))
        shown = [{**quota.limits(id, SERVICE), "tenant_id": id, "project_id": id} for id in ids]
        return Response({"quotas": shown})


class QuotaDetail(NetworkView):
    """The limits of one project."""

    bodies = {"put": BODY}

    def get(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, "network:quota:get", project_id)
        return Response({"quota": quota.limits(project_id, SERVICE)})

    def put(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, "network:quota:update", project_id)
        if not Project.objects.filter(pk=project_id).exists():
            raise ProjectNotFound(id=project_id)
        asked = self.body()["quota"]
        wanted = {name: _limit(name, asked[name]) for name in COUNTED if name in asked}
        used = {} if truth(asked.get("force")) else quota.usage(project_id, SERVICE)
        below = [name for name, limit in wanted.items() if name in used and 0 <= limit < used[name][0]]
        if below:
            raise InvalidQuotaValue(names=", ".join(below))
        for name, limit in wanted.items():
            quota.set(project_id, SERVICE, name, limit)
        return Response({"quota": quota.limits(project_id, SERVICE)})

    def delete(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, "network:quota:update", project_id)
        if not Limit.objects.filter(project_id=project_id, registered_limit__service__type=SERVICE).exists():
            raise TenantQuotaNotFound(id=project_id)
        quota.reset(project_id, SERVICE)
        return Response(status=204)


class ProjectNotFound(NotFound):
    template = _("Project %(id)s could not be found.")


class TenantQuotaNotFound(NotFound):
    template = _("Quota for tenant %(id)s could not be found.")


def _limit(name: str, value: Any) -> int:
    try:
        number = int(value)
    except ValueError as error:
        raise InvalidQuotaValue(names=name) from error
    if not -1 <= number <= 2**31 - 1:
        raise InvalidQuotaValue(names=name)
    return number


class QuotaDefaults(NetworkView):
    """The limits of a project that has none of its own."""

    def get(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, "network:quota:get", project_id)
        return Response({"quota": quota.defaults(SERVICE)})


class QuotaUsage(NetworkView):
    """Limit and use of each resource."""

    def get(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, "network:quota:get", project_id)
        usage = quota.usage(project_id, SERVICE)
        shown = {name: {"limit": limit, "used": used, "reserved": 0} for name, (used, limit) in usage.items()}
        return Response({"quota": shown})


class OwnProject(NetworkView):
    """The project of the token, as `GET /quotas/tenant` names it."""

    def get(self, request: Any) -> Response:
        return Response({"tenant": {"tenant_id": self.actor.project_id, "project_id": self.actor.project_id}})
