"""Networks with their subnets and ports."""

from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.models import Project
from networking.networks import services
from networking.networks.models import Network
from networking.ports.models import Port
from networking.subnets.models import Subnet
from portal.networks import status
from portal.servers.listing import names_of
from portal.sharing.parts import share_action, who_card
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.tables import Cell, Column, Row, age, joined
from sharing import received

OWNERS: dict[str, Text] = {
    "network:dhcp": gettext_lazy("DHCP"),
    "network:router_interface": gettext_lazy("router interface"),
    "network:router_gateway": gettext_lazy("router gateway"),
    "network:floatingip": gettext_lazy("floating IP"),
}


class Networks(ListPanel):
    panel, kind = "networks", "network"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Subnets")),
        Column(gettext_lazy("Shared"), hide="m"),
        Column(gettext_lazy("External"), hide="m"),
        Column(gettext_lazy("Ports"), "n", "m"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    new = New(gettext_lazy("Create network"), "network-create", "create_network")
    empty = Empty(
        gettext_lazy("No networks yet"),
        gettext_lazy("A network joins instances with each other. With a router it reaches the outside."),
        "openstack network create private",
    )

    def query(self, actor: RequestContext) -> Any:
        mine = Q(project_id=actor.project_id or "") | Q(shared=True) | Q(external=True)
        return Network.objects.visible_to(actor).filter(received.or_shared(actor, "network", mine))

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        ids = [network.pk for network in found]
        cidrs: dict[str, list[str]] = {}
        for network, cidr in Subnet.objects.visible_to(actor).filter(network__in=ids).values_list("network_id", "cidr"):
            cidrs.setdefault(network, []).append(cidr)
        seen = Port.objects.visible_to(actor).filter(network__in=ids)
        ports = dict(seen.values_list("network_id").annotate(n=Count("pk")).order_by())
        return [
            Row(
                network.pk, network.name or network.pk, reverse("network", args=[network.pk]),
                status.network(network.status, network.admin_state_up),
                (Cell("status", status.network(network.status, network.admin_state_up)),
                 Cell("mono", joined(cidrs.get(network.pk, []))), Cell("yes", network.shared), Cell("yes", network.external),
                 Cell("num", ports.get(network.pk, 0)), age(network.created_at)),
                menu=reverse("network", args=[network.pk]) + "?menu=1",
            )
            for network in found
        ]  # fmt: skip


class NetworkItem(ItemPage):
    panel, kind = "networks", "network port subnet"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: Network) -> list[Action]:
        may = gate(actor, "create_subnet", row)
        return [
            Action("create-subnet", _("Add subnet"), "plus", reverse("subnet-create", args=[row.pk]), why=may),
            Action("create-port", _("Add port"), "plus", reverse("port-create", args=[row.pk]),
                   why=gate(actor, "create_port", row)),
            Action("edit", _("Edit"), "pencil", reverse("network-edit", args=[row.pk]),
                   why=gate(actor, "update_network", row)),
            share_action(actor, "network", row),
            Action("delete", _("Delete"), "trash", reverse("network-delete", args=[row.pk]),
                   why=gate(actor, "delete_network", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Network) -> Detail:
        facts = [
            (
                _("Project"),
                Cell("text", Project.objects.filter(pk=row.project_id).values_list("name", flat=True).first()),
            ),
            (_("Shared"), Cell("yes", row.shared)),
            (_("External"), Cell("yes", row.external)),
            (_("MTU"), Cell("num", row.mtu)),
            (_("Port security"), Cell("yes", row.port_security_enabled)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        if actor.is_admin:
            facts += [(_("Kind"), Cell("text", row.kind)), (_("Segment"), Cell("num", row.segment))]
        cards = [subnets_card(actor, row), ports_card(actor, row), Card(_("Details"), pairs=facts, side=True)]
        cards.append(who_card(actor, "network", row))
        return Detail(row.name or row.pk, status.network(row.status, row.admin_state_up), cards=cards)


def subnets_card(actor: RequestContext, network: Network) -> Card:
    rows = [
        Row(
            subnet.pk, subnet.name or subnet.pk[:13], "", None,
            (Cell("copy", subnet.cidr), Cell("mono", subnet.gateway_ip), Cell("yes", subnet.enable_dhcp),
             Cell("mono", joined(subnet.dns_nameservers))),
            menu=reverse("subnet-menu", args=[network.pk, subnet.pk]),
        )
        for subnet in Subnet.objects.visible_to(actor).filter(network=network).order_by("created_at", "pk")
    ]  # fmt: skip
    columns = (
        Column(_("Name")), Column(_("Addresses")), Column(_("Gateway"), hide="m"), Column(_("DHCP"), hide="m"),
        Column(_("DNS"), hide="m"),
    )  # fmt: skip
    return Card(_("Subnets"), columns=columns, rows=rows, name="subnets",
                empty=_("No subnet: instances on this network get no address."))  # fmt: skip


def device_of(port: Port, servers: dict[str, str]) -> Cell:
    if port.server_id in servers:
        return Cell("link", servers[port.server_id], reverse("instance", args=[port.server_id]))
    if port.router_id:
        return Cell("link", OWNERS[port.role], reverse("router", args=[port.router_id]))
    return Cell("muted", OWNERS.get(port.role, port.device_owner))


def ports_card(actor: RequestContext, network: Network) -> Card:
    found = list(
        Port.objects.visible_to(actor)
        .filter(network=network)
        .prefetch_related("fixed_ips")
        .order_by("created_at")[:200]
    )
    servers = names_of(actor, found)
    rows = [
        Row(
            port.pk, port.name or port.pk[:13], "", status.network(port.status, port.admin_state_up),
            (Cell("status", status.network(port.status, port.admin_state_up)),
             Cell("mono", joined(ip.ip_address for ip in port.fixed_ips.all())), Cell("copy", port.mac_address),
             device_of(port, servers)),
            menu=reverse("port-menu", args=[network.pk, port.pk]),
            why=_("Served without its extra DHCP options: %(why)s") % {"why": port.dhcp_refusal} if port.dhcp_refusal else "",
        )
        for port in found
    ]  # fmt: skip
    columns = (
        Column(_("Name")), Column(_("Status")), Column(_("Fixed IP")), Column("MAC", hide="m"), Column(_("Attached to"), hide="m"),
    )  # fmt: skip
    return Card(_("Ports"), columns=columns, rows=rows, empty=_("No ports yet."), name="ports")
