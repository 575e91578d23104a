"""How long each server ran in a span of time, and what that sums to. Source: os-simple-tenant-usage, pages since 2.40."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common import moments
from common.clock import now
from common.errors import Invalid
from compute.servers.lifecycle import states
from compute.servers.models import Server
from compute.views import ComputeView, Page, Response
from openstackapi.fields import iso_micro
from openstackapi.pagination import NOVA_ZERO_IS_ALL
from openstackapi.shapes import LINKS, PAGE

_FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d")


def _time(text: str | None, default: datetime) -> datetime:
    """Parse a time of the query; `default` if it is empty. Raises: Invalid."""
    if not text:
        return default
    found = moments.formed(text, *_FORMS)
    if found is None:
        raise Invalid(reason=_("Datetime is in invalid format: %(text)s"), text=text)
    return found


def _span(request: Any) -> tuple[datetime, datetime]:
    moment = now()
    start, end = _time(request.GET.get("start"), moment - timedelta(days=1)), _time(request.GET.get("end"), moment)
    if start >= end:
        raise Invalid(reason=_("Invalid start time. The start time cannot occur after the end time."))
    return start, end


def _rows(start: datetime, end: datetime) -> QuerySet[Server]:
    ended = Q(terminated_at__isnull=True) | Q(terminated_at__gt=start)
    return Server.objects.filter(ended, launched_at__isnull=False, launched_at__lt=end).order_by("id")


def _usage(server: Server, start: datetime, end: datetime) -> dict[str, object]:
    assert server.launched_at is not None
    until = min(server.terminated_at or end, end)
    hours = max(0.0, (until - max(server.launched_at, start)).total_seconds() / 3600)
    flavor = server.flavor
    return {
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "flavor": flavor.get("original_name", ""),
        "hours": hours,
        "local_gb": int(flavor["disk"]) + int(flavor.get("ephemeral") or 0),
        "memory_mb": int(flavor["ram"]),
        "vcpus": int(flavor["vcpus"]),
        "started_at": iso_micro(server.launched_at),
        "ended_at": iso_micro(server.terminated_at),
        "state": states.TERMINATED if server.deleted else server.vm_state,
        "uptime": int(((server.terminated_at or now()) - server.launched_at).total_seconds()),
    }


def _total(
    project_id: str, rows: list[dict[str, Any]], start: datetime, end: datetime, detailed: bool
) -> dict[str, object]:
    out: dict[str, object] = {
        "tenant_id": project_id,
        "start": iso_micro(start),
        "stop": iso_micro(end),
        "total_hours": sum(r["hours"] for r in rows),
        "total_local_gb_usage": sum(r["hours"] * r["local_gb"] for r in rows),
        "total_memory_mb_usage": sum(r["hours"] * r["memory_mb"] for r in rows),
        "total_vcpus_usage": sum(r["hours"] * r["vcpus"] for r in rows),
    }
    return {**out, "server_usages": rows} if detailed else out


_PAGING = replace(NOVA_ZERO_IS_ALL, since=(2, 40))


#: How long one server ran, and what a project's servers sum to.
_SERVER = {
    "instance_id": str,
    "name": str,
    "tenant_id": str,
    "flavor": str,
    "hours": float,
    "local_gb": int,
    "memory_mb": int,
    "vcpus": int,
    "started_at": str,
    "ended_at": str | None,
    "state": str,
    "uptime": int,
}
_PROJECT = {
    "tenant_id": str,
    "start": str,
    "stop": str,
    "total_hours": float,
    "total_local_gb_usage": float,
    "total_memory_mb_usage": float,
    "total_vcpus_usage": float,
}
#: Empty where no server of the project ran.
_ONE_PROJECT = {f"{name}?": shape for name, shape in {**_PROJECT, "server_usages": [_SERVER]}.items()}


class _Usages(ComputeView):
    def paged(self, request: Any, rows: QuerySet[Server]) -> tuple[list[Server], list[dict[str, str]]]:
        """The servers of this page, and the link to the next. Raises: BadLimit, MarkerNotFound."""
        page = Page.from_request(request, default_sort=(("id", "asc"),), paging=_PAGING, version=self.version)
        found = page.read(rows, markers=Server.objects.all())
        return found, page.nova_links(request._request, [{"id": server.id} for server in found])


_SHOWN = frozenset({"start", "end", "limit", "marker"})


class TenantUsages(_Usages):
    known = {"get": ((2, 75), _SHOWN | {"detailed"})}
    answers = {
        "get": {200: {"tenant_usages": [{**_PROJECT, "server_usages?": [_SERVER]}], "tenant_usages_links?": LINKS}}
    }
    queries = {"get": PAGE}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "os_compute_api:os-simple-tenant-usage:list")
        start, end = _span(request)
        servers, more = self.paged(request, _rows(start, end))
        by_project: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for server in servers:
            by_project[server.project_id].append(_usage(server, start, end))
        detailed = request.GET.get("detailed") == "1"
        body: dict[str, object] = {
            "tenant_usages": [_total(project, rows, start, end, detailed) for project, rows in by_project.items()]
        }
        return Response({**body, "tenant_usages_links": more} if more else body)


class TenantUsage(_Usages):
    known = {"get": ((2, 75), _SHOWN)}
    answers = {"get": {200: {"tenant_usage": _ONE_PROJECT, "tenant_usage_links?": LINKS}}}
    queries = {"get": PAGE}

    def get(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-simple-tenant-usage:show", project_id)
        start, end = _span(request)
        servers, more = self.paged(request, _rows(start, end).filter(project_id=project_id))
        if not servers:
            return Response({"tenant_usage": {}})
        rows = [_usage(server, start, end) for server in servers]
        body: dict[str, object] = {"tenant_usage": _total(project_id, rows, start, end, True)}
        return Response({**body, "tenant_usage_links": more} if more else body)
