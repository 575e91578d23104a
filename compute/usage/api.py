"""os-simple-tenant-usage: how long each server ran in a span of time, and what that sums to; pages since 2.40."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common import moments
from common.clock import now
from common.errors import Invalid
from compute.servers.lifecycle import states
from compute.servers.models import Server
from compute.usage import services
from compute.usage.services import Span, Usage
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


def _span(request: Any) -> Span:
    """Read the span of the query, the last day unless it says. Raises: Invalid."""
    moment = now()
    return Span(_time(request.GET.get("start"), moment - timedelta(days=1)), _time(request.GET.get("end"), moment))


def _usage(row: Usage) -> dict[str, object]:
    server = row.server
    assert server.launched_at is not None
    return {
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "flavor": server.flavor.get("original_name", ""),
        "hours": row.hours,
        "local_gb": row.disk,
        "memory_mb": row.ram,
        "vcpus": row.vcpus,
        "started_at": iso_micro(server.launched_at),
        "ended_at": iso_micro(server.terminated_at),
        "state": states.TERMINATED if server.deleted else server.vm_state,
        "uptime": int(((server.terminated_at or now()) - server.launched_at).total_seconds()),
    }


def _total(project_id: str, rows: list[Usage], span: Span, *, detailed: bool) -> dict[str, object]:
    total = services.total(rows)
    out: dict[str, object] = {
        "tenant_id": project_id,
        "start": iso_micro(span.start),
        "stop": iso_micro(span.end),
        "total_hours": total.hours,
        "total_local_gb_usage": total.disk_hours,
        "total_memory_mb_usage": total.ram_hours,
        "total_vcpus_usage": total.vcpu_hours,
    }
    return {**out, "server_usages": [_usage(row) for row in rows]} if detailed else out


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
        policy.require(self.actor, services.LIST)
        span = _span(request)
        servers, more = self.paged(request, services.ran(span))
        by_project: dict[str, list[Usage]] = defaultdict(list)
        for server in servers:
            by_project[server.project_id].append(services.of_server(server, span))
        detailed = request.GET.get("detailed") == "1"
        body: dict[str, object] = {
            "tenant_usages": [_total(project, rows, span, detailed=detailed) for project, rows in by_project.items()]
        }
        return Response({**body, "tenant_usages_links": more} if more else body)


class TenantUsage(_Usages):
    known = {"get": ((2, 75), _SHOWN)}
    answers = {"get": {200: {"tenant_usage": _ONE_PROJECT, "tenant_usage_links?": LINKS}}}
    queries = {"get": PAGE}

    def get(self, request: object, project_id: str) -> Response:
        policy.require(self.actor, services.SHOW, project_id)
        span = _span(request)
        servers, more = self.paged(request, services.ran(span).filter(project_id=project_id))
        if not servers:
            return Response({"tenant_usage": {}})
        rows = [services.of_server(server, span) for server in servers]
        body: dict[str, object] = {"tenant_usage": _total(project_id, rows, span, detailed=True)}
        return Response({**body, "tenant_usage_links": more} if more else body)
