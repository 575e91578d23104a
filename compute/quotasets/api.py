"""Limits, quota sets and quota classes on the wire. Which names show depends on the microversion."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from common.numbers import LARGEST
from compute.servers.api.schemas import BOOLEAN, obj
from compute.views import ComputeView, Known, Response
from identity.limits.sets import QuotaSets
from identity.limits.sets_api import QuotaDefaultsView, QuotaSetView, QuotaUsageView, QuotaView
from openstackapi.shapes import Versioned, With
from openstackapi.versioned import ByVersion
from quota import services as quota

NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")  # until 2.35
INJECTED = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")  # until 2.56
ALWAYS = ("instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups", "server_group_members")


_GROUPS = tuple(name for name in ALWAYS if name.startswith("server_group"))
_OTHERS = tuple(name for name in ALWAYS if name not in _GROUPS)
#: Resources in a quota set, by version.
NAMES = ByVersion({(2, 0): (*ALWAYS, *NETWORK, *INJECTED), (2, 36): (*ALWAYS, *INJECTED), (2, 57): ALWAYS})
#: Resources in a quota class set, by version: the server groups' came with 2.50, when the network's went.
CLASS_NAMES = ByVersion({(2, 0): (*_OTHERS, *NETWORK, *INJECTED), (2, 50): (*ALWAYS, *INJECTED), (2, 57): ALWAYS})


_LIMIT = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "maxLength": 11, "minimum": -1, "maximum": LARGEST}


def _schema(key: str, known: tuple[str, ...], *, force: bool) -> dict[str, object]:
    extra: dict[str, object] = {"force": BOOLEAN} if force else {}
    return obj({key: obj({**dict.fromkeys(known, _LIMIT), **extra})}, (key,))


_SETS = ByVersion({v: _schema("quota_set", NAMES.at(v), force=True) for v in ((2, 0), (2, 36), (2, 57))})
#: Body of PUT of a quota class set: it takes the server groups' names at every version, though they are shown from 2.50 on.
_CLASSES = ByVersion(
    {
        v: _schema("quota_class_set", tuple(dict.fromkeys((*CLASS_NAMES.at(v), *ALWAYS))), force=False)
        for v in ((2, 0), (2, 50), (2, 57))
    }
)


class ProjectUnknown(Invalid):
    template = _("Project ID %(id)s is not a valid project.")


class QuotaLimitRefused(Invalid):
    template = _("Quota limit %(number)s for %(name)s must be in the range of -1 and %(most)s.")


class QuotaBelowUse(Invalid):
    template = _("Quota limit %(value)s for %(name)s must be greater than or equal to already used %(used)s.")


def _below_use(below: Mapping[str, tuple[int, int]]) -> QuotaBelowUse:
    name, (limit, used) = next(iter(below.items()))
    return QuotaBelowUse(name=name, value=limit, used=used)


SETS = QuotaSets(
    service="compute",
    largest=LARGEST,
    no_project=lambda id: ProjectUnknown(id=id),
    bad_limit=lambda name, value: QuotaLimitRefused(name=name, number=value, most=LARGEST),
    below_use=_below_use,
)
_KNOWN: Known = ((2, 75), frozenset({"user_id"}))


_UNTIL = {**dict.fromkeys(NETWORK, (2, 35)), **dict.fromkeys(INJECTED, (2, 56))}
_NUMBERS = {name: Versioned(int, until=_UNTIL.get(name)) for name in NAMES.at((2, 0))}
_USED_OF = {"limit": int, "in_use": int, "reserved": int}
_USAGES = {name: Versioned(_USED_OF, until=_UNTIL.get(name)) for name in NAMES.at((2, 0))}
_CLASS: ByVersion[object] = ByVersion({v: dict.fromkeys(CLASS_NAMES.at(v), int) for v in ((2, 0), (2, 50), (2, 57))})


class _SetView(QuotaView, ComputeView):
    sets, key, rule = SETS, "quota_set", "os_compute_api:os-quota-sets:show"
    tells_id = True

    def shown(self, values: Mapping[str, object]) -> dict[str, object]:
        return {name: values[name] for name in NAMES.at(self.version)}


class QuotaSet(QuotaSetView, _SetView):
    """The limits of one project."""

    bodies = {"put": _SETS.newest}
    known = dict.fromkeys(("get", "put", "delete"), _KNOWN)
    set_rule, delete_rule = "os_compute_api:os-quota-sets:update", "os_compute_api:os-quota-sets:delete"
    deleted = 202
    answers = {
        "get": {200: {"quota_set": {"id": str, **_NUMBERS}}},
        "put": {200: {"quota_set": _NUMBERS}},
        "delete": {202: None},
    }

    def sent(self) -> dict[str, object]:
        inner: dict[str, object] = self.body(_SETS.at(self.version))["quota_set"]
        return inner


class QuotaSetDetail(QuotaUsageView, _SetView):
    """Limit and use of each resource."""

    known = {"get": _KNOWN}
    used_name = "in_use"
    rule = "os_compute_api:os-quota-sets:detail"
    answers = {"get": {200: {"quota_set": {"id": str, **_USAGES}}}}


class QuotaDefaults(QuotaDefaultsView, _SetView):
    """The limits of a project that has none of its own."""

    rule = "os_compute_api:os-quota-sets:defaults"
    answers = {"get": {200: {"quota_set": {"id": str, **_NUMBERS}}}}


class QuotaClass(ComputeView):
    """Only the class "default" has a meaning: the limits of projects without their own."""

    bodies = {"put": _CLASSES.newest}
    answers = {"get": {200: {"quota_class_set": With(_CLASS, {"id": str})}}, "put": {200: {"quota_class_set": _CLASS}}}

    def _shown(self) -> dict[str, int]:
        known = quota.defaults("compute")
        return {name: known[name] for name in CLASS_NAMES.at(self.version)}

    def get(self, request: object, name: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-quota-class-sets:show")
        return Response({"quota_class_set": {"id": name, **self._shown()}})

    def put(self, request: object, name: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-quota-class-sets:update")
        data = self.body(_CLASSES.at(self.version))["quota_class_set"]
        if name != "default":
            raise Invalid(reason=_("Only the quota class default can be set, not %(name)s."), name=name)
        for key, value in data.items():
            quota.set_default("compute", key, SETS.limit(key, value))
        return Response({"quota_class_set": self._shown()})


#: limits' name → (quota, whether its use shows too, last microversion)
_ABSOLUTE: dict[str, tuple[str, tuple[int, int] | None]] = {
    "maxTotalInstances": ("instances", None),
    "maxTotalCores": ("cores", None),
    "maxTotalRAMSize": ("ram", None),
    "maxTotalKeypairs": ("key_pairs", None),
    "maxServerMeta": ("metadata_items", None),
    "maxServerGroups": ("server_groups", None),
    "maxServerGroupMembers": ("server_group_members", None),
    "maxImageMeta": ("metadata_items", (2, 38)),
    "maxPersonality": ("injected_files", (2, 56)),
    "maxPersonalitySize": ("injected_file_content_bytes", (2, 56)),
    "maxSecurityGroups": ("security_groups", (2, 35)),
    "maxSecurityGroupRules": ("security_group_rules", (2, 35)),
    "maxTotalFloatingIps": ("floating_ips", (2, 35)),
}
_USED: dict[str, tuple[str, tuple[int, int] | None]] = {
    "totalInstancesUsed": ("instances", None),
    "totalCoresUsed": ("cores", None),
    "totalRAMUsed": ("ram", None),
    "totalServerGroupsUsed": ("server_groups", None),
    "totalSecurityGroupsUsed": ("security_groups", (2, 35)),
    "totalFloatingIpsUsed": ("floating_ips", (2, 35)),
}


_LIMITS = {name: Versioned(int, until=until) for name, (_quota, until) in (_ABSOLUTE | _USED).items()}


class Limits(ComputeView):
    known = {"get": ((2, 75), frozenset({"tenant_id"}))}
    answers = {"get": {200: {"limits": {"rate": list, "absolute": _LIMITS}}}}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "os_compute_api:limits")
        project = self.actor.project_id or ""
        tenant = request.GET.get("tenant_id")
        if tenant and tenant != project:
            policy.require(self.actor, "os_compute_api:limits:other_project", tenant)
            project = tenant
        usage = quota.usage(project, "compute")
        absolute = {k: usage[n][1] for k, (n, until) in _ABSOLUTE.items() if until is None or self.version <= until}
        absolute |= {k: usage[n][0] for k, (n, until) in _USED.items() if until is None or self.version <= until}
        return Response({"limits": {"rate": [], "absolute": absolute}})
