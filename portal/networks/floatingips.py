"""Floating IPs: taken, pointed, released."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.models import Server
from networking.floatingips import services
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import FixedIP
from portal.networks import status
from portal.servers.listing import names_of
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Description, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Verb, gate
from portal.ui.tables import Cell, Column, Row, age


def leads_to(actor: RequestContext, rows: Any) -> dict[str, tuple[str, str]]:
    """Floating IP id → (instance's name, its page), of instances that the actor may see."""
    ports = {row.pk: row.port for row in rows if row.port_id}
    names = names_of(actor, ports.values())
    return {
        id: (names[port.server_id], reverse("instance", args=[port.server_id]))
        for id, port in ports.items()
        if port.server_id in names
    }


class FloatingIPs(ListPanel):
    panel, kind = "floating-ips", "floatingip"
    search, order = ("floating_ip_address", "fixed_ip_address", "id"), ("floating_ip_address", "id")
    columns = (
        Column(gettext_lazy("Address"), sort="floating_ip_address"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Leads to")),
        Column(gettext_lazy("Fixed IP"), hide="m"),
        Column(gettext_lazy("Pool"), hide="m"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    new = New(gettext_lazy("Allocate floating IP"), "floating-ip-create", "create_floatingip")
    empty = Empty(
        gettext_lazy("No floating IPs yet"),
        gettext_lazy(
            "A floating IP is an address of the outside that you point at an instance, and at another one later."
        ),
        "openstack floating ip create public",
    )

    def query(self, actor: RequestContext) -> Any:
        return FloatingIP.objects.filter(project_id=actor.project_id or "").select_related("network", "port")

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        where = leads_to(self.actor, found)
        return [
            Row(
                row.pk, row.floating_ip_address, reverse("floating-ip", args=[row.pk]), status.floating_ip(row.port_id, row.status),
                (Cell("status", status.floating_ip(row.port_id, row.status)), Cell("link", *where.get(row.pk, ("", ""))),
                 Cell("mono", row.fixed_ip_address), Cell("muted", row.network.name), age(row.created_at)),
                menu=reverse("floating-ip", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip


class FloatingItem(ItemPage):
    panel, kind = "floating-ips", "floatingip"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: FloatingIP) -> list[Action]:
        may = gate(actor, "update_floatingip", row)
        return [
            Action("associate", _("Associate"), "link", reverse("floating-ip-associate", args=[row.pk]), why=may),
            Action("disassociate", _("Disassociate"), "unlink", reverse("floating-ip-disassociate", args=[row.pk]), "post",
                   may or ("" if row.port_id else _("It leads nowhere"))),
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
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        return Detail(
            row.floating_ip_address,
            status.floating_ip(row.port_id, row.status),
            cards=[Card(_("Details"), pairs=facts)],
        )


def address_of(row: FloatingIP) -> str:
    return row.floating_ip_address


class AllocateForm(Styled):
    pool = forms.ChoiceField(label=gettext_lazy("Pool"))
    description = Description()


class AssociateForm(Styled):
    port = forms.ChoiceField(label=gettext_lazy("Leads to"))


def pools(call: Call) -> list[tuple[str, Text]]:
    return choices(Network.objects.visible_to(call.actor).filter(external=True).order_by("name"))


def targets(call: Call) -> list[tuple[str, str]]:
    """("<port> <fixed IP>", its words) of the IPv4 addresses that the project's instances have."""
    project = call.actor.project_id or ""
    names = dict(Server.objects.living().filter(project_id=project).values_list("pk", "name"))
    held = FixedIP.objects.filter(port__server_id__in=names, port__project_id=project, subnet__ip_version=4)
    found = [
        (f"{ip.port_id} {ip.ip_address}", f"{names[ip.port.server_id]}: {ip.ip_address}")
        for ip in held.select_related("port")
    ]
    return sorted(found, key=lambda pair: pair[1])


def associate(call: Call, values: dict[str, Any]) -> None:
    port, _space, fixed = values["port"].partition(" ")
    services.update(call.actor, call.id, port_id=port, fixed_ip_address=fixed)


ALLOCATE = FormDialog(
    panel="floating-ips",
    title=gettext_lazy("Allocate floating IP"),
    submit=gettext_lazy("Allocate"),
    form=AllocateForm,
    choices={"pool": pools},
    do=lambda call, sent: services.create(call.actor, network_id=sent["pool"], description=sent["description"]),
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
    do=associate,
)
DISASSOCIATE = Verb(panel="floating-ips", do=lambda call: services.update(call.actor, call.id, port_id=None))
RELEASE = Confirm(
    panel="floating-ips",
    find=services.find,
    name=address_of,
    title=lambda call: _("Release %(ip)s?") % {"ip": call.name},
    text=gettext_lazy("Another project may get this address next."),
    submit=gettext_lazy("Release the address"),
    do=lambda call: services.delete(call.actor, call.id),
    next=to("floating-ips"),
)
