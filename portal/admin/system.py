"""System information: the catalog, compute services, network agents, and the cloud's own processes and operations."""

from collections.abc import Sequence
from typing import ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from compute.hypervisors import reading
from compute.hypervisors import states as service_states
from hosts.models import Host
from hosts.states import is_up
from identity import catalog
from identity.catalogs.models import Endpoint, Service
from networking.agents import services as agents
from networking.agents.models import L3
from openstackapi import links
from operations.leases import CLOCK
from operations.models import Lease, Operation
from portal.admin.hosts import state_of
from portal.admin.status import AGENTS, ROLES
from portal.ui import Text
from portal.ui.calls import Call
from portal.ui.details import Card
from portal.ui.lists import ListPanel
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.pages import Page, tabs_of
from portal.ui.status import Status, switch
from portal.ui.tables import Cell, Column, Row, age

TABS = (
    ("services", gettext_lazy("Services")),
    ("compute-services", gettext_lazy("Compute services")),
    ("network-agents", gettext_lazy("Network agents")),
    ("processes", gettext_lazy("Processes")),
)


# ── The catalog ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Services(ListPanel):
    """The catalog's services: where each answers."""

    panel, tabs = "services", TABS
    search, order, in_palette = ("name", "type", "id"), ("type", "name"), False
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Type"), sort="type"),
        Column(gettext_lazy("Region"), hide="l"),
        Column(gettext_lazy("Endpoints"), hide="m"),
        Column(gettext_lazy("Enabled"), hide="m"),
    )

    def query(self, actor: RequestContext) -> QuerySet[Service]:
        for rule in ("identity:list_services", "identity:list_endpoints"):
            policy.require(actor, rule)
        return Service.objects.prefetch_related(
            Prefetch("endpoints", Endpoint.objects.order_by("region_id", "interface"))
        )

    def rows(self, actor: RequestContext, found: Sequence[Service]) -> list[Row]:
        known = {"public_url": links.root(self.request), "project_id": actor.project_id, "tenant_id": actor.project_id}
        rows = []
        for service in found:
            endpoints = list(service.endpoints.all())
            regions = sorted({endpoint.region_id for endpoint in endpoints if endpoint.region_id})
            texts = [f"{one.interface} {catalog.url_for(one.url, known) or one.url}" for one in endpoints]
            cells = (
                Cell("mono", service.type), Cell("tags", regions), Cell("pre", "\n".join(texts)), Cell("status", switch(service.enabled)),
            )  # fmt: skip
            rows.append(Row(service.pk, service.name or service.type, "", switch(service.enabled), cells))
        return rows


# ── Agents of the other services ────────────────────────────────────────────────────────────────────────────────────


class Cards(Page):
    """A tab that is made of cards: GET ?live is the part that changes."""

    panel = "services"
    rule: ClassVar[str] = ""
    kind: ClassVar[str] = "host"

    def cards(self) -> list[Card]:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, self.rule)
        context: dict[str, object] = {"title": _("System information"), "cards": self.cards()}
        if self.asks("live"):
            return self.fragment("ui/cards_live.html", **context)
        return self.page("ui/cards.html", kind=self.kind, tabs=tabs_of(TABS, request), **context)


class ComputeServices(Cards):
    """As os-services lists them."""

    rule = "os_compute_api:os-services:list"

    def cards(self) -> list[Card]:
        columns = (
            Column(_("Service")), Column(_("Host")), Column(_("Zone"), hide="m"), Column(_("Status"), hide="m"),
            Column(_("State")), Column(_("Last heartbeat"), "n", "m"),
        )  # fmt: skip
        rows = []
        for one in reading.services():
            host, status = one["row"], switch(service_states.is_enabled(one["status"]))
            cells = (
                Cell("link", host.name, reverse("host", args=[host.name])), Cell("muted", one["zone"]), Cell("status", status),
                Cell("status", _heard(service_states.is_up(one["state"]))), age(host.last_seen_at),
            )  # fmt: skip
            rows.append(Row(one["id"], one["binary"], "", status, cells, why=one["disabled_reason"] or ""))
        return [Card(_("Compute services"), columns=columns, rows=rows, name="compute-services")]


