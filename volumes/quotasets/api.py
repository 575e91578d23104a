"""Quota sets, quota classes and limits on the wire. Source: Cinder's API reference."""

from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from common.numbers import LARGEST
from common.truth import truth
from identity.limits.sets import QuotaSets
from identity.limits.sets_api import QuotaDefaultsView, QuotaSetView, QuotaView
from openstackapi.fields import Schema
from openstackapi.shapes import AnyOf
from quota import services as quota
from volumes.quotas import SERVICE
from volumes.views import Response, VolumeView


class VolumeProjectUnknown(Invalid):
    template = _("Project ID %(id)s is not a valid project.")


class VolumeQuotaRefused(Invalid):
    template = _("Quota limit %(number)s for %(name)s must be in the range of -1 and %(most)s.")


class VolumeQuotaBelowUse(Invalid):
    template = _("Quota limit %(value)s for %(name)s must be greater than or equal to already used %(used)s.")


def _below_use(below: Mapping[str, tuple[int, int]]) -> VolumeQuotaBelowUse:
    name, (limit, used) = next(iter(below.items()))
    return VolumeQuotaBelowUse(name=name, value=limit, used=used)


SETS: Final = QuotaSets(
    service=SERVICE,
    largest=LARGEST,
    no_project=lambda id: VolumeProjectUnknown(id=id),
    bad_limit=lambda name, value: VolumeQuotaRefused(name=name, number=value, most=LARGEST),
    below_use=_below_use,
)
_LIMIT: Final = {
    "type": ["integer", "string"],
    "pattern": "^-?[0-9]+$",
    "maxLength": 11,
    "minimum": -1,
    "maximum": LARGEST,
}
_NUMBERS: Final = {str: int}
_SET: Final = {str: AnyOf(int, str, dict)}


def _body(key: str) -> Schema:
    inner = {
        "type": "object",
        "additionalProperties": _LIMIT,
        "properties": {"force": {"type": ["boolean", "string"]}, "tenant_id": {"type": "string"}},
    }
    return {"type": "object", "properties": {key: inner}, "required": [key], "additionalProperties": False}


class _SetView(QuotaView, VolumeView):
    sets, key, rule = SETS, "quota_set", "volume_extension:quotas:show"
    tells_id = True


class QuotaSet(QuotaSetView, _SetView):
    """The limits of one project; with `usage` what it uses of them too."""

    bodies = {"put": _body("quota_set")}
    set_rule, delete_rule = "volume_extension:quotas:update", "volume_extension:quotas:delete"
    deleted = 200
    answers = {
        "get": {200: {"quota_set": _SET}},
        "put": {200: {"quota_set": _NUMBERS}},
        "delete": {200: None},
    }
    queries = {"get": {"usage": str}}

    def get(self, request: object, project_id: str) -> Response:
        if not truth(self.request.GET.get("usage", "")):
            return super().get(request, project_id)
        policy.require(self.actor, self.rule, project_id)
        rows = {
            name: {"limit": limit, "in_use": used, "reserved": 0, "allocated": 0}
            for name, (used, limit) in quota.usage(project_id, SERVICE).items()
        }
        return self.told(project_id, rows)


class QuotaDefaults(QuotaDefaultsView, _SetView):
    """The limits of a project that has none of its own."""

    answers = {"get": {200: {"quota_set": _SET}}}


class QuotaClass(VolumeView):
    """Only the class "default" has a meaning: the limits of projects without their own."""

    bodies = {"put": _body("quota_class_set")}
    answers = {
        "get": {200: {"quota_class_set": _SET}},
        "put": {200: {"quota_class_set": _NUMBERS}},
    }

    def get(self, request: HttpRequest, name: str) -> Response:
        policy.require(self.actor, "volume_extension:quota_classes:get")
        return Response({"quota_class_set": {"id": name, **quota.defaults(SERVICE)}})

    def put(self, request: HttpRequest, name: str) -> Response:
        policy.require(self.actor, "volume_extension:quota_classes:update")
        said = self.body()["quota_class_set"]
        if name != "default":
            raise Invalid(reason=_("Only the quota class default can be set, not %(name)s."), name=name)
        known = quota.defaults(SERVICE)
        for key in said.keys() & known.keys():
            quota.set_default(SERVICE, key, SETS.limit(key, said[key]))
        return Response({"quota_class_set": quota.defaults(SERVICE)})


#: limits' name → quota, and where its use stands.
_ABSOLUTE: Final = {
    "maxTotalVolumes": "volumes",
    "maxTotalSnapshots": "snapshots",
    "maxTotalVolumeGigabytes": "gigabytes",
}
_USED: Final = {"totalVolumesUsed": "volumes", "totalSnapshotsUsed": "snapshots", "totalGigabytesUsed": "gigabytes"}


class Limits(VolumeView):
    """The project's limits and what it uses of them."""

    answers = {"get": {200: {"limits": {"rate": list, "absolute": dict.fromkeys((*_ABSOLUTE, *_USED), int)}}}}

    def get(self, request: HttpRequest) -> Response:
        policy.require(self.actor, "limits_extension:used_limits", self.actor.project_id)
        usage = quota.usage(self.actor.project_id or "", SERVICE)
        limits = {name: usage[counted][1] for name, counted in _ABSOLUTE.items()}
        used = {name: usage[counted][0] for name, counted in _USED.items()}
        return Response({"limits": {"rate": [], "absolute": limits | used}})
