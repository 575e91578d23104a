"""Subnets: their fields, checked where they stand, their dialogs, and the table of a network's."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import NotFound
from hostagent.contract import inet
from networking.addressing import IPNetwork
from networking.errors import InvalidInput
from networking.networks.models import Network
from networking.subnetpools.models import SubnetPool
from networking.subnetpools.services import find as find_pool
from networking.subnets import checks, services
from networking.subnets.models import Subnet
from portal.networks.fields import Address, Addresses, Cidr, Ranges, Routes, at, in_lines, pool_words, route_words
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card
from portal.ui.dialogs import FormDialog, choices
from portal.ui.forms import Name, Stepped, Styled
from portal.ui.menus import Action, Menu, gate
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, Row, joined

MODES: list[tuple[str, Text]] = [
    ("", gettext_lazy("None")),
    ("slaac", gettext_lazy("SLAAC: guests make their own address")),
    ("dhcpv6-stateless", gettext_lazy("DHCPv6 stateless: own address, the rest by DHCP")),
    ("dhcpv6-stateful", gettext_lazy("DHCPv6 stateful: all by DHCP")),
]
ADDRESSES = ("cidr", "pool", "prefixlen")
DETAILS = ("gateway", "no_gateway", "enable_dhcp", "ra_mode", "address_mode", "pools", "dns", "routes")


class Ranged(Styled):
    """The fields by which a subnet is made or changed, and what can be wrong between them."""

    gateway = Address(label=gettext_lazy("Gateway"), help_text=gettext_lazy("Empty: the first address."))
    no_gateway = forms.BooleanField(label=gettext_lazy("No gateway"), required=False)
    enable_dhcp = forms.BooleanField(label=gettext_lazy("Addresses by DHCP"), required=False, initial=True)
    pools = Ranges(
        label=gettext_lazy("Allocation pools"),
        help_text=gettext_lazy("The addresses that ports get. One range a line; empty: all but the gateway."),
    )
    dns = Addresses(label=gettext_lazy("DNS servers"), help_text=gettext_lazy("One a line."))
    routes = Routes(
        label=gettext_lazy("Host routes"),
        help_text=gettext_lazy("Given to guests by DHCP. One a line: destination, next hop."),
    )

    def check(self, span: IPNetwork) -> None:
        """Put to each field what is wrong with it for addresses of `span`."""
        data = self.cleaned_data
        with at(self, "gateway"):
            gateway = checks.gateway(data["gateway"], span) if data.get("gateway") else ""
            with at(self, "pools"):
                pools = checks.pools(data.get("pools") or [], span)
                checks.gateway_outside_pools("" if data.get("no_gateway") else gateway, pools)
        with at(self, "dns"):
            checks.nameservers(data.get("dns") or [], span.version)
        with at(self, "routes"):
            checks.routes(data.get("routes") or [], span.version)


class NewRange(Ranged):
    """A subnet that is to be made: also its addresses and, for IPv6, how guests learn theirs."""

    cidr = Cidr(required=False)
    pool = forms.ChoiceField(label=gettext_lazy("Or from the subnet pool"), required=False)
    prefixlen = forms.IntegerField(
        label=gettext_lazy("Prefix length"),
        required=False,
        min_value=1,
        max_value=128,
        help_text=gettext_lazy("Of what is cut from the pool. Empty: as the pool says."),
    )
    ra_mode = forms.ChoiceField(label=gettext_lazy("IPv6 router advertisements"), choices=MODES, required=False)
    address_mode = forms.ChoiceField(label=gettext_lazy("IPv6 addresses"), choices=MODES, required=False)

    def clean(self) -> None:
        data = self.cleaned_data
        if data.get("prefixlen") and not data.get("pool"):
            self.add_error("prefixlen", _("Choose the pool that it is cut from."))
        if not data.get("cidr"):
            if not data.get("pool") and any(data.get(name) for name in ("gateway", "pools", "dns", "routes")):
                self.add_error("cidr", _("Which addresses are these details of?"))
            return
        span = inet.ip_network(data["cidr"])
        with at(self, "cidr"):
            checks.cidr(data["cidr"], span.version)
        with at(self, "ra_mode"):
            checks.ipv6_modes(
                span, data.get("ra_mode", ""), data.get("address_mode", ""), dhcp=data.get("enable_dhcp", False)
            )
        self.check(span)


@dataclass(frozen=True, kw_only=True)
class New:
    """A subnet as the forms say it."""

    cidr: str
    pool: str
    prefixlen: int | None
    gateway: str
    no_gateway: bool
    enable_dhcp: bool
    ra_mode: str
    address_mode: str
    pools: Sequence[dict[str, str]]
    dns: Sequence[str]
    routes: Sequence[dict[str, str]]
    subnet_name: str = ""

    def create(self, actor: RequestContext, network_id: str) -> Subnet:
        """Make it on this network. Raises: those of the service."""
        version = inet.ip_network(self.cidr).version if self.cidr else find_pool(actor, self.pool).ip_version
        return services.create(
            actor, network_id=network_id, name=self.subnet_name, cidr=self.cidr or None, subnetpool_id=self.pool or None,
            prefixlen=self.prefixlen, gateway_ip=None if self.no_gateway else self.gateway or services.AUTO,
            ip_version=version, enable_dhcp=self.enable_dhcp, allocation_pools=self.pools or None, dns_nameservers=self.dns,
            host_routes=self.routes, ipv6_ra_mode=self.ra_mode or None, ipv6_address_mode=self.address_mode or None,
        )  # fmt: skip


def pools(call: Call) -> list[tuple[str, Text]]:
    return choices(SubnetPool.objects.visible_to(call.actor).order_by("name"), empty=_("None"))


class CreateForm(Stepped, NewRange):
    subnet_name = Name(required=False)
    numbered = False
    parts = (
        ("subnet", gettext_lazy("Subnet"), ("subnet_name", *ADDRESSES, "gateway", "no_gateway")),
        ("details", gettext_lazy("Details"), DETAILS[2:]),
    )

    def clean(self) -> None:
        super().clean()
        if not self.errors and not self.cleaned_data.get("cidr") and not self.cleaned_data.get("pool"):
            self.add_error("cidr", _("Give a network such as 10.0.1.0/24, or choose a pool."))


class EditForm(Ranged):
    name = Name(required=False)
    field_order = ("name",)
    span: IPNetwork | None = None

    def clean(self) -> None:
        if self.span is not None:
            self.check(self.span)


@dataclass(frozen=True, kw_only=True)
class Edited:
    name: str
    gateway: str
    no_gateway: bool
    enable_dhcp: bool
    pools: Sequence[dict[str, str]]
    dns: Sequence[str]
    routes: Sequence[dict[str, str]]


def edit(call: Call, new: Edited) -> None:
    row = services.find(call.actor, call.id)
    gateway = "" if new.no_gateway else new.gateway or row.gateway_ip
    changes: dict[str, object] = {"name": new.name, "enable_dhcp": new.enable_dhcp, "host_routes": new.routes}
    if gateway != row.gateway_ip:
        changes["gateway_ip"] = gateway or None
    if new.pools and list(new.pools) != row.allocation_pools:
        changes["allocation_pools"] = new.pools
    services.update(call.actor, call.id, dns_nameservers=new.dns, **changes)


def of_subnet(call: Call) -> dict[str, object]:
    row = call.row
    return {
        "name": row.name, "gateway": row.gateway_ip, "no_gateway": not row.gateway_ip, "enable_dhcp": row.enable_dhcp,
        "pools": in_lines(row.allocation_pools, pool_words), "dns": "\n".join(row.dns_nameservers),
        "routes": in_lines(row.host_routes, route_words),
    }  # fmt: skip


def its_range(call: Call, form: EditForm) -> None:
    form.span = inet.ip_network(call.row.cidr)


def called(row: Subnet) -> str:
    return row.name or row.cidr


def verbs(call: Call) -> list[Action]:
    actor, row, ids = call.actor, call.row, [call.keys["id"], call.id]
    change, remove = gate(actor, "update_subnet", row), gate(actor, "delete_subnet", row)
    return [
        Action("edit-subnet", _("Edit"), "pencil", reverse("subnet-edit", args=ids), "wide", change),
        Action("delete-subnet", _("Delete"), "trash", reverse("subnet-delete", args=ids), why=remove, risk=True),
    ]


#: At which field the service's refusals stand.
PLACES = (
    (services.GatewayIpInUse, "gateway"), (checks.GatewayConflictWithAllocationPools, "gateway"), (InvalidInput, "cidr"),
    (NotFound, "pool"),
)  # fmt: skip

CREATE = FormDialog(
    panel="networks",
    title=gettext_lazy("Add subnet"),
    submit=gettext_lazy("Add"),
    form=CreateForm,
    initial=lambda call: {"enable_dhcp": True},
    choices={"pool": pools},
    places=PLACES,
    do=lambda call, values: New(**values).create(call.actor, call.id),
    next=to("network-tab", "id", tab="subnets"),
)
MENU = Menu(panel="networks", find=services.find, key="subnet", actions=verbs)
EDIT = FormDialog(
    panel="networks",
    find=services.find,
    key="subnet",
    name=called,
    title=gettext_lazy("Edit %(name)s"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    two=True,
    initial=of_subnet,
    prepare=its_range,
    places=PLACES[:2],
    do=lambda call, values: edit(call, Edited(**values)),
    next=to("network-tab", "id", tab="subnets"),
)
DELETE = Removal(
    panel="networks",
    find=services.find,
    key="subnet",
    name=called,
    route="network-tab",
    fixed={"tab": "subnets"},
    one=gettext_lazy("Delete the subnet"),
    bulk=gettext_lazy("Delete the subnets"),
    remove=lambda call, id: services.delete(call.actor, id),
)


def card(actor: RequestContext, network: Network) -> Card:
    """Show a network's subnets; operators see how many addresses are used."""
    found = list(Subnet.objects.visible_to(actor).filter(network=network).order_by("created_at", "pk"))
    rows = [
        Row(
            subnet.pk, subnet.name or subnet.pk[:13], "", None,
            (Cell("copy", subnet.cidr), Cell("text", f"IPv{subnet.ip_version}"), Cell("mono", subnet.gateway_ip),
             Cell("yes", subnet.enable_dhcp), Cell("mono", joined(subnet.dns_nameservers)),
             Cell("num", subnet.fixed_ips.count() if actor.is_admin else None)),
            menu=reverse("subnet-menu", args=[network.pk, subnet.pk]),
        )
        for subnet in found
    ]  # fmt: skip
    head = [
        Column(_("Name")), Column(_("Addresses")), Column(_("IP version"), hide="m"), Column(_("Gateway"), hide="m"),
        Column(_("DHCP"), hide="m"), Column(_("DNS"), hide="l"),
    ]  # fmt: skip
    if actor.is_admin:
        head.append(Column(_("Addresses in use"), "n", "l"))
    for row in rows:
        row.cells = row.cells[: len(head) - 1]
    add = Action("add-subnet", _("Add subnet"), "plus", reverse("subnet-create", args=[network.pk]), "wide",
                 gate(actor, "create_subnet", network))  # fmt: skip
    empty = _("No subnet: instances on this network get no address.")
    bulk = Bulk("delete", _("Delete…"), "trash", reverse("subnets-delete", args=[network.pk]) + "?ids=", risk=True)
    return Card(_("Subnets"), columns=head, rows=rows, action=add, empty=empty, name="subnets", bulk=(bulk,))
