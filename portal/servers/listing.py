"""The list of instances: 50 rows of a thousand in a few queries, each row's HTML kept until something in it changes."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, cast

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common import metrics
from common.errors import sentence
from compute.drafts import services as drafts
from compute.servers.lifecycle import states
from compute.servers.models import Server
from identity.models import Project
from images.images.models import Image
from networking.floatingips.models import FloatingIP
from networking.ports import services as ports
from networking.ports.models import FixedIP, Port
from portal.servers import failures, filters, status
from portal.sharing import parts
from portal.ui import hits, tables
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.status import Status
from portal.ui.tables import Cell, Column, Filter, Row
from sharing import received

COLUMNS = (
    "id", "name", "project_id", "vm_state", "task_state", "power_state", "progress", "fault_code", "fault_data", "image_id",
    "flavor", "host", "availability_zone", "locked", "created_at", "updated_at", "key_name",
)  # fmt: skip
SORTS = {"name": ("name", "id"), "-name": ("-name", "id"), "age": ("-created_at", "-id"), "-age": ("created_at", "id"),
         "flavor": ("flavor__vcpus", "flavor__ram", "name"), "-flavor": ("-flavor__vcpus", "-flavor__ram", "name")}  # fmt: skip

#: What the reader may put away.
CHOOSABLE = (
    Column(gettext_lazy("Status")), Column(gettext_lazy("Project")), Column(gettext_lazy("Host")), Column(gettext_lazy("Fixed IP")),
    Column(gettext_lazy("Floating IP")), Column(gettext_lazy("Image")), Column(gettext_lazy("Flavor")), Column(gettext_lazy("Key pair")),
    Column(gettext_lazy("Availability zone")), Column(gettext_lazy("Task")), Column(gettext_lazy("Power state")), Column(gettext_lazy("CPU")),
    Column(gettext_lazy("Age")),
)  # fmt: skip
#: Those that are put away until the reader chooses.
AT_FIRST_AWAY = ("key-pair", "availability-zone", "task", "power-state")
#: Those that only the list of every project has.
OPERATORS = ("project", "host")


class Chip(NamedTuple):
    """What a chip selects: servers in one of `states` that no task holds; with `or_busy` those that one holds too."""

    label: object
    states: frozenset[str] | None = None  # None: whatever it is
    or_busy: bool = False

    @property
    def where(self) -> Q:
        if self.states is None:
            return Q()
        return (
            Q(vm_state__in=self.states) | Q(task_state__isnull=False)
            if self.or_busy
            else Q(vm_state__in=self.states, task_state=None)
        )

    def selects(self, vm_state: str, *, is_busy: bool) -> bool:
        """Say the same as `where` of one server."""
        if self.states is None:
            return True
        return vm_state in self.states or is_busy if self.or_busy else vm_state in self.states and not is_busy


CHIPS: dict[str, Chip] = {
    "": Chip(gettext_lazy("All")),
    "active": Chip(gettext_lazy("Active"), frozenset({states.ACTIVE})),
    "busy": Chip(pgettext_lazy("instances", "Busy"), frozenset({states.BUILDING}), or_busy=True),
    "off": Chip(
        gettext_lazy("Off"), frozenset({states.STOPPED, states.SUSPENDED, states.SHELVED, states.SHELVED_OFFLOADED})
    ),
    "look": Chip(
        gettext_lazy("Needs a look"), frozenset({states.ERROR, states.PAUSED, states.RESCUED, states.RESIZED})
    ),
}


def visible(actor: RequestContext, *, everywhere: bool = False) -> QuerySet[Server]:
    """Query the project's living servers and those shared with the actor; with `everywhere` those of every project, for operators.

    Raises: Forbidden.
    """
    if everywhere:
        policy.require(actor, "os_compute_api:servers:index:get_all_tenants")
        return Server.objects.living()
    policy.require(actor, "os_compute_api:servers:index", actor.project_id)
    return Server.objects.living().filter(received.or_shared(actor, "server", Q(project_id=actor.project_id or "")))


def names_of(actor: RequestContext, ports: Iterable[Port]) -> dict[str, str]:
    """Server id → name of what has these ports, as far as the actor may see it: a network's owner sees others' ports."""
    owners = {port.server_id: port.project_id for port in ports if port.server_id}
    seen = Server.objects.living().filter(id__in=owners)
    if not actor.is_admin:
        seen = seen.filter(received.or_shared(actor, "server", Q(project_id=actor.project_id or "")))
    found = seen.values_list("id", "name", "project_id")
    return {id: name for id, name, project in found if owners[id] == project}


def search(query: QuerySet[Server], text: str) -> QuerySet[Server]:
    """Narrow to those found by name, id or address, fixed or floating."""
    wanted = Q(name__icontains=text) | Q(id__startswith=text.lower())
    if hits.is_of_address(text):
        fixed = FixedIP.objects.filter(hits.starts("ip_address", text)).values("port__server_id")
        floating = FloatingIP.objects.filter(floating_ip_address__startswith=text).values("port__server_id")
        wanted |= Q(id__in=fixed) | Q(id__in=floating)
    return query.filter(wanted)


def count(query: QuerySet[Server]) -> dict[str, int]:
    """Chip → number, in one query, of which the index `servers_of_by_state` knows all."""
    by_state = query.order_by().values_list("vm_state", "task_state").annotate(number=Count("*"))
    numbers = dict.fromkeys(CHIPS, 0)
    for vm_state, task_state, number in by_state:
        for name, chip in CHIPS.items():
            numbers[name] += number if chip.selects(vm_state, is_busy=task_state is not None) else 0
    return numbers


def flavor_words(flavor: dict[str, Any]) -> tuple[str, int, int]:
    return str(flavor.get("original_name", "")), int(flavor.get("vcpus", 0)), int(flavor.get("ram", 0))


def rows(query: QuerySet[Server]) -> list[dict[str, Any]]:
    """Read what the row template shows: one query for servers, two for addresses, one for image names."""
    found = list(query.values(*COLUMNS))
    where = ports.addresses({row["id"]: row["project_id"] for row in found})
    images = dict(Image.objects.filter(pk__in={row["image_id"] for row in found}).values_list("pk", "name"))
    for row in found:
        entries = where[row["id"]]
        row["fixed"] = [entry["ip"] for entry in entries if entry["type"] == "fixed"]
        row["floating"] = [entry["ip"] for entry in entries if entry["type"] == "floating"]
        row["sub"] = next(iter(row["floating"] + row["fixed"]), "")
        row["image"] = images.get(row["image_id"]) or (row["image_id"] or "")[:8]
        row["flavor_name"], row["vcpus"], row["ram"] = flavor_words(row["flavor"] or {})
        row["st"] = word(row)
        row["task"] = status.BUSY.get(row["task_state"], row["task_state"]) if row["task_state"] else ""
        row["power"] = status.POWER.get(row["power_state"], "")
        row["console"] = states.runs(row["power_state"]) and not row["task_state"]
    return found


def word(row: dict[str, Any]) -> Status:
    api = states.status(row["vm_state"], row["task_state"])
    note = f"{row['progress']} %" if row["task_state"] and 0 < row["progress"] < 100 else ""
    since: datetime | None = row["updated_at"] if row["task_state"] or api == "BUILD" else None
    return status.server(api, row["task_state"] or ("scheduling" if api == "BUILD" else None), note=note, since=since)


_html: OrderedDict[tuple[Any, ...], str] = OrderedDict()
_one_renders = threading.Lock()


def html(
    row: dict[str, Any],
    actor: RequestContext,
    *,
    everywhere: bool,
    projects: dict[str, str],
    ways: Sequence[Action] = (),
    away: frozenset[str] = frozenset(),
) -> str:
    """Return one row's HTML; the same facts in the same language, time zone and role give the same HTML."""
    key = (
        row["id"], row["updated_at"], row["name"], tuple(row["fixed"]), tuple(row["floating"]), row["image"], row["locked"],
        translation.get_language(), timezone.get_current_timezone_name(), actor.is_admin, everywhere,
        is_foreign := not everywhere and parts.is_foreign(actor, row["project_id"]), tuple(ways), away,
    )  # fmt: skip
    known = _html.get(key)
    if known is None:
        with _one_renders:  # many pages ask at once for a row that changed
            known = _html.get(key) or _render(
                key, row, everywhere, projects, is_foreign=is_foreign, ways=ways, away=away
            )
    return known


