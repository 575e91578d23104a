"""The operator's home: what the cloud has promised and uses, how hot its hosts are, what failed, and what still fits."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.units import human_bytes, human_mib, three_digits
from compute.flavors import services as flavors
from compute.servers.create.room import room
from identity.models import Project
from operations.models import Operation, State
from placement import services as placement
from portal.admin import heat, hypervisors
from portal.load import views as load
from portal.load.charts import named
from portal.ui import panels, timelines
from portal.ui.details import Card
from portal.ui.pages import Page, tabs_of
from portal.ui.tables import Cell, Column, Row
from portal.ui.tiles import Tile
from portal.usage.views import EveryProject
from telemetry import services as telemetry
from telemetry.meters import HOST
from telemetry.samples.rollups import CLOUD

FAILED_FOR: Final = timedelta(hours=24)
MOST_FAILED: Final = 8  # of which rows are shown
TOP: Final = 5


class Overview(Page):
    """GET ?heat=: what the map shows; ?live: the part that changes with hosts; ?failed: with operations."""

    panel = "cloud"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, "admin")
        if self.asks("failed"):
            return self.fragment("admin/failed.html", **failed())
        context = self.now()
        if self.asks("live"):
            return self.fragment("admin/overview_live.html", **context)
        found = panels.named(self.panel)
        context |= {"title": found.label if found else "", "tabs": tabs_of(EveryProject.tabs, request), **failed()}
        return self.page("admin/overview.html", loads=filter(None, [load.of_cloud(self.actor)]), **context)

    def now(self) -> dict[str, object]:
        asked = self.request.GET.get("heat", "")
        measure = asked if asked in heat.MEASURES else "cpu"
        return {
            "tiles": [hypervisors.hosts_up(), *hypervisors.promised(), *used()],
            "zones": heat.of_hosts(self.actor, measure),
            "measure": measure,
            "measures": heat.MEASURES.items(),
            "fits": fits(self.actor),
            "card": top_projects(),
        }


def used() -> Iterable[Tile]:
    """Build the tiles of what all hosts together really use; none while that is not known."""
    try:
        found = telemetry.latest(HOST, CLOUD)
    except telemetry.SamplesUnavailable:
        return []
    last = next((row for row in reversed(found.rows) if row is not None), None)
    if last is None:
        return []
    values = named(HOST, last.means)
    cpus, mib, size = values["cpu"] / 1e9, values["memory.usage"], values["disk.usage"]
    of = _("of %(limit)s")
    return [
        Tile("cpu", _("Processors used"), three_digits(round(cpus, 2)), of % {"limit": three_digits(values["cpus"])},
             cpus, values["cpus"]),
        Tile("memory", _("Memory used"), human_mib(mib), of % {"limit": human_mib(values["memory"])}, mib, values["memory"]),
        Tile("disk", _("Disk used"), human_bytes(size), of % {"limit": human_bytes(values["disk"])}, size, values["disk"]),
    ]  # fmt: skip


def fits(actor: RequestContext) -> list[tuple[str, str, int]]:
    """(id, name, number) of each public flavor: how many more instances of it there is room for, were there no others."""
    known = list(flavors.visible(actor).filter(is_public=True).order_by("ram", "vcpus", "name"))
    found = room(known)
    return [(flavor.pk, flavor.name, found[flavor.pk]) for flavor in known]


def top_projects() -> Card:
    """Build the card of the projects to which most memory is allocated."""
    held = placement.held_by_projects()
    most = sorted(held, key=lambda id: -held[id].get("MEMORY_MB", 0))[:TOP]
    names = dict(Project.objects.filter(pk__in=most).values_list("pk", "name"))
    rows = [
        Row(
            id, names.get(id, id), reverse("cloud-usage-of", args=[id]), None,
            (Cell("num", held[id].get("VCPU", 0)), Cell("num", human_mib(held[id].get("MEMORY_MB", 0))),
             Cell("num", human_bytes(held[id].get("DISK_GB", 0) * 1024**3))),
        )
        for id in most
    ]  # fmt: skip
    columns = (Column(_("Project")), Column("vCPUs", "n"), Column(_("Memory"), "n"), Column(_("Disk"), "n", "m"))
    empty = _("Nothing is allocated.")
    return Card(_("Largest projects"), columns=columns, rows=rows, empty=empty, name="projects")


def failed() -> dict[str, object]:
    """Build the context of what failed in the last day, in every project: how much, and the newest of it."""
    query = Operation.objects.filter(state__in=(State.FAILED, State.BROKEN), updated_at__gt=now() - FAILED_FOR)
    stories = [timelines.story(row, deep=False) for row in query.order_by("-updated_at", "-id")[:MOST_FAILED]]
    return {"failed_count": query.count(), "stories": timelines.named(stories)}