class NetworkAgents(Cards):
    """As the network service lists its agents."""

    rule = "get_agent"

    def cards(self) -> list[Card]:
        columns = (
            Column(_("Agent")), Column(_("Host")), Column(_("Zone"), hide="m"), Column(_("Status"), hide="m"),
            Column(_("State")), Column(_("Last heartbeat"), "n", "m"),
        )  # fmt: skip
        rows = [_agent(one) for one in agents.every()]
        return [Card(_("Network agents"), columns=columns, rows=rows, name="network-agents")]


def _agent(one: agents.Agent) -> Row:
    host, status = one.host, switch(_is_on(one))
    cells = (
        Cell("link", host.name, reverse("host", args=[host.name])), Cell("muted", agents.ZONE if agents.has_zone(one) else ""),
        Cell("status", status), Cell("status", _heard(is_up(host.state))), age(host.last_seen_at),
    )  # fmt: skip
    return Row(
        one.id, AGENTS.get(one.kind, one.kind), "", status, cells, menu=reverse("system-agent-menu", args=[one.id])
    )


def _is_on(one: agents.Agent) -> bool:
    return one.host.enabled and one.note.admin_state_up


def _heard(is_heard: bool) -> Status:
    return Status("ok", _("Up"), "up") if is_heard else Status("bad", _("Down"), "down")


def verbs(call: Call) -> list[Action]:
    """List the verbs of a network agent: what it carries, and whether it may be given more."""
    one: agents.Agent = call.row
    why = gate(call.actor, "update_agent", None)
    found = []
    if one.kind == L3:
        found.append(
            Action("routers", _("Its routers"), "route", reverse("all-routers") + f"?host={one.host.name}", "link")
        )
    if one.note.admin_state_up:
        found.append(
            Action("disable", _("Disable"), "player-pause", reverse("system-agent-off", args=[one.id]), "post", why)
        )
    else:
        found.append(
            Action("enable", _("Enable"), "player-play", reverse("system-agent-on", args=[one.id]), "post", why)
        )
    return found


def find(actor: RequestContext, id: str) -> agents.Agent:
    """Find an agent for an operator. Raises: AgentNotFound, Forbidden."""
    policy.require(actor, "get_agent")
    return agents.find(id)


MENU = Menu(panel="services", find=find, actions=verbs)
OFF = Verb(
    panel="services",
    do=lambda call: agents.update(call.actor, call.id, admin_state_up=False),
    next=lambda call, made: reverse("network-agents"),
    said=gettext_lazy("The agent is given nothing new; others take over what it carries."),
)
ON = Verb(
    panel="services",
    do=lambda call: agents.update(call.actor, call.id, admin_state_up=True),
    next=lambda call, made: reverse("network-agents"),
)


# ── The cloud's own processes ───────────────────────────────────────────────────────────────────────────────────────


class Processes(Cards):
    rule, kind = "os_compute_api:os-services:list", "host operation"

    def cards(self) -> list[Card]:
        columns = (Column(_("Service")), Column(_("State")), Column(_("Where")), Column(_("Last heartbeat"), "n"))
        return [
            Card(_("Processes"), columns=columns, rows=[_control(), *_agents()]),
            Card(_("Now"), pairs=_now(), side=True),
        ]


def _control() -> Row:
    """Control, by the lease of its clock."""
    lease = Lease.objects.filter(name=CLOCK).first()
    is_up = lease is not None and lease.until > now()
    state = Status("ok", _("Up"), "up") if is_up else Status("bad", _("Down"), "down")
    cells = (Cell("status", state), Cell("mono", lease.holder if lease else ""), Cell("muted", ""))
    return Row("control", _("Control"), "", state, cells)


def _agents() -> list[Row]:
    """A row a role of each host."""
    rows = []
    for host in Host.objects.all():
        state, url = state_of(host), reverse("host", args=[host.name])
        cells = (Cell("status", state), Cell("mono", host.name), age(host.last_seen_at))
        rows += [
            Row(f"{role}@{host.name}", ROLES.get(role, role), url, state, cells)
            for role in host.roles
            if role != "control"
        ]
    return rows


def _now() -> list[tuple[Text, Cell]]:
    live = Operation.objects.live()
    return [
        (_("Operations going on"), Cell("num", live.count())),
        (_("Broken operations"), Cell("num", Operation.objects.broken().count())),
        (_("Longest"), age(live.order_by("created_at").values_list("created_at", flat=True).first())),
    ]
