"""Floating IPs: taken, pointed, released."""

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization.context import RequestContext
from compute.servers.models import Server
from networking.errors import InvalidIpForNetwork, IpAddressAlreadyAllocated, IpAddressGenerationFailure
from networking.floatingips import services
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import ROUTER_INTERFACE, FixedIP
from networking.routers.models import Router
from portal.networks import status
from portal.networks.fields import MONO
from portal.networks.ports import called
from portal.servers.listing import names_of
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, choices, from_row
from portal.ui.forms import Description, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Verb, gate
from portal.ui.removal import Done, Removal
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, age

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\Z")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+\Z")


STATES = [("ACTIVE", gettext_lazy("Associated")), ("DOWN", gettext_lazy("Down"))]


def dns_of(row: FloatingIP) -> str:
    return ".".join(part.strip(".") for part in (row.dns_name, row.dns_domain) if part)


def leads_to(actor: RequestContext, rows: Iterable[FloatingIP]) -> dict[str, tuple[str, str]]:
    """Floating IP id → (instance's name, its page), of instances that the actor may see."""
    ports = {row.pk: row.port for row in rows if row.port is not None}
    names = names_of(actor, ports.values())
    return {
        id: (names[port.server_id], reverse("instance", args=[port.server_id]))
        for id, port in ports.items()
        if port.server_id in names
    }