def _render(
    key: tuple[Any, ...],
    row: dict[str, Any],
    everywhere: bool,
    projects: dict[str, str],
    *,
    is_foreign: bool,
    ways: Sequence[Action],
    away: frozenset[str],
) -> str:
    is_failed = states.is_error(row["vm_state"]) and row["fault_code"]
    context = {
        "row": row,
        "everywhere": everywhere,
        "is_foreign": is_foreign,
        "project": projects.get(row["project_id"], ""),
        "why": sentence(row["fault_code"], row["fault_data"]) if is_failed else "",
        "ways": ways,
        "away": away,
    }
    text = _html[key] = render_to_string("servers/row.html", context)
    metrics.rows_rendered.inc()
    if len(_html) > 5000:
        _html.popitem(last=False)
    return text


def as_file(found: list[dict[str, Any]], *, everywhere: bool) -> HttpResponse:
    """Answer with the same rows as CSV; for operators with project and host."""
    labels = [
        _("Name"),
        _("Status"),
        _("Fixed IP"),
        _("Floating IP"),
        _("Image"),
        _("Flavor"),
        "ID",
        _("Created"),
        _("Key pair"),
    ]
    labels += [_("Availability zone"), _("Task"), _("Power state"), _("Locked")]
    labels += [_("Project"), _("Host")] if everywhere else []
    names = dict(Project.objects.filter(pk__in={row["project_id"] for row in found}).values_list("pk", "name"))
    lines = []
    for row in found:
        cells = [
            Cell("status", row["st"]), Cell("tags", row["fixed"]), Cell("tags", row["floating"]), Cell("text", row["image"]),
            Cell("text", row["flavor_name"]), Cell("text", row["id"]), Cell("when", row["created_at"]),
            Cell("text", row["key_name"]), Cell("text", row["availability_zone"]), Cell("text", row["task"]),
            Cell("text", row["power"]), Cell("yes", row["locked"]),
            Cell("text", names.get(row["project_id"], "")), Cell("text", row["host"]),
        ]  # fmt: skip
        lines.append(Row(row["id"], row["name"], "", row["st"], cells))
    return tables.as_csv("instances", [Column(label) for label in labels], lines)


