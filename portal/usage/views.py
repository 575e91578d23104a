"""Usage as pages and as files: a row an instance, or for operators a row a project."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.units import human_mib, three_digits
from compute.usage import services
from compute.usage.services import Total, Usage
from identity.models import Project
from identity.projects.services import PROJECTS
from portal.ui import Text, panels, tables
from portal.ui.pages import Page, tabs_of
from portal.ui.tables import Cell, Column, Row, age
from portal.ui.tiles import Tile
from portal.usage import ranges
from portal.usage.ranges import Range

SIZES = (
    Column("vCPUs", "n", "m"),
    Column(gettext_lazy("Disk, GiB"), "n", "m"),
    Column(gettext_lazy("Memory, MiB"), "n", "m"),
)
HOURS = (
    Column(gettext_lazy("vCPU-hours"), "n"),
    Column(gettext_lazy("Disk, GiB-hours"), "n", "l"),
    Column(gettext_lazy("Memory, MiB-hours"), "n", "m"),
)


def hours(number: float) -> Cell:
    """Show hours with two decimals, in a file too."""
    return Cell("num", f"{number:.2f}")


class UsagePage(Page):
    """GET ?month=2026-11 or ?start=2026-11-01&end=2026-11-15; &format=csv: all rows as a file."""

    columns: ClassVar[Sequence[Column]] = ()
    tabs: ClassVar[Sequence[tuple[str, Text]]] = ()
    name = "usage"

    def rows(self, chosen: Range) -> tuple[list[Row], Total]:
        """List the rows of these days, those that used most first, and what all sum to."""
        raise NotImplementedError

    def title(self) -> str:
        return _("Usage")

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        chosen, form = ranges.read(request.GET)
        rows, total = self.rows(chosen)
        if request.GET.get("format") == "csv":
            return tables.as_csv(f"{self.name}-{chosen.start}-{chosen.end}", self.columns, rows)
        pager = tables.Pager.read(request.GET, self.prefs.page_size)
        shown = rows[(pager.number - 1) * pager.size : pager.number * pager.size]
        context: dict[str, object] = {"title": self.title(), "chosen": chosen, "form": form, "rows": shown}
        context |= {"tiles": tiles(total), "columns": self.columns, "tabs": tabs_of(self.tabs, request)}
        return self.page("usage/page.html", 200 if form.is_valid() else 422, **context, **pager.context(len(rows)))


def tiles(total: Total) -> list[Tile]:
    """Build the tiles of a sum."""
    return [
        Tile("hours", _("Instance-hours"), three_digits(total.hours)),
        Tile("vcpu_hours", _("vCPU-hours"), three_digits(total.vcpu_hours)),
        Tile("ram_hours", _("Memory-hours"), _("%(size)s·h") % {"size": human_mib(total.ram_hours)}),
        Tile("disk_hours", _("Disk-hours"), _("%(size)s·h") % {"size": human_mib(total.disk_hours * 1024)}),
    ]


class ProjectUsage(UsagePage):
    """Of the session's project, or for operators of the one in the address: a row an instance."""

    panel = "usage"
    columns = (
        Column(gettext_lazy("Instance")),
        *SIZES,
        Column(gettext_lazy("Age"), "n", "l"),
        Column(gettext_lazy("Hours"), "n"),
        *HOURS,
    )

    def rows(self, chosen: Range) -> tuple[list[Row], Total]:
        found = services.of_project(self.actor, self.project_id, chosen.span)
        found.sort(key=lambda one: (-one.hours * one.vcpus, one.server.name))
        return [of_instance(one) for one in found], services.total(found)

    @property
    def project_id(self) -> str:
        return self.actor.project_id or ""


class OtherProject(ProjectUsage):
    """Of the project in the address, for operators."""

    panel = "cloud"

    @property
    def project_id(self) -> str:
        return str(self.kwargs["id"])

    def title(self) -> str:
        return _("Usage of %(name)s") % {"name": PROJECTS.get(self.actor, self.project_id).name}


def of_instance(one: Usage) -> Row:
    """Make the row of one instance; one that is deleted has no page any more."""
    server = one.server
    url = "" if server.deleted else reverse("instance", args=[server.pk])
    cells = (
        Cell("num", one.vcpus), Cell("num", one.disk), Cell("num", one.ram), age(server.launched_at), hours(one.hours),
        hours(one.hours * one.vcpus), hours(one.hours * one.disk), hours(one.hours * one.ram),
    )  # fmt: skip
    return Row(server.pk, server.name, url, None, cells)


class EveryProject(UsagePage):
    """A row a project, for operators."""

    panel, name = "cloud", "usage-of-projects"
    tabs = (("cloud", gettext_lazy("Now")), ("cloud-usage", gettext_lazy("Usage")))
    columns = (Column(gettext_lazy("Project")), *SIZES, Column(gettext_lazy("Instances"), "n", "m"), *HOURS)

    def title(self) -> str:
        found = panels.named(self.panel)
        return str(found.label) if found else super().title()

    def rows(self, chosen: Range) -> tuple[list[Row], Total]:
        found = services.by_project(self.actor, chosen.span)
        names = dict(Project.objects.filter(pk__in=found).values_list("pk", "name"))
        order = sorted(found.items(), key=lambda one: (-one[1].vcpu_hours, names.get(one[0], one[0])))
        return [of_project(id, names.get(id, id), total) for id, total in order], summed(found.values())


def of_project(id: str, name: str, total: Total) -> Row:
    """Make the row of one project, which leads to its instances' usage."""
    cells = (
        Cell("num", total.vcpus), Cell("num", total.disk), Cell("num", total.ram), Cell("num", total.servers),
        hours(total.vcpu_hours), hours(total.disk_hours), hours(total.ram_hours),
    )  # fmt: skip
    return Row(id, name, reverse("cloud-usage-of", args=[id]), None, cells)


def summed(totals: Iterable[Total]) -> Total:
    """Sum the totals of projects."""
    found = list(totals)
    names = ("servers", "vcpus", "ram", "disk", "hours", "vcpu_hours", "ram_hours", "disk_hours")
    return Total(**{name: sum(getattr(one, name) for one in found) for name in names})
