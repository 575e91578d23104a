"""Ports: the list, the page of one, and their rows in other pages."""

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from networking.ports import services
from networking.ports.models import Port
from portal.networks import status
from portal.servers.listing import names_of
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, joined

OWNERS: dict[str, Text] = {
    "network:dhcp": gettext_lazy("DHCP"),
    "network:router_interface": gettext_lazy("router interface"),
    "network:router_gateway": gettext_lazy("router gateway"),
    "network:floatingip": gettext_lazy("floating IP"),
}
STATES = [("ACTIVE", status.STATES["ACTIVE"][1]), ("DOWN", status.STATES["DOWN"][1])]


def called(port: Port) -> str:
    """Return the port's name; a nameless one is called by its MAC address."""
    return port.name or port.mac_address


def device_of(port: Port, servers: dict[str, str]) -> Cell:
    """Show what the port is attached to."""
    if port.server_id in servers:
        return Cell("link", servers[port.server_id], reverse("instance", args=[port.server_id]))
    if port.router_id:
        return Cell("link", OWNERS[port.role], reverse("router", args=[port.router_id]))
    return Cell("muted", OWNERS.get(port.role, port.device_owner))


def rows(actor: RequestContext, found: Sequence[Port], also: str = "network") -> list[Row]:
    """Make a row a port. `also`: what its last cell is, the network or the host."""
    servers = names_of(actor, found)
    return [
        Row(
            port.pk, called(port), reverse("port", args=[port.pk]), status.network(port.status, port.admin_state_up),
            (Cell("status", status.network(port.status, port.admin_state_up)),
             Cell("mono", joined(ip.ip_address for ip in port.fixed_ips.all())), Cell("copy", port.mac_address),
             device_of(port, servers), Cell("yes", port.admin_state_up),
             Cell("mono", port.host) if also == "host"
             else Cell("link", port.network.name or port.network_id[:13], reverse("network", args=[port.network_id]))),
            menu=reverse("port", args=[port.pk]) + "?menu=1",
            why=_("Served without its extra DHCP options: %(why)s") % {"why": port.dhcp_refusal} if port.dhcp_refusal else "",
        )
        for port in found
    ]  # fmt: skip


def columns(also: Text) -> tuple[Column, ...]:
    return (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Fixed IP")),
        Column(gettext_lazy("MAC address"), hide="l"),
        Column(gettext_lazy("Attached to"), hide="m"),
        Column(gettext_lazy("Switched on"), hide="l"),
        Column(also, hide="m"),
    )


class Ports(ListPanel):
    panel, kind = "ports", "port"
    columns = columns(gettext_lazy("Network"))
    search = ("name", "id", "mac_address", "fixed_ips__ip_address")
    filters = (
        Filter("name", gettext_lazy("Name")),
        Filter("mac", gettext_lazy("MAC address"), "mac_address"),
        Filter("network", gettext_lazy("Network"), "network__name"),
        Filter("status", gettext_lazy("Status"), choices=STATES),
    )
    new = New(gettext_lazy("Create port"), "port-create", "create_port", "wide")
    empty = Empty(
        gettext_lazy("No ports yet"),
        gettext_lazy("A port is an interface on a network: its addresses, its MAC and who may reach it."),
        "openstack port create --network private port-1",
    )

    def query(self, actor: RequestContext) -> QuerySet[Port]:
        found = Port.objects.filter(project_id=actor.project_id or "").distinct()
        return found.select_related("network").prefetch_related("fixed_ips")

    def rows(self, actor: RequestContext, found: Sequence[Port]) -> list[Row]:
        return rows(actor, found)

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("ports-delete") + "?ids=", risk=True),)


class PortItem(ItemPage):
    panel, kind = "ports", "port"
    recorded = "service/network/ports"
    find = staticmethod(services.find)
    tabs = (("", gettext_lazy("Overview")), ("pairs", gettext_lazy("Allowed address pairs")))

    def actions(self, actor: RequestContext, row: Port) -> list[Action]:
        taken = _("It belongs to what it is attached to") if row.role else ""
        may = gate(actor, "update_port", row, taken)
        secure = "" if row.port_security_enabled else _("It has no port security: any address passes")
        return [
            Action("edit", _("Edit"), "pencil", reverse("port-edit", args=[row.pk]), "wide", may),
            Action("add-pair", _("Add address pair"), "plus", reverse("pair-add", args=[row.pk]), why=may or secure),
            Action("delete", _("Delete"), "trash", reverse("port-delete", args=[row.pk]),
                   why=gate(actor, "delete_port", row, taken), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Port) -> Detail:
        groups = [
            (group.name or group.pk, reverse("security-group", args=[group.pk]))
            for group in row.groups.order_by("name")
        ]
        facts = [
            (_("Network"), Cell("link", row.network.name or row.network_id, reverse("network", args=[row.network_id]))),
            (_("MAC address"), Cell("copy", row.mac_address)),
            (_("Attached to"), device_of(row, names_of(actor, [row]))),
            (_("Switched on"), Cell("yes", row.admin_state_up)),
            (_("Port security"), Cell("yes", row.port_security_enabled)),
            (_("Security groups"), Cell("links", groups)),
            (_("VNIC type"), Cell("text", row.vnic_type)),
            (_("Device ID"), Cell("copy", row.device_id)),
            (_("Device owner"), Cell("mono", row.device_owner)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if actor.is_admin:
            facts.append((_("Host"), Cell("mono", row.host)))
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        cards = [addresses_card(row), Card(_("Details"), pairs=facts, name="details")]
        return Detail(called(row), status.network(row.status, row.admin_state_up), cards=cards)

    def tab(self, actor: RequestContext, row: Port, name: str) -> list[Card]:
        head = (Column(_("Address or range")), Column(_("MAC address")))
        add = next(action for action in self.actions(actor, row) if action.name == "add-pair")
        empty = _("None: only its own addresses may be sent from it.")
        card = Card(
            _("Allowed address pairs"), columns=head, rows=list(pair_rows(row)), action=add, empty=empty, name="pairs"
        )
        return [card]


def pair_rows(port: Port) -> Iterator[Row]:
    for pair in port.allowed_address_pairs:
        keys = {"id": port.pk, "mac": pair["mac_address"], "ip": pair["ip_address"]}
        id = f"{pair['mac_address']} {pair['ip_address']}"
        menu = reverse("pair-menu", kwargs=keys)
        yield Row(id, pair["ip_address"], "", None, (Cell("mono", pair["mac_address"]),), menu=menu)


def addresses_card(port: Port) -> Card:
    head = (Column(_("Fixed IP")), Column(_("Subnet")), Column(_("Gateway"), hide="m"))
    found = [
        Row(
            ip.ip_address, ip.ip_address, "", None,
            (Cell("mono", f"{ip.subnet.name} {ip.subnet.cidr}".strip()), Cell("mono", ip.subnet.gateway_ip)),
        )
        for ip in port.fixed_ips.select_related("subnet")
    ]  # fmt: skip
    return Card(_("Fixed IPs"), columns=head, rows=found, empty=_("No address."), name="addresses")