@dataclass(frozen=True)
class ListFilter:
    """The choices in a list's address: a chip, a text, an order, and what single fields are to be."""

    chip: str
    q: str
    sort: str
    narrowed: list[dict[str, object]]

    @classmethod
    def read(cls, query: QueryDict, *, everywhere: bool) -> "ListFilter":
        sort = query.get("sort", "")
        fields = [*filters.FILTERS, *(filters.OF_OPERATORS if everywhere else ())]
        narrowed = tables.chosen(fields, query)
        return cls(query.get("state", ""), query.get("q", "").strip(), sort if sort in SORTS else "age", narrowed)

    def narrow(self, found: QuerySet[Server]) -> QuerySet[Server]:
        """Filter servers by the text and the fields, not by the chip."""
        found = search(found, self.q) if self.q else found
        for one in self.narrowed:
            if one["value"]:
                found = cast(Filter, one["filter"]).narrow(found, str(one["value"]))
        return found

    def context(self) -> dict[str, object]:
        """Build the context of the filters: what is chosen, and what goes with another choice."""
        kept = {"q": self.q, "state": self.chip, "sort": "" if self.sort == "age" else self.sort}
        is_narrowed = any(one["value"] for one in self.narrowed)
        return {
            "chip": self.chip, "q": self.q, "sort": self.sort, "narrowed": self.narrowed, "is_narrowed": is_narrowed,
            "kept": [(name, value) for name, value in kept.items() if value],
        }  # fmt: skip