class FloatingIPs(ListPanel):
    panel, kind = "floating-ips", "floatingip"
    search, order = ("floating_ip_address", "fixed_ip_address", "id"), ("floating_ip_address", "id")
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Address"), sort="floating_ip_address"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Leads to")),
        Column(gettext_lazy("Fixed IP"), hide="m"),
        Column(gettext_lazy("Pool"), hide="m"),
        Column(gettext_lazy("Description"), hide="l"),
        Column(gettext_lazy("DNS name"), hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    filters: ClassVar[Sequence[Filter]] = (
        Filter("address", gettext_lazy("Address"), "floating_ip_address"),
        Filter("network", gettext_lazy("Network ID"), "network__id"),
        Filter("router", gettext_lazy("Router ID"), "router__id"),
        Filter("port", gettext_lazy("Port ID"), "port__id"),
        Filter("status", gettext_lazy("Status"), choices=STATES),
    )
    new = New(gettext_lazy("Allocate floating IP"), "floating-ip-create", "create_floatingip")
    empty = Empty(
        gettext_lazy("No floating IPs yet"),
        gettext_lazy(
            "A floating IP is an address of the outside that you point at an instance, and at another one later."
        ),
        "openstack floating ip create public",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("release", _("Release…"), "trash", reverse("floating-ips-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[FloatingIP]:
        return FloatingIP.objects.filter(project_id=actor.project_id or "").select_related("network", "port")

    def rows(self, actor: RequestContext, found: Sequence[FloatingIP]) -> list[Row]:
        where = leads_to(self.actor, found)
        return [
            Row(
                row.pk, row.floating_ip_address, reverse("floating-ip", args=[row.pk]), status.floating_ip(row.port_id, row.status),
                (Cell("status", status.floating_ip(row.port_id, row.status)), Cell("link", *where.get(row.pk, ("", ""))),
                 Cell("mono", row.fixed_ip_address), Cell("muted", row.network.name),
                 Cell("text", row.description), Cell("mono", dns_of(row)), age(row.created_at)),
                menu=reverse("floating-ip", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip


class FloatingItem(ItemPage):
    everywhere = "all-floating-ips"
    panel, kind = "floating-ips", "floatingip"
    recorded = "service/network/floatingips"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: FloatingIP) -> list[Action]:
        may = gate(actor, "update_floatingip", row)
        return [
            Action("associate", _("Associate"), "link", reverse("floating-ip-associate", args=[row.pk]), why=may),
            Action("disassociate", _("Disassociate"), "unlink", reverse("floating-ip-disassociate", args=[row.pk]), "post",
                   may or ("" if row.port_id else _("It leads nowhere"))),
            Action("edit", _("Edit"), "pencil", reverse("floating-ip-edit", args=[row.pk]), why=may),
            Action("delete", _("Release"), "trash", reverse("floating-ip-delete", args=[row.pk]),
                   why=gate(actor, "delete_floatingip", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: FloatingIP) -> Detail:
        facts = [
            (_("Address"), Cell("copy", row.floating_ip_address)),
            (_("Leads to"), Cell("link", *leads_to(actor, [row]).get(row.pk, ("", "")))),
            (_("Fixed IP"), Cell("copy", row.fixed_ip_address)),
            (_("Pool"), Cell("text", row.network.name)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.router is not None:
            facts.append((_("Router"), Cell("link", row.router.name, reverse("router", args=[row.router.id]))))
        if dns_of(row):
            facts.append((_("DNS name"), Cell("copy", dns_of(row))))
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        return Detail(
            row.floating_ip_address,
            status.floating_ip(row.port_id, row.status),
            cards=[Card(_("Details"), pairs=facts, name="details")],
        )


def address_of(row: FloatingIP) -> str:
    return row.floating_ip_address


class AllocateForm(Styled):
    pool = forms.ChoiceField(label=gettext_lazy("Pool"))
    address = forms.GenericIPAddressField(
        label=gettext_lazy("Address"), required=False, protocol="IPv4", widget=forms.TextInput(attrs=MONO),
        help_text=gettext_lazy("Empty: the next free one."),
    )  # fmt: skip
    description = Description()
    dns_name = forms.RegexField(
        _LABEL, label=gettext_lazy("DNS name"), required=False, max_length=63, widget=forms.TextInput(attrs=MONO)
    )
    dns_domain = forms.RegexField(
        _DOMAIN, label=gettext_lazy("DNS domain"), required=False, widget=forms.TextInput(attrs=MONO),
        help_text=gettext_lazy("Ends with a dot: example.org."),
    )  # fmt: skip


class AssociateForm(Styled):
    port = forms.ChoiceField(
        label=gettext_lazy("Leads to"),
        help_text=gettext_lazy("Addresses that a router joins with the network of this floating IP."),
    )


class EditForm(Styled):
    description = Description()


def pools(call: Call) -> list[tuple[str, Text]]:
    return choices(Network.objects.visible_to(call.actor).filter(external=True).order_by("name"))


def targets(call: Call) -> list[tuple[str, str]]:
    """("<port> <fixed IP>", its words) of the IPv4 addresses of the project's ports that the floating IP can lead to."""
    project = call.row.project_id
    routers = Router.objects.filter(gateway_port__network_id=call.row.network_id)
    joined = FixedIP.objects.filter(port__router__in=routers, port__role=ROUTER_INTERFACE).values("subnet_id")
    held = FixedIP.objects.filter(port__role="", port__project_id=project, subnet__ip_version=4, subnet__in=joined)
    rows = list(held.select_related("port"))
    names = dict(Server.objects.living().filter(project_id=project).values_list("pk", "name"))
    found = [
        (f"{ip.port_id} {ip.ip_address}", f"{names.get(ip.port.server_id) or called(ip.port)}: {ip.ip_address}")
        for ip in rows
    ]
    return sorted(found, key=lambda pair: pair[1])


def associate(call: Call, port: str) -> None:
    id, _space, fixed = port.partition(" ")
    services.update(call.actor, call.id, port_id=id, fixed_ip_address=fixed)


def only_admins_choose(call: Call, form: forms.Form) -> None:
    if not call.actor.is_admin:
        del form.fields["address"]


def allocate(
    call: Call,
    pool: str,
    description: str,
    dns_name: str,
    dns_domain: str,
    address: str = "",
    project: str | None = None,
) -> FloatingIP:
    """Allocate an address, to the actor's project unless another is named. Raises: as services.create()."""
    return services.create(
        call.actor, network_id=pool, description=description, dns_name=dns_name, dns_domain=dns_domain,
        floating_ip_address=address or None, project_id=project,
    )  # fmt: skip


ALLOCATE = FormDialog(
    panel="floating-ips",
    title=gettext_lazy("Allocate floating IP"),
    submit=gettext_lazy("Allocate"),
    form=AllocateForm,
    choices={"pool": pools},
    prepare=only_admins_choose,
    places=(
        (IpAddressAlreadyAllocated, "address"),
        (InvalidIpForNetwork, "address"),
        (services.BadFloatingIPRequest, "pool"),
        (IpAddressGenerationFailure, "pool"),
    ),
    do=lambda call, sent: allocate(call, **sent),
    next=to("floating-ips"),
    said=lambda row: _("%(ip)s is yours") % {"ip": row.floating_ip_address},
)
ASSOCIATE = FormDialog(
    panel="floating-ips",
    find=services.find,
    name=address_of,
    title=lambda call: _("Associate %(ip)s") % {"ip": call.name},
    submit=gettext_lazy("Associate"),
    form=AssociateForm,
    choices={"port": targets},
    places=(
        (services.FloatingIPPortAlreadyAssociated, "port"),
        (services.ExternalGatewayForFloatingIPNotFound, "port"),
    ),
    do=lambda call, sent: associate(call, **sent),
)
EDIT = FormDialog(
    panel="floating-ips",
    find=services.find,
    name=address_of,
    title=gettext_lazy("Edit %(name)s"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    do=lambda call, sent: services.update(call.actor, call.id, **sent),
)
DISASSOCIATE = Verb(panel="floating-ips", do=lambda call: services.update(call.actor, call.id, port_id=None))


class Release(Removal):
    """Addresses are released, not deleted."""

    def title(self, call: Call) -> str:
        if len(call.rows) == 1:
            return _("Release %(ip)s?") % {"ip": call.name}
        return ngettext("Release %(count)s?", "Release these %(count)s?", len(call.rows)) % {"count": len(call.rows)}

    def tally(self, done: int, count: int) -> str:
        return _("%(done)s of %(all)s released") % {"done": done, "all": count}

    def said(self, done: Done) -> str:
        if not isinstance(done, int):
            return ""
        return ngettext("%(count)s released", "%(count)s released", done) % {"count": done}


RELEASE = Release(
    panel="floating-ips",
    find=services.find,
    name=address_of,
    route="floating-ips",
    everywhere="all-floating-ips",
    one=gettext_lazy("Release the address"),
    bulk=gettext_lazy("Release the addresses"),
    gone=gettext_lazy("released"),
    text=gettext_lazy("Another project may get this address next."),
    remove=lambda call, id: services.delete(call.actor, id),
)
