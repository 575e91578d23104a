"""Networks: the list, and the page of one with its subnets, its ports and, for operators, who serves its DHCP."""

from collections.abc import Sequence
from typing import ClassVar

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from identity.models import Project
from networking.agents import services as agents
from networking.agents.models import DHCP
from networking.networks import services
from networking.networks.models import Network
from networking.ports.models import Port
from networking.subnets.models import Subnet
from portal.admin.status import host as host_word
from portal.networks import ports, status, subnets
from portal.sharing.parts import share_action, who_card
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, age, joined
from sharing import received

ON_OFF = (("True", gettext_lazy("Switched on")), ("False", gettext_lazy("Switched off")))


def listed(actor: RequestContext) -> QuerySet[Network]:
    """Return the networks of a project's pages: its own, those open to all, and those shared with the actor."""
    mine = Q(project_id=actor.project_id or "") | Q(shared=True) | Q(external=True)
    return Network.objects.visible_to(actor).filter(received.or_shared(actor, "network", mine))


class Networks(ListPanel):
    panel, kind = "networks", "network"
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Subnets")),
        Column(gettext_lazy("Shared"), hide="m"),
        Column(gettext_lazy("External"), hide="m"),
        Column(gettext_lazy("Switched on"), hide="l"),
        Column(gettext_lazy("Availability zones"), hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("name", gettext_lazy("Name")),
        Filter("status", gettext_lazy("Status"), choices=ports.STATES),
        Filter("shared", gettext_lazy("Shared"), choices=(("True", gettext_lazy("Shared")), ("False", gettext_lazy("Own")))),
        Filter("external", gettext_lazy("External"),
               choices=(("True", gettext_lazy("External")), ("False", gettext_lazy("Internal")))),
        Filter("on", gettext_lazy("Switched on"), "admin_state_up", choices=ON_OFF),
    )  # fmt: skip
    new = New(gettext_lazy("Create network"), "network-create", "create_network", "wide")
    empty = Empty(
        gettext_lazy("No networks yet"),
        gettext_lazy("A network joins instances with each other. With a router it reaches the outside."),
        "openstack network create private",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("networks-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Network]:
        return listed(actor)

    def rows(self, actor: RequestContext, found: Sequence[Network]) -> list[Row]:
        cidrs: dict[str, list[str]] = {}
        held = Subnet.objects.visible_to(actor).filter(network__in=[network.pk for network in found])
        for id, cidr in held.values_list("network_id", "cidr"):
            cidrs.setdefault(id, []).append(cidr)
        return [row(network, joined(cidrs.get(network.pk, []))) for network in found]


def row(network: Network, cidrs: str) -> Row:
    state = status.network(network.status, network.admin_state_up)
    url = reverse("network", args=[network.pk])
    cells = (
        Cell("status", state), Cell("mono", cidrs), Cell("yes", network.shared), Cell("yes", network.external),
        Cell("yes", network.admin_state_up), Cell("tags", [agents.ZONE] if network.dhcp_host else []), age(network.created_at),
    )  # fmt: skip
    return Row(network.pk, network.name or network.pk, url, state, cells, menu=f"{url}?menu=1")


class NetworkItem(ItemPage):
    everywhere = "all-networks"
    panel, kind = "networks", "network port subnet"
    recorded = "service/network/networks"
    find = staticmethod(services.find)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("subnets", gettext_lazy("Subnets")),
        ("ports", gettext_lazy("Ports")),
        ("agents", gettext_lazy("DHCP agents")),
    )

    def recorded_ids(self, row: Network) -> list[str]:
        return [row.pk, *row.subnets.values_list("pk", flat=True)]

    def tabs_of(self, actor: RequestContext, row: Network) -> Sequence[tuple[str, Text]]:
        return self.tabs if policy.allows(actor, "get_dhcp-agents") else self.tabs[:3]

    def actions(self, actor: RequestContext, row: Network) -> list[Action]:
        return [
            Action("create-subnet", _("Add subnet"), "plus", reverse("subnet-create", args=[row.pk]), "wide",
                   gate(actor, "create_subnet", row)),
            Action("create-port", _("Add port"), "plus", reverse("port-create") + f"?network={row.pk}", "wide",
                   gate(actor, "create_port", row)),
            Action("edit", _("Edit"), "pencil", reverse("network-edit", args=[row.pk]),
                   why=gate(actor, "update_network", row)),
            share_action(actor, "network", row),
            Action("delete", _("Delete"), "trash", reverse("network-delete", args=[row.pk]),
                   why=gate(actor, "delete_network", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Network) -> Detail:
        project = Project.objects.filter(pk=row.project_id).values_list("name", flat=True).first()
        facts = [
            (_("Project"), Cell("text", project)),
            (_("Shared"), Cell("yes", row.shared)),
            (_("External"), Cell("yes", row.external)),
            (_("Switched on"), Cell("yes", row.admin_state_up)),
            ("MTU", Cell("num", row.mtu)),
            (_("Port security"), Cell("yes", row.port_security_enabled)),
            (_("Availability zones"), Cell("tags", row.availability_zone_hints)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        if actor.is_admin:
            facts += [(_("Kind"), Cell("text", row.kind)), (_("Physical network"), Cell("mono", row.physical)),
                      (_("Segment"), Cell("num", row.segment))]  # fmt: skip
        cards = [subnets.card(actor, row), Card(_("Details"), pairs=facts, side=True, name="details")]
        cards.append(who_card(actor, "network", row))
        return Detail(row.name or row.pk, status.network(row.status, row.admin_state_up), cards=cards)

    def tab(self, actor: RequestContext, row: Network, name: str) -> list[Card]:
        policy.require(actor, "get_dhcp-agents") if name == "agents" else None
        cards = {"subnets": subnets.card, "ports": ports_card, "agents": agents_card}
        return [cards[name](actor, row)]


def ports_card(actor: RequestContext, network: Network) -> Card:
    seen = Port.objects.visible_to(actor).filter(network=network).select_related("network")
    found = list(seen.prefetch_related("fixed_ips").order_by("created_at")[:200])
    also, head = ("host", _("Host")) if actor.is_admin else ("network", _("Network"))
    add = Action("add-port", _("Add port"), "plus", reverse("port-create") + f"?network={network.pk}", "wide",
                 gate(actor, "create_port", network))  # fmt: skip
    rows = ports.rows(actor, found, also)
    return Card(_("Ports"), columns=ports.columns(head), rows=rows, empty=_("No ports yet."), action=add, name="ports")


def agents_card(actor: RequestContext, network: Network) -> Card:
    serving = [one for one in agents.every() if one.kind == DHCP and one.host.name == network.dhcp_host]
    rows = []
    for one in serving:
        menu = reverse("network-agent-menu", kwargs={"id": network.pk, "host": one.host.name})
        is_on = bool(agents.shown_state(one)["admin_state_up"])
        word = host_word(one.host.state, enabled=one.host.enabled, forced_down=one.host.forced_down)
        cells = (Cell("status", word), Cell("yes", is_on), Cell("age", one.host.last_seen_at))
        rows.append(Row(one.id, one.host.name, "", None, cells, menu=menu))
    head = (Column(_("Host")), Column(_("Status")), Column(_("Switched on")), Column(_("Last heard of"), "n", "m"))
    add = Action("add-agent", _("Serve on another host"), "plus", reverse("network-agent-add", args=[network.pk]),
                 why=gate(actor, "create_dhcp-network", None))  # fmt: skip
    empty = _("No host serves its DHCP.")
    return Card(_("DHCP agents"), columns=head, rows=rows, action=add, empty=empty, name="agents")
