"""Host aggregates, and the availability zones made of them."""

from collections.abc import Sequence

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from compute.aggregates import services as aggregates
from compute.aggregates.models import Aggregate, AggregateHost
from hosts.models import Host
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.status import Status
from portal.ui.tables import Bulk, Cell, Column, Row

RULE = "os_compute_api:os-aggregates"
ZONES = "os_compute_api:os-availability-zone:detail"


def zone(row: Aggregate) -> Cell:
    return Cell("muted", row.metadata.get(aggregates.ZONE, ""))


def metadata(row: Aggregate) -> dict[str, str]:
    """Return what is known of it beside its zone, which has a place of its own."""
    return {key: value for key, value in sorted(row.metadata.items()) if key != aggregates.ZONE}


class Aggregates(ListPanel):
    panel, kind, route = "aggregates", "aggregate", "aggregate"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Availability zone"), cell=zone),
        Column(gettext_lazy("Hosts"), hide="m", cell=lambda row: Cell("tags", [one.host for one in row.hosts.all()])),
        Column(
            gettext_lazy("Metadata"), hide="l",
            cell=lambda row: Cell("tags", [f"{key}={value}" for key, value in metadata(row).items()]),
        ),
    )  # fmt: skip
    new = New(gettext_lazy("Create aggregate"), "aggregate-create", f"{RULE}:create", target=lambda actor: None)
    empty = Empty(
        gettext_lazy("No aggregates yet"),
        gettext_lazy("An aggregate is a set of hosts with something in common: a zone, or a kind of disk."),
        "openstack aggregate create --zone north racks-1-to-4",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("aggregates-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Aggregate]:
        policy.require(actor, f"{RULE}:index")
        return Aggregate.objects.prefetch_related(Prefetch("hosts", AggregateHost.objects.order_by("host")))

    def extra(self, actor: RequestContext) -> list[Action]:
        why = gate(actor, ZONES, None)
        return [Action("zones", _("Availability zones"), "world", reverse("availability-zones"), "link", why)]


class AggregateItem(ItemPage):
    panel, kind = "aggregates", "aggregate"
    recorded = "service/compute/os-aggregates"
    find = staticmethod(aggregates.find)

    def actions(self, actor: RequestContext, row: Aggregate) -> list[Action]:
        def verb(name: str, rule: str, label: str, icon: str, *, risk: bool = False, why: str = "") -> Action:
            url = reverse(f"aggregate-{name}", args=[row.pk])
            return Action(name, label, icon, url, why=gate(actor, f"{RULE}:{rule}", None, why), risk=risk)

        full = _("It still has hosts. Remove them first.") if row.hosts.exists() else ""
        return [
            verb("hosts", "add_host", _("Manage hosts"), "server-2"),
            verb("metadata", "set_metadata", _("Update metadata"), "adjustments"),
            verb("edit", "update", _("Edit"), "pencil"),
            verb("delete", "delete", _("Delete"), "trash", risk=True, why=full),
        ]

    def detail(self, actor: RequestContext, row: Aggregate) -> Detail:
        facts = (
            ("ID", Cell("copy", str(row.pk))),
            ("UUID", Cell("copy", row.uuid)),
            (_("Availability zone"), zone(row)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Changed"), Cell("when", row.updated_at)),
        )
        hosts = [
            Row(name, name, reverse("host", args=[name]), None, ())
            for name in row.hosts.order_by("host").values_list("host", flat=True)
        ]
        lines = [Row(key, key, "", None, (Cell("mono", value),)) for key, value in metadata(row).items()]
        cards = [
            Card(_("Details"), pairs=facts, name="details"),
            Card(_("Hosts"), columns=(Column(_("Host")),), rows=hosts, empty=_("No hosts yet."), name="hosts"),
            Card(_("Metadata"), columns=(Column(_("Name")), Column(_("Value"))), rows=lines, name="metadata"),
        ]
        return Detail(row.name, cards=cards)


class Zones(Page):
    """Availability zones: their hosts, and whether any of them takes instances."""

    panel = "aggregates"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, ZONES)
        title = _("Availability zones")
        columns = (Column(_("Availability zone")), Column(_("Available")), Column(_("Hosts")))
        rows = [zone_row(name, hosts) for name, hosts in sorted(aggregates.zones().items())]
        context: dict[str, object] = {"title": title, "cards": [Card(title, columns=columns, rows=rows, name="zones")]}
        if self.asks("live"):
            return self.fragment("ui/cards_live.html", **context)
        return self.page("ui/cards.html", kind="host aggregate", **context)


def zone_row(name: str, hosts: list[Host]) -> Row:
    usable = any(map(aggregates.is_usable, hosts))
    state = Status("ok", _("Available"), "available") if usable else Status("bad", _("Not available now"), "down")
    links = [(host.name, reverse("host", args=[host.name])) for host in hosts]
    return Row(name, name, "", state, (Cell("status", state), Cell("links", links)))
