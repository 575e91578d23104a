"""os-hypervisors, os-services, os-hosts: what operators see of hosts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from common.truth import truth
from compute.hypervisors import reading, states
from compute.hypervisors.fields import BASIC, HYPERVISOR, NAMED, RESOURCES, SERVERS, SERVICE, USED, Row
from compute.hypervisors.reading import HypervisorNotFound, NotDone, ServiceNotFound
from compute.servers.api.schemas import BOOLEAN, obj
from compute.servers.models import Server
from compute.views import ComputeView, Known, Page, Response, flag
from hosts import services as hosts
from hosts.models import Host
from openstackapi.fields import iso_micro
from openstackapi.pagination import NOVA_ZERO_IS_ALL
from openstackapi.shapes import PAGE, With
from openstackapi.versioned import ByVersion, Names, Span

#: A hypervisor's id in the API: its number, from 2.53 on its UUID.
_KEY: ByVersion[Callable[[Host], str]] = ByVersion(
    {(2, 1): lambda host: str(host.number), (2, 53): lambda host: host.id}
)
_PAGING = replace(NOVA_ZERO_IS_ALL, since=(2, 33))
#: Versions in which a host without servers has an empty list of them.
_EMPTY_SERVERS = Span(since=(2, 75))


class _Hypervisors(ComputeView):
    rule: ClassVar[str]

    def initial(self, request: object, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        policy.require(self.actor, self.rule)

    parameters = dict.fromkeys(("hypervisor_hostname_pattern", "with_servers"), Span(since=(2, 53)))

    @property
    def with_servers(self) -> bool:
        """Whether the query asks for the servers of each host. Raises: Invalid."""
        value = self.parameter("with_servers")
        return value is not None and flag(value, "with_servers")

    def host(self, id: str) -> Host:
        """Find the host of an id in the URL. Raises: HypervisorNotFound."""
        return reading.hypervisor(id, _KEY.at(self.version))

    def basic(self, host: Host) -> dict[str, object]:
        return BASIC.render(Row(host), self.version)

    def full(self, host: Host, used: dict[str, int]) -> dict[str, object]:
        return HYPERVISOR.render(Row(host, used), self.version)

    def selected(self, request: object) -> list[Host]:
        """Read the hosts whose names have the pattern of the query. Raises: HypervisorNotFound, Invalid."""
        pattern = self.parameter("hypervisor_hostname_pattern")
        found = reading.hypervisors()
        if pattern is not None:
            found = [host for host in found if pattern in host.name]
            if not found:
                raise HypervisorNotFound(id=pattern)
        return found

    def paged(self, found: list[Host]) -> list[Host]:
        """The page asked for. Raises: BadLimit, MarkerNotFound."""
        page = Page.from_request(self.request, paging=_PAGING, version=self.version)
        return page.part(found, _KEY.at(self.version))

    def answered(self, request: object, shown: list[dict[str, object]], found: list[Host]) -> Response:
        if self.with_servers:
            servers = reading.servers_on(found)
            for row, host in zip(shown, found, strict=True):
                if servers[host.name] or self.version in _EMPTY_SERVERS:
                    row["servers"] = servers[host.name]
        return Response({"hypervisors": shown})


_KNOWN: Known = ((2, 53), frozenset({"limit", "marker", "hypervisor_hostname_pattern", "with_servers"}))


class Hypervisors(_Hypervisors):
    rule = "os_compute_api:os-hypervisors:list"
    known = {"get": _KNOWN}
    answers = {"get": {200: {"hypervisors": [With(BASIC, {"servers?": SERVERS})]}}}
    queries = {"get": PAGE}

    def get(self, request: object) -> Response:
        found = self.paged(self.selected(request))
        return self.answered(request, [self.basic(host) for host in found], found)


class HypervisorsDetail(_Hypervisors):
    rule = "os_compute_api:os-hypervisors:list-detail"
    known = {"get": _KNOWN}
    answers = {"get": {200: {"hypervisors": [With(HYPERVISOR, {"servers?": SERVERS})]}}}
    queries = {"get": PAGE}

    def get(self, request: object) -> Response:
        found = self.paged(self.selected(request))
        used = reading.used_of(found)
        return self.answered(request, [self.full(host, used[host.name]) for host in found], found)


class Statistics(_Hypervisors):
    rule = "os_compute_api:os-hypervisors:statistics"
    until = (2, 87)
    answers = {"get": {200: {"hypervisor_statistics": dict.fromkeys(("count", *USED), int)}}}

    def get(self, request: object) -> Response:
        found = reading.hypervisors()
        used = list(reading.used_of(found).values())
        return Response({"hypervisor_statistics": {"count": len(found), **{k: sum(u[k] for u in used) for k in USED}}})


class Hypervisor(_Hypervisors):
    rule = "os_compute_api:os-hypervisors:show"
    known = {"get": ((2, 53), frozenset({"with_servers"}))}
    answers = {"get": {200: {"hypervisor": With(HYPERVISOR, {"servers?": SERVERS})}}}

    def get(self, request: object, hypervisor_id: str) -> Response:
        host = self.host(hypervisor_id)
        shown = self.full(host, reading.used_of([host])[host.name])
        if self.with_servers:
            shown["servers"] = reading.servers_on([host])[host.name]
        return Response({"hypervisor": shown})


class Uptime(_Hypervisors):
    rule = "os_compute_api:os-hypervisors:uptime"
    until = (2, 87)
    answers = {"get": {200: {"hypervisor": With(BASIC, {"uptime": str})}}}

    def get(self, request: object, hypervisor_id: str) -> Response:
        host = self.host(hypervisor_id)
        since = f"agent up since {iso_micro(host.booted_at)}" if host.booted_at else "agent not heard yet"
        return Response({"hypervisor": {**self.basic(host), "uptime": since}})


class _ByName(_Hypervisors):
    until = (2, 52)

    def named(self, text: str) -> list[Host]:
        found = [host for host in reading.hypervisors() if text in host.name]
        if not found:
            raise HypervisorNotFound(id=text)
        return found


class Search(_ByName):
    rule = "os_compute_api:os-hypervisors:search"
    answers = {"get": {200: {"hypervisors": [BASIC]}}}

    def get(self, request: object, hypervisor_id: str) -> Response:
        return Response({"hypervisors": [self.basic(host) for host in self.named(hypervisor_id)]})


class Servers(_ByName):
    rule = "os_compute_api:os-hypervisors:servers"
    answers = {"get": {200: {"hypervisors": [With(BASIC, {"servers?": SERVERS})]}}}

    def get(self, request: object, hypervisor_id: str) -> Response:
        found = self.named(hypervisor_id)
        servers = reading.servers_on(found)
        shown = []
        for host in found:
            row = self.basic(host)
            shown.append({**row, "servers": servers[host.name]} if servers[host.name] else row)
        return Response({"hypervisors": shown})


# ── Services ────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Actions on a service by its name (until 2.52) → version from which each exists.
_ACTIONS = Names({"enable": (2, 1), "disable": (2, 1), "disable-log-reason": (2, 1), "force-down": (2, 11)})

_NAMED = obj(
    {"host": {"type": "string", "minLength": 1}, "binary": {"type": "string", "minLength": 1}}, ("host", "binary")
)
_REASON = {"type": "string", "minLength": 1, "maxLength": 255}
_WITH_REASON = obj({**_NAMED["properties"], "disabled_reason": _REASON}, ("host", "binary", "disabled_reason"))
_FORCED = obj({**_NAMED["properties"], "forced_down": BOOLEAN}, ("host", "binary"))
_UPDATE = obj({"status": {"enum": ["enabled", "disabled"]}, "disabled_reason": _REASON, "forced_down": BOOLEAN})


class Services(ComputeView):
    known = {"get": ((2, 75), frozenset({"host", "binary"}))}
    answers = {"get": {200: {"services": [SERVICE]}}}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "os_compute_api:os-services:list")
        query = request.GET
        rows = [
            row
            for row in reading.services()
            if query.get("host") in (None, row["host"]) and query.get("binary") in (None, row["binary"])
        ]
        return Response({"services": [SERVICE.render(row, self.version) for row in rows]})


class Service(ComputeView):
    """PUT enable, disable, disable-log-reason, force-down before 2.53; by id from then on."""

    bodies = {"put": _UPDATE}
    answers = {"put": {200: {"service": ByVersion[object]({(2, 1): NAMED, (2, 53): SERVICE})}}}

    def put(self, request: Any, service_id: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-services:update")
        return _CHANGE_SERVICE.at(self.version)(self, service_id)

    def _by_id(self, service_id: str) -> Response:
        data = self.body(_UPDATE)
        row = next((row for row in reading.services() if row["id"] == service_id), None)
        if row is None:
            raise ServiceNotFound(id=service_id)
        if not data or ("disabled_reason" in data and not states.is_disabled(data.get("status"))):
            raise Invalid(reason=_("Specifying disabled_reason when status is not 'disabled' is invalid."))
        _require_compute(row["binary"])
        if "status" in data:
            is_on = states.is_enabled(data["status"])
            hosts.set_enabled(row["host"], enabled=is_on, reason=data.get("disabled_reason", ""))
        if "forced_down" in data:
            hosts.set_forced_down(row["host"], forced_down=bool(truth(data["forced_down"])))
        fresh = next(r for r in reading.services() if r["id"] == service_id)
        return Response({"service": SERVICE.render(fresh, self.version)})

    def _by_name(self, action: str) -> Response:
        schemas = {"enable": _NAMED, "disable": _NAMED, "disable-log-reason": _WITH_REASON, "force-down": _FORCED}
        if action not in _ACTIONS.at(self.version):
            raise ServiceNotFound(id=action)
        data = self.body(schemas[action])
        named = [r for r in reading.services() if (r["host"], r["binary"]) == (data["host"], data["binary"])]
        if not named:
            raise ServiceNotFound(id=_("%(binary)s on %(name)s"), binary=data["binary"], name=data["host"])
        _require_compute(data["binary"])
        out: dict[str, object] = {"host": data["host"], "binary": data["binary"]}
        if action == "force-down":
            is_down = bool(truth(data.get("forced_down", True)))
            hosts.set_forced_down(data["host"], forced_down=is_down)
            return Response({"service": {**out, "forced_down": is_down}})
        hosts.set_enabled(data["host"], enabled=action == "enable", reason=data.get("disabled_reason", ""))
        out["status"] = states.status_of(action == "enable")
        if action == "disable-log-reason":
            out["disabled_reason"] = data["disabled_reason"]
        return Response({"service": out})


#: PUT names a service by an action, host and binary; later by its id.
_CHANGE_SERVICE = ByVersion({(2, 1): Service._by_name, (2, 53): Service._by_id})


def _require_compute(binary: str) -> None:
    if binary != "nova-compute":
        raise Invalid(
            reason=_("Updating a %(binary)s service is not supported. Only nova-compute services can be updated."),
            binary=binary,
        )


# ── os-hosts, until 2.42 ────────────────────────────────────────────────────────────────────────────────────────────


class Hosts(ComputeView):
    until = (2, 42)
    answers = {"get": {200: {"hosts": [{"host_name": str, "service": str, "zone": str}]}}}
    queries = {"get": {"zone": str}}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "os_compute_api:os-hosts:list")
        zone = request.GET.get("zone")
        rows = [row for row in reading.services() if not zone or row["zone"] == zone]
        shown = [
            {"host_name": row["host"], "service": row["binary"].removeprefix("nova-"), "zone": row["zone"]}
            for row in rows
        ]
        return Response({"hosts": shown})


class HostDetail(ComputeView):
    until = (2, 42)
    answers = {"get": {200: {"host": [{"resource": RESOURCES}]}}, "put": {200: {"host": str, "status": str}}}

    def get(self, request: object, name: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-hosts:show")
        host = Host.objects.filter(name=name).first()
        if host is None or not host.inventory:
            raise HypervisorNotFound(id=name)
        used = reading.used_of([host])[name]
        total = {"cpu": used["vcpus"], "memory_mb": used["memory_mb"], "disk_gb": used["local_gb"]}
        now_used = {"cpu": used["vcpus_used"], "memory_mb": used["memory_mb_used"], "disk_gb": used["local_gb_used"]}
        parts = [("(total)", total), ("(used_now)", now_used), ("(used_max)", now_used), *_by_project(name)]
        return Response({"host": [{"resource": {"host": name, "project": who, **what}} for who, what in parts]})

    bodies = {
        "put": {"type": "object", "properties": {"status": {"type": "string"}, "maintenance_mode": {"type": "string"}}}
    }

    def put(self, request: object, name: str) -> Response:
        """status enable | disable. Moving guests away for maintenance is not done here."""
        policy.require(self.actor, "os_compute_api:os-hosts:update")
        data = self.body() or {}
        known = {"status": states.HOST_VERBS, "maintenance_mode": states.HOST_VERBS}
        wrong = [key for key, value in data.items() if str(value).strip().lower() not in known.get(key, ())]
        if not data or wrong:
            raise Invalid(reason=_("Invalid input for field/attribute %(name)s."), name=wrong[0] if wrong else "body")
        if not Host.objects.filter(name=name).exists():
            raise HypervisorNotFound(id=name)
        if "maintenance_mode" in data:
            raise NotDone(what=_("The maintenance mode of a host"))
        is_on = states.enables(data["status"])
        hosts.set_enabled(name, enabled=is_on)
        return Response({"host": name, "status": states.status_of(is_on)})


_POWER = {
    "startup": "os_compute_api:os-hosts:start",
    "shutdown": "os_compute_api:os-hosts:shutdown",
    "reboot": "os_compute_api:os-hosts:reboot",
}


class HostPower(ComputeView):
    """startup, shutdown, reboot of a host: no driver here does it, as Nova's libvirt driver does not."""

    until = (2, 42)
    answers = {"get": {}}

    def get(self, request: object, name: str, power: str) -> Response:
        policy.require(self.actor, _POWER.get(power, "os_compute_api:os-hosts:reboot"))
        if not Host.objects.filter(name=name).exists() or power not in _POWER:
            raise HypervisorNotFound(id=name)
        raise NotDone(what=_("The %(power)s of a host"), power=power)


def _by_project(host: str) -> list[tuple[str, dict[str, int]]]:
    sums: dict[str, dict[str, int]] = {}
    for project, flavor in Server.objects.living().filter(host=host).values_list("project_id", "flavor"):
        row = sums.setdefault(project, {"cpu": 0, "memory_mb": 0, "disk_gb": 0})
        row["cpu"] += int(flavor["vcpus"])
        row["memory_mb"] += int(flavor["ram"])
        row["disk_gb"] += int(flavor["disk"])
    return list(sums.items())
