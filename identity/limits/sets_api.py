"""Quota sets on the wire: what Nova's and Neutron's views of them share."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.response import Response

from authorization import policy
from common.truth import truth
from identity.limits.sets import QuotaSets
from openstackapi.views import ServiceView
from quota import services as quota


class QuotaView(ServiceView):
    """A route of a service's quotas. `key` is the envelope, `rule` policy's; `tells_id`: the project's id is in what is shown."""

    sets: ClassVar[QuotaSets]
    key: ClassVar[str] = "quota"
    rule: ClassVar[str]
    tells_id: ClassVar[bool] = False

    def shown(self, values: Mapping[str, object]) -> dict[str, object]:
        """Build the part of a set that the request's version has."""
        return dict(values)

    def told(self, project_id: str, values: Mapping[str, object]) -> Response:
        id = {"id": project_id} if self.tells_id else {}
        return Response({self.key: {**id, **self.shown(values)}})


class QuotaSetView(QuotaView):
    """The limits of one project. `set_rule` is policy's for changes of them, `delete_rule` for giving them up, `deleted` its status."""

    set_rule: ClassVar[str]
    delete_rule: ClassVar[str]
    deleted: ClassVar[int] = 204

    def get(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, self.rule, project_id)
        return self.told(project_id, quota.limits(project_id, self.sets.service))

    def put(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, self.set_rule, project_id)
        sent = self.sent()
        known = quota.defaults(self.sets.service)
        asked = {name: value for name, value in sent.items() if name in known}
        self.sets.change(project_id, asked, force=bool(truth(sent.get("force", False))))
        return Response({self.key: self.shown(quota.limits(project_id, self.sets.service))})

    def sent(self) -> dict[str, object]:
        """Take what is inside of the body's envelope. Raises: SchemaRefused."""
        inner: dict[str, object] = self.body()[self.key]
        return inner

    def delete(self, request: Any, project_id: str) -> Response:
        policy.require(self.actor, self.delete_rule, project_id)
        quota.reset(project_id, self.sets.service)
        return Response(status=self.deleted)


class QuotaDefaultsView(QuotaView):
    """The limits of a project that has none of its own."""

    def get(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, self.rule, project_id)
        return self.told(project_id, quota.defaults(self.sets.service))


class QuotaUsageView(QuotaView):
    """Limit and use of each resource of a project; `used_name` is what the service calls the use."""

    used_name: ClassVar[str] = "used"

    def get(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, self.rule, project_id)
        usage = quota.usage(project_id, self.sets.service)
        rows = {n: {"limit": limit, self.used_name: used, "reserved": 0} for n, (used, limit) in usage.items()}
        return self.told(project_id, rows)
