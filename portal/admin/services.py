"""Page of the services: control's clock, each host's agent, and the operations that run or are stuck."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization import policy
from common.clock import now
from hosts.models import Host
from operations.leases import CLOCK
from operations.models import Lease, Operation
from portal.admin.hosts import state_of
from portal.ui import Text
from portal.ui.details import Card
from portal.ui.pages import Page
from portal.ui.status import Status
from portal.ui.tables import Cell, Column, Row, age


class Services(Page):
    panel = "services"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, "os_compute_api:os-services:list")
        columns = (Column(_("Service")), Column(_("State")), Column(_("Where")), Column(_("Last heartbeat"), "n"))
        cards = [
            Card(_("Services"), columns=columns, rows=[_control(), *_agents()]),
            Card(_("Now"), pairs=_now(), side=True),
        ]
        context = {"title": _("Services"), "cards": cards}
        if "live" in request.GET:
            return self.fragment("ui/cards_live.html", **context)
        return self.page("ui/cards.html", kind="host operation", **context)


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
        rows += [Row(f"{role}@{host.name}", role, url, state, cells) for role in host.roles if role != "control"]
    return rows


def _now() -> list[tuple[Text, Cell]]:
    live = Operation.objects.live()
    return [
        (_("Operations going on"), Cell("num", live.count())),
        (_("Broken operations"), Cell("num", Operation.objects.broken().count())),
        (_("Longest"), age(live.order_by("created_at").values_list("created_at", flat=True).first())),
    ]
