"""Floating IPs: taken, pointed, released."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from compute.servers.models import Server
from networking.floatingips import services
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import FixedIP
from portal.servers.listing import names_of
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Description, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Cell, Column, Row, age


def leads_to(actor: Actor, rows: Any) -> dict[str, tuple[str, str]]:
    """Floating IP id → (instance's name, its page), of instances that the actor may see."""
    ports = {row.pk: row.port for row in rows if row.port_id}
    names = names_of(actor, ports.values())
    return {
        id: (names[port.server_id], reverse("instance", args=[port.server_id]))
        for id, port in ports.items()
        if port.server_id in names
    }


class FloatingIPs(ListPanel):
    panel, kind, icon = "floating-ips", "floatingip", "world-pin"
    title = gettext_lazy("Floating IPs")
    search, order = ("floating_ip_address", "fixed_ip_address", "id"), ("floating_ip_address", "id")
    columns = (
        Column(gettext_lazy("Address"), sort="floating_ip_address"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("Leads to")),
        Column(gettext_lazy("Fixed IP"), hide="m"),
        Column(gettext_lazy("Pool"), hide="m"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    def query(self, actor: Actor) -> Any:
        return FloatingIP.objects.filter(project_id=actor.project_id or "").select_related("network", "port")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
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

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "network:floatingip:create", actor.project_id)
        return Action("create", _("Allocate floating IP"), "plus", reverse("floating-ip-create"), why=why)

    def empty(self) -> Empty:
        text = _("A floating IP is an address of the outside that you point at an instance, and at another one later.")
        return Empty(_("No floating IPs yet"), text, "openstack floating ip create public")


class FloatingItem(ItemPage):
    panel, kind = "floating-ips", "floatingip"
    list_title, list_route = gettext_lazy("Floating IPs"), "floating-ips"

    def find(self, actor: Actor, id: str) -> FloatingIP:
        return services.find(actor, id)

    def actions(self, actor: Actor, row: FloatingIP) -> list[Action]:
        may = gate(actor, "network:floatingip:update", row)
        return [
            Action("associate", _("Associate"), "link", reverse("floating-ip-associate", args=[row.pk]), why=may),
            Action("disassociate", _("Disassociate"), "unlink", reverse("floating-ip-disassociate", args=[row.pk]), "post",
                   may or ("" if row.port_id else _("It leads nowhere"))),
            Action("delete", _("Release"), "trash", reverse("floating-ip-delete", args=[row.pk]),
                   why=gate(actor, "network:floatingip:delete", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: Actor, row: FloatingIP) -> Detail:
        facts = [
            (_("Address"), Cell("copy", row.floating_ip_address)),
            (_("Leads to"), Cell("link", *leads_to(actor, [row]).get(row.pk, ("", "")))),
            (_("Fixed IP"), Cell("copy", row.fixed_ip_address)),
            (_("Pool"), Cell("text", row.network.name)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.router_id:
            facts.append((_("Router"), Cell("link", row.router.name, reverse("router", args=[row.router_id]))))
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        return Detail(
            row.floating_ip_address,
            status.floating_ip(row.port_id, row.status),
            cards=[Card(_("Details"), pairs=facts)],
        )


class AllocateForm(Styled):
    pool = forms.ChoiceField(label=gettext_lazy("Pool"))
    description = Description()


class Allocate(FormDialog):
    panel = "floating-ips"
    title, submit = gettext_lazy("Allocate floating IP"), gettext_lazy("Allocate")
    form_class = AllocateForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        pools = Network.objects.visible_to(self.actor).filter(external=True).order_by("name")
        form.fields["pool"].choices = choices(pools)  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        row = services.create(actor, network_id=values["pool"], description=values["description"])
        return reverse("floating-ips"), _("%(ip)s is yours") % {"ip": row.floating_ip_address}


class AssociateForm(Styled):
    port = forms.ChoiceField(label=gettext_lazy("Leads to"))


class Associate(FormDialog):
    panel = "floating-ips"
    title, submit = gettext_lazy("Associate"), gettext_lazy("Associate")
    form_class = AssociateForm

    def heading(self, **keys: str) -> Text:
        return _("Associate %(ip)s") % {"ip": services.find(self.actor, keys["id"]).floating_ip_address}

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        project = self.actor.project_id or ""
        names = dict(Server.objects.living().filter(project_id=project).values_list("pk", "name"))
        held = FixedIP.objects.filter(
            port__server_id__in=names, port__project_id=project, subnet__ip_version=4
        ).select_related("port")
        form.fields["port"].choices = sorted(  # type: ignore[attr-defined]
            ((f"{ip.port_id} {ip.ip_address}", f"{names[ip.port.server_id]}: {ip.ip_address}") for ip in held),
            key=lambda pair: pair[1],
        )
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        port, _space, fixed = values["port"].partition(" ")
        services.update(actor, keys["id"], port_id=port, fixed_ip_address=fixed)
        return "", ""


class Disassociate(Page):
    panel = "floating-ips"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        services.update(self.actor, id, port_id=None)
        return self.done()


class Release(Confirm):
    panel = "floating-ips"
    submit, keep = gettext_lazy("Release the address"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Release %(ip)s?") % {"ip": services.find(self.actor, keys["id"]).floating_ip_address}

    def text(self, **keys: str) -> Text:
        return _("Another project may get this address next.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.delete(actor, keys["id"])
        return reverse("floating-ips"), ""
