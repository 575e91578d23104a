"""How long servers ran in a span of time, and what that sums to. Source: os-simple-tenant-usage."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Invalid
from compute.servers.models import Server

LIST, SHOW = "os_compute_api:os-simple-tenant-usage:list", "os_compute_api:os-simple-tenant-usage:show"


class EndsBeforeItBegins(Invalid):
    template = _("Invalid start time. The start time cannot occur after the end time.")


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, both in UTC. Raises: EndsBeforeItBegins."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise EndsBeforeItBegins


@dataclass(frozen=True)
class Usage:
    """What one server has and for how many hours of the span it was there. Disk in GiB, with the ephemeral one; memory in MiB."""

    server: Server
    hours: float
    vcpus: int
    ram: int
    disk: int


@dataclass(frozen=True)
class Total:
    """The sum of several servers: what those that are there now have, and hours × what each had."""

    servers: int
    vcpus: int
    ram: int
    disk: int
    hours: float
    vcpu_hours: float
    ram_hours: float
    disk_hours: float


def ran(span: Span) -> QuerySet[Server]:
    """Query the servers that were there in the span, deleted ones too."""
    ended = Q(terminated_at__isnull=True) | Q(terminated_at__gt=span.start)
    return Server.objects.filter(ended, launched_at__isnull=False, launched_at__lt=span.end).order_by("id")


def of_server(server: Server, span: Span) -> Usage:
    """Work out how much of the span a server that was launched was there."""
    assert server.launched_at is not None
    until = min(server.terminated_at or span.end, span.end)
    hours = max(0.0, (until - max(server.launched_at, span.start)).total_seconds() / 3600)
    flavor = server.flavor
    disk = int(flavor["disk"]) + int(flavor.get("ephemeral") or 0)
    return Usage(server, hours, int(flavor["vcpus"]), int(flavor["ram"]), disk)


def total(rows: Iterable[Usage]) -> Total:
    """Sum the usage of servers."""
    rows = list(rows)
    there = [row for row in rows if row.server.terminated_at is None]
    return Total(
        servers=len(there),
        vcpus=sum(row.vcpus for row in there),
        ram=sum(row.ram for row in there),
        disk=sum(row.disk for row in there),
        hours=sum(row.hours for row in rows),
        vcpu_hours=sum(row.hours * row.vcpus for row in rows),
        ram_hours=sum(row.hours * row.ram for row in rows),
        disk_hours=sum(row.hours * row.disk for row in rows),
    )


def of_project(actor: RequestContext, project_id: str, span: Span) -> list[Usage]:
    """List the usage of each server of a project. Raises: Forbidden."""
    policy.require(actor, SHOW, project_id)
    return [of_server(server, span) for server in ran(span).filter(project_id=project_id).iterator()]


def by_project(actor: RequestContext, span: Span) -> dict[str, Total]:
    """Sum the usage of each project that had a server in the span: project id → total. Raises: Forbidden."""
    policy.require(actor, LIST)
    found: dict[str, list[Usage]] = defaultdict(list)
    for server in ran(span).only("id", "project_id", "flavor", "launched_at", "terminated_at").iterator():
        found[server.project_id].append(of_server(server, span))
    return {project_id: total(rows) for project_id, rows in found.items()}
