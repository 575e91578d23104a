"""Routers: gateways to the outside, and their interfaces on subnets."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from networking.networks.models import Network
from networking.ports.models import ROUTER_INTERFACE, FixedIP
from networking.routers import interfaces, services
from networking.routers.gateway import GatewayInfo
from networking.routers.models import Router
from networking.subnets.models import Subnet
from portal.networks import status
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, Delete, FormDialog, choices, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.status import Status
from portal.ui.tables import Cell, Column, Row, attr


def outside(actor: RequestContext) -> object:
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
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.network(row.status, row.admin_state_up))),
        Column(gettext_lazy("External network"), cell=gateway_name),
        Column(gettext_lazy("Gateway address"), hide="m", cell=lambda row: Cell("copy", gateway_ip(row))),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    new = New(gettext_lazy("Create router"), "router-create", "create_router")
    empty = Empty(
        gettext_lazy("No routers yet"),
        gettext_lazy("A router joins networks with each other and with the outside."),
        "openstack router create --external-gateway public router",
    )

    def query(self, actor: RequestContext) -> Any:
        rows = Router.objects.filter(project_id=actor.project_id or "")
        return rows.select_related("gateway_port__network").prefetch_related("gateway_port__fixed_ips")

    def status(self, one: Router) -> Status:
        return status.network(one.status, one.admin_state_up)


class RouterItem(ItemPage):
    panel, kind = "routers", "router port"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: Router) -> list[Action]:
        may = gate(actor, "update_router", row)
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
                   why=gate(actor, "delete_router", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Router) -> Detail:
        interfaces = row.ports.filter(role=ROUTER_INTERFACE).select_related("network")
        held: dict[str, list[FixedIP]] = {}
        for ip in FixedIP.objects.filter(port__in=interfaces).select_related("subnet"):
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
            for port in interfaces.order_by("created_at")
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


def reachable(actor: RequestContext) -> Any:
    """Subnets of the project that a router can have an interface on."""
    return Subnet.objects.filter(network__project_id=actor.project_id or "", network__external=False).exclude(
        gateway_ip=""
    )


def subnet_choices(actor: RequestContext, empty: Text | None = None) -> list[tuple[str, Text]]:
    rows = reachable(actor).select_related("network").order_by("network__name", "cidr")
    found = [(row.pk, f"{row.network.name}: {row.cidr}") for row in rows]
    return ([("", empty)] if empty is not None else []) + found


class EditForm(Styled):
    name = Name(required=False)
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)


class GatewayForm(Styled):
    network = forms.ChoiceField(label=gettext_lazy("External network"))


class InterfaceForm(Styled):
    subnet = forms.ChoiceField(label=gettext_lazy("Subnet"))


@transaction.atomic
def create(call: Call, values: dict[str, Any]) -> Any:
    """Create a router with its gateway and first interface, as far as they are asked for: all or none."""
    gateway = GatewayInfo(network_id=values["network"]) if values["network"] else None
    made = services.create(call.actor, name=values["name"], external_gateway_info=gateway)
    if values["subnet"]:
        interfaces.add(call.actor, made.id, subnet_id=values["subnet"])
    return made


def set_gateway(call: Call, values: dict[str, object]) -> None:
    services.update(call.actor, call.id, external_gateway_info={"network_id": values["network"]})


def interface_verbs(call: Call) -> list[Action]:
    router = services.find(call.actor, call.keys["id"])
    url = reverse("router-interface-delete", args=[router.id, call.id])
    why = gate(call.actor, "update_router", router)
    return [Action("remove-interface", _("Remove interface"), "trash", url, why=why, risk=True)]


CREATE = FormDialog(
    panel="routers",
    title=gettext_lazy("Create router"),
    submit=gettext_lazy("Create"),
    form=RouterForm,
    choices={
        "network": lambda call: choices(outside(call.actor), empty=_("None")),
        "subnet": lambda call: subnet_choices(call.actor, _("None")),
    },
    do=create,
    next=to_made("router"),
)
EDIT = FormDialog(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Edit router"),
    submit=gettext_lazy("Keep"),
    form=EditForm,
    initial=from_row,
    do=lambda call, values: services.update(call.actor, call.id, **values),
)
GATEWAY = FormDialog(
    panel="routers",
    title=gettext_lazy("Set gateway"),
    submit=gettext_lazy("Set"),
    form=GatewayForm,
    choices={"network": lambda call: choices(outside(call.actor))},
    do=set_gateway,
    next=to("router", "id"),
)
CLEAR_GATEWAY = Verb(
    panel="routers",
    do=lambda call: services.update(call.actor, call.id, external_gateway_info=None),
    said=gettext_lazy("The gateway is cleared"),
)
DELETE = Delete(
    panel="routers",
    find=services.find,
    text=gettext_lazy("It is refused while it has interfaces."),
    submit=gettext_lazy("Delete the router"),
    do=lambda call: services.delete(call.actor, call.id),
    next=to("routers"),
)
ADD_INTERFACE = FormDialog(
    panel="routers",
    title=gettext_lazy("Add interface"),
    submit=gettext_lazy("Add"),
    form=InterfaceForm,
    choices={"subnet": lambda call: subnet_choices(call.actor)},
    do=lambda call, values: interfaces.add(call.actor, call.id, subnet_id=values["subnet"]),
    next=to("router", "id"),
)
INTERFACE_MENU = Menu(panel="routers", key="port", actions=interface_verbs)
REMOVE_INTERFACE = Confirm(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Remove this interface of %(name)s?"),
    text=gettext_lazy("Instances on the subnet no longer reach other networks through it."),
    submit=gettext_lazy("Remove the interface"),
    do=lambda call: interfaces.remove(call.actor, call.id, port_id=call.keys["port"]),
    next=to("router", "id"),
)
