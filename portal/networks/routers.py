"""Routers: the list, and the page of one with its interfaces and static routes."""

from collections.abc import Sequence
from typing import ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from networking.agents.services import ZONE
from networking.networks.models import Network
from networking.ports.models import ROUTER_GATEWAY, Port
from networking.routers import services
from networking.routers.models import Router
from portal.networks import ports, status
from portal.networks.networks import ON_OFF
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.status import Status
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, attr


def outside(actor: RequestContext) -> QuerySet[Network]:
    return Network.objects.visible_to(actor).filter(external=True).order_by("name")


def gateway_name(router: Router) -> Cell:
    port = router.gateway_port
    return Cell("link", port.network.name, reverse("network", args=[port.network_id])) if port else Cell("muted", "")


def gateway_ip(router: Router) -> str:
    port = router.gateway_port
    first = next(iter(port.fixed_ips.all()), None) if port else None
    return first.ip_address if first else ""


class Routers(ListPanel):
    panel, kind, route = "routers", "router", "router"
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.network(row.status, row.admin_state_up))),
        Column(gettext_lazy("External network"), cell=gateway_name),
        Column(gettext_lazy("Gateway address"), hide="m", cell=lambda row: Cell("copy", gateway_ip(row))),
        Column(gettext_lazy("Switched on"), hide="l", cell=attr("yes", "admin_state_up")),
        Column(gettext_lazy("Availability zones"), hide="l", cell=lambda row: Cell("tags", [ZONE] if row.host else [])),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("name", gettext_lazy("Name")),
        Filter("status", gettext_lazy("Status"), choices=ports.STATES),
        Filter("on", gettext_lazy("Switched on"), "admin_state_up", choices=ON_OFF),
    )
    new = New(gettext_lazy("Create router"), "router-create", "create_router")
    empty = Empty(
        gettext_lazy("No routers yet"),
        gettext_lazy("A router joins networks with each other and with the outside."),
        "openstack router create --external-gateway public router",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("routers-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Router]:
        rows = Router.objects.filter(project_id=actor.project_id or "")
        return rows.select_related("gateway_port__network").prefetch_related("gateway_port__fixed_ips")

    def status(self, one: Router) -> Status:
        return status.network(one.status, one.admin_state_up)


class RouterItem(ItemPage):
    everywhere = "all-routers"
    panel, kind = "routers", "router port"
    recorded = "service/network/routers"
    find = staticmethod(services.find)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("interfaces", gettext_lazy("Interfaces")),
        ("routes", gettext_lazy("Static routes")),
    )

    def recorded_ids(self, row: Router) -> list[str]:
        return [row.pk, *row.ports.values_list("pk", flat=True)]

    def actions(self, actor: RequestContext, row: Router) -> list[Action]:
        may = gate(actor, "update_router", row)
        clear = Action("clear-gateway", _("Clear gateway"), "world-x", reverse("router-clear", args=[row.pk]), "post",
                       may or ("" if row.gateway_port_id else _("It has no gateway")))  # fmt: skip
        return [
            Action("add-interface", _("Add interface"), "plus", reverse("router-interface", args=[row.pk]), why=may),
            Action("set-gateway", _("Set gateway"), "world-pin", reverse("router-gateway", args=[row.pk]), why=may),
            Action("edit", _("Edit"), "pencil", reverse("router-edit", args=[row.pk]), why=may),
            Action("add-route", _("Add static route"), "plus", reverse("router-route", args=[row.pk]), why=may),
            clear,
            Action("delete", _("Delete"), "trash", reverse("router-delete", args=[row.pk]),
                   why=gate(actor, "delete_router", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Router) -> Detail:
        facts = [
            (_("External network"), gateway_name(row)),
            (_("Gateway address"), Cell("copy", gateway_ip(row))),
            ("SNAT", Cell("yes", row.enable_snat)),
            (_("Switched on"), Cell("yes", row.admin_state_up)),
            (_("Availability zones"), Cell("tags", row.availability_zone_hints)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if actor.is_admin:
            facts.append((_("Host"), Cell("mono", row.host)))
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        cards = [self.interfaces(actor, row), Card(_("Details"), pairs=facts, side=True, name="details")]
        return Detail(row.name or row.pk, status.network(row.status, row.admin_state_up), cards=cards)

    def tab(self, actor: RequestContext, row: Router, name: str) -> list[Card]:
        return [self.interfaces(actor, row) if name == "interfaces" else self.routes(actor, row)]

    def interfaces(self, actor: RequestContext, router: Router) -> Card:
        found = router.ports.select_related("network").prefetch_related("fixed_ips__subnet").order_by("created_at")
        rows = [self.interface(actor, router, port) for port in found]
        head = (
            Column(_("Name")), Column(_("Status")), Column(_("Network")), Column(_("Fixed IP")), Column(_("Subnet"), hide="m"),
            Column(_("Type"), hide="m"), Column(_("Switched on"), hide="l"),
        )  # fmt: skip
        add = Action("add-interface-here", _("Add interface"), "plus", reverse("router-interface", args=[router.pk]),
                     why=gate(actor, "update_router", router))  # fmt: skip
        empty = _("No interface: nothing reaches the outside through it yet.")
        return Card(_("Interfaces"), columns=head, rows=rows, empty=empty, action=add, name="interfaces")

    @staticmethod
    def interface(actor: RequestContext, router: Router, port: Port) -> Row:
        """Make the row of a port; a gateway's leads nowhere for others than operators, for its port is no project's."""
        is_gateway = port.role == ROUTER_GATEWAY
        held = list(port.fixed_ips.all())
        cells = (
            Cell("status", status.network(port.status, port.admin_state_up)),
            Cell("link", port.network.name or port.network_id[:13], reverse("network", args=[port.network_id])),
            Cell("mono", ", ".join(ip.ip_address for ip in held)), Cell("mono", ", ".join(ip.subnet.cidr for ip in held)),
            Cell("text", _("External gateway") if is_gateway else _("Internal interface")), Cell("yes", port.admin_state_up),
        )  # fmt: skip
        url = "" if is_gateway and not actor.is_admin else reverse("port", args=[port.pk])
        menu = "" if is_gateway else reverse("router-interface-menu", args=[router.pk, port.pk])
        return Row(port.pk, ports.called(port), url, status.network(port.status), cells, menu=menu)

    def routes(self, actor: RequestContext, router: Router) -> Card:
        head = (Column(_("Destination")), Column(_("Next hop")))
        rows = []
        for one in router.routes:
            keys = {"id": router.pk, "hop": one["nexthop"], "to": one["destination"]}
            cells = (Cell("mono", one["nexthop"]),)
            menu = reverse("router-route-menu", kwargs=keys)
            rows.append(Row(f"{one['destination']} {one['nexthop']}", one["destination"], "", None, cells, menu=menu))
        add = next(action for action in self.actions(actor, router) if action.name == "add-route")
        empty = _("None: it knows the networks that it has interfaces on, and its gateway.")
        return Card(_("Static routes"), columns=head, rows=rows, empty=empty, action=add, name="routes")