class Instances(Page):
    """GET: the page; with ?rows=<id>&rows=<id>… those rows, and the chips' numbers."""

    panel = "instances"
    everywhere: ClassVar[bool] = False

    def get(self, request: HttpRequest) -> HttpResponse:
        mine = visible(self.actor, everywhere=self.everywhere)
        if self.asks("rows"):
            return self.some(mine, request.GET.getlist("rows")[:200])
        choice = ListFilter.read(request.GET, everywhere=self.everywhere)
        if "fields" in request.GET:
            return self.fields(choice)
        query = choice.narrow(mine)
        chosen = query.filter(CHIPS.get(choice.chip, CHIPS[""]).where).order_by(*SORTS[choice.sort])
        if request.GET.get("format") == "csv":
            return as_file(rows(chosen[: tables.MOST + 1]), everywhere=self.everywhere)
        pager = tables.Pager.read(request.GET, self.prefs.page_size)
        found, numbers = rows(pager.cut(chosen)), count(query)
        context = {**self.chips(numbers), **pager.context(numbers.get(choice.chip, numbers[""])), **choice.context()}
        return self.page("servers/list.html", rows=self.htmls(found), **self.about(), **context)

    def fields(self, choice: ListFilter) -> HttpResponse:
        """Answer with the form of all filters: in a dialog, since most readers of the list never want it."""
        return self.fragment("servers/fields.html", title=self.name(), **choice.context())

    def chips(self, numbers: dict[str, int]) -> dict[str, object]:
        """Build the context of the chips with their numbers."""
        chips = [(name, chip.label, numbers[name]) for name, chip in CHIPS.items()]
        return {"chips": chips, "busy": numbers["busy"], "all": numbers[""]}

    def about(self) -> dict[str, object]:
        """Build the list's name, why nothing may be launched, and the launch that somebody began."""
        why = gate(self.actor, "os_compute_api:servers:create", self.actor.project_id)
        columns = [(tables.column_key(one.label), one.label) for one in CHOOSABLE]
        shown = [(key, label) for key, label in columns if self.everywhere or key not in OPERATORS]
        choosable = [(key, label, key not in self.away) for key, label in shown]
        about = {"title": self.name(), "everywhere": self.everywhere, "may_launch": why}
        waits = None if self.everywhere or why else drafts.half_filled(self.actor)
        return {**about, "choosable": choosable, "away": self.away, "waiting": waits}

    @property
    def away(self) -> frozenset[str]:
        """Columns that the reader put away."""
        return frozenset(self.prefs.hidden.get(self.panel, AT_FIRST_AWAY))

    def name(self) -> str:
        return _("All instances") if self.everywhere else _("Instances")

    def some(self, mine: QuerySet[Server], ids: list[str]) -> HttpResponse:
        numbers = count(mine)
        chips = [(name or "all", numbers[name]) for name in CHIPS]
        context = {
            "rows": self.htmls(rows(mine.filter(pk__in=ids))),
            "chips": chips,
            "title": self.title(numbers["busy"]),
        }
        return self.fragment("servers/rows.html", **context)

    def title(self, busy: int) -> str:
        name = self.name()
        return f"{_('(%(count)s busy)') % {'count': busy}} {name} · Stackling" if busy else f"{name} · Stackling"

    def htmls(self, found: list[dict[str, Any]]) -> list[str]:
        projects: dict[str, str] = {}
        if self.everywhere:
            wanted = {row["project_id"] for row in found}
            projects = dict(Project.objects.filter(pk__in=wanted).values_list("pk", "name"))
        failed = [row["id"] for row in found if states.is_error(str(row["vm_state"]))]
        away = self.away
        ways = failures.ways(self.actor, Server.objects.filter(pk__in=failed)) if failed else {}
        return [
            html(
                row, self.actor, everywhere=self.everywhere, projects=projects, ways=ways.get(row["id"], ()), away=away
            )
            for row in found
        ]


class AllInstances(Instances):
    panel = "all-instances"
    everywhere = True
