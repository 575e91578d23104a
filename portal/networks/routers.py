"""Routers: gateways to the outside, and their legs on subnets."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from networking.networks.models import Network
from networking.ports.models import ROUTER_INTERFACE, FixedIP
from networking.routers import interfaces, services
from networking.routers.models import Router
from networking.subnets.models import Subnet
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Cell, Column, Row, age


def outside(actor: Actor) -> Any:
    return Network.objects.visible_to(actor).filter(external=True).order_by("name")


class Routers(ListPanel):
    panel, kind, icon = "routers", "router", "route"
    title = gettext_lazy("Routers")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("External network")),
        Column(gettext_lazy("Gateway address"), hide="m"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    def query(self, actor: Actor) -> Any:
        rows = Router.objects.filter(project_id=actor.project_id or "")
        return rows.select_related("gateway_port__network").prefetch_related("gateway_port__fixed_ips")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                router.pk, router.name or router.pk, reverse("router", args=[router.pk]),
                status.network(router.status, router.admin_state_up),
                (Cell("status", status.network(router.status, router.admin_state_up)), gateway_name(router),
                 Cell("copy", gateway_ip(router)), age(router.created_at)),
                menu=reverse("router", args=[router.pk]) + "?menu=1",
            )
            for router in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = gate(actor, "network:router:create", actor.project_id)
        return Action("create", _("Create router"), "plus", reverse("router-create"), why=why)

    def empty(self) -> Empty:
        text = _("A router joins networks with each other and with the outside.")
        return Empty(_("No routers yet"), text, "openstack router create --external-gateway public router")


def gateway_name(router: Router) -> Cell:
    port = router.gateway_port
    return Cell("link", port.network.name, reverse("network", args=[port.network_id])) if port else Cell("muted", "")


def gateway_ip(router: Router) -> str:
    port = router.gateway_port
    first = next(iter(port.fixed_ips.all()), None) if port else None
    return first.ip_address if first else ""


class RouterItem(ItemPage):
    panel, kind = "routers", "router port"
    list_title, list_route = gettext_lazy("Routers"), "routers"

    def find(self, actor: Actor, id: str) -> Router:
        return services.find(actor, id)

    def actions(self, actor: Actor, row: Router) -> list[Action]:
        may = gate(actor, "network:router:update", row)
        gateway = Action(
            "set-gateway", _("Set gateway"), "world-pin", reverse("router-gateway", args=[row.pk]), why=may
        )
        clear = Action("clear-gateway", _("Clear gateway"), "world-x", reverse("router-clear", args=[row.pk]), "post",
                       may or ("" if row.gateway_port_id else _("It has no gateway")))  # fmt: skip
        return [
            Action("add-interface", _("Add interface"), "plus", reverse("router-interface", args=[row.pk]), why=may),
            gateway,
            Action("edit", _("Edit"), "pencil", reverse("router-edit", args=[row.pk]), why=may),
            clear,
            Action("delete", _("Delete"), "trash", reverse("router-delete", args=[row.pk]),
                   why=gate(actor, "network:router:delete", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: Actor, row: Router) -> Detail:
        legs = row.legs.filter(role=ROUTER_INTERFACE).select_related("network")
        held: dict[str, list[FixedIP]] = {}
        for ip in FixedIP.objects.filter(port__in=legs).select_related("subnet"):
            held.setdefault(ip.port_id, []).append(ip)
        rows = [
            Row(
                port.pk, port.network.name or port.network_id, reverse("network", args=[port.network_id]),
                status.network(port.status), (
                    Cell("status", status.network(port.status)),
                    Cell("mono", ", ".join(ip.ip_address for ip in held.get(port.pk, []))),
                    Cell("mono", ", ".join(ip.subnet.cidr for ip in held.get(port.pk, []))),
                ), menu=reverse("router-interface-menu", args=[row.pk, port.pk]),
            )
            for port in legs.order_by("created_at")
        ]  # fmt: skip
        columns = (Column(_("Network")), Column(_("Status")), Column(_("Address")), Column(_("Subnet"), hide="m"))
        facts = [
            (_("External network"), gateway_name(row)),
            (_("Gateway address"), Cell("copy", gateway_ip(row))),
            ("SNAT", Cell("yes", row.enable_snat)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if actor.is_admin:
            facts.append((_("Host"), Cell("mono", row.host)))
        if row.routes:
            facts.append(
                (_("Routes"), Cell("pre", "\n".join(f"{one['destination']} → {one['nexthop']}" for one in row.routes)))
            )
        empty = _("No interface: nothing reaches the outside through it yet.")
        cards = [
            Card(_("Interfaces"), columns=columns, rows=rows, empty=empty),
            Card(_("Details"), pairs=facts, side=True),
        ]
        return Detail(row.name or row.pk, status.network(row.status, row.admin_state_up), cards=cards)


class RouterForm(Styled):
    name = Name()
    network = forms.ChoiceField(label=gettext_lazy("External network"), required=False)
    subnet = forms.ChoiceField(label=gettext_lazy("First interface on"), required=False)


def reachable(actor: Actor) -> Any:
    """Subnets of the project that a router can have a leg on."""
    return Subnet.objects.filter(network__project_id=actor.project_id or "", network__external=False).exclude(
        gateway_ip=""
    )


def subnet_choices(actor: Actor, empty: Text | None = None) -> list[tuple[str, Text]]:
    rows = reachable(actor).select_related("network").order_by("network__name", "cidr")
    found = [(row.pk, f"{row.network.name}: {row.cidr}") for row in rows]
    return ([("", empty)] if empty is not None else []) + found


class Create(FormDialog):
    panel = "routers"
    title, submit = gettext_lazy("Create router"), gettext_lazy("Create")
    form_class = RouterForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["network"].choices = choices(outside(self.actor), empty=_("None"))  # type: ignore[attr-defined]
        form.fields["subnet"].choices = subnet_choices(self.actor, _("None"))  # type: ignore[attr-defined]
        return form

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        gateway = {"network_id": values["network"]} if values["network"] else None
        router = services.create(actor, name=values["name"], external_gateway_info=gateway)
        if values["subnet"]:
            interfaces.add(actor, router.id, subnet_id=values["subnet"])
        return reverse("router", args=[router.id]), ""


class EditForm(Styled):
    name = Name(required=False)
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)


class Edit(FormDialog):
    panel = "routers"
    title, submit = gettext_lazy("Edit router"), gettext_lazy("Keep")
    form_class = EditForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = services.find(self.actor, keys["id"])
        return {name: getattr(row, name) for name in EditForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        services.update(actor, keys["id"], **values)
        return "", ""


class GatewayForm(Styled):
    network = forms.ChoiceField(label=gettext_lazy("External network"))


class Gateway(FormDialog):
    panel = "routers"
    title, submit = gettext_lazy("Set gateway"), gettext_lazy("Set")
    form_class = GatewayForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["network"].choices = choices(outside(self.actor))  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        services.update(actor, keys["id"], external_gateway_info={"network_id": values["network"]})
        return reverse("router", args=[keys["id"]]), ""


class ClearGateway(Page):
    panel = "routers"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        services.update(self.actor, id, external_gateway_info=None)
        return self.done(_("The gateway is cleared"))


class InterfaceForm(Styled):
    subnet = forms.ChoiceField(label=gettext_lazy("Subnet"))


class AddInterface(FormDialog):
    panel = "routers"
    title, submit = gettext_lazy("Add interface"), gettext_lazy("Add")
    form_class = InterfaceForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        form.fields["subnet"].choices = subnet_choices(self.actor)  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        interfaces.add(actor, keys["id"], subnet_id=values["subnet"])
        return reverse("router", args=[keys["id"]]), ""


class InterfaceMenu(Page):
    panel = "routers"

    def get(self, request: HttpRequest, id: str, port: str) -> HttpResponse:
        row = services.find(self.actor, id)
        url = reverse("router-interface-delete", args=[id, port])
        why = gate(self.actor, "network:router:update", row)
        actions = [Action("remove-interface", _("Remove interface"), "trash", url, why=why, risk=True)]
        return self.fragment("ui/menu.html", actions=actions, id=port)


class RemoveInterface(Confirm):
    panel = "routers"
    submit, keep = gettext_lazy("Remove the interface"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Remove this interface of %(name)s?") % {"name": services.find(self.actor, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("Instances on the subnet no longer reach other networks through it.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        interfaces.remove(actor, keys["id"], port_id=keys["port"])
        return reverse("router", args=[keys["id"]]), ""


class Delete(Confirm):
    panel = "routers"
    submit, keep = gettext_lazy("Delete the router"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": services.find(self.actor, keys["id"]).name or keys["id"]}

    def text(self, **keys: str) -> Text:
        return _("It is refused while it has interfaces.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.delete(actor, keys["id"])
        return reverse("routers"), ""
