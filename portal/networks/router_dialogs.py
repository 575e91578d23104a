"""Creating, changing and removing routers, their gateways, interfaces and static routes."""

from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from hostagent.contract import inet
from networking.errors import InvalidInput, InvalidIpForNetwork, InvalidIpForSubnet, IpAddressAlreadyAllocated
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.models import FixedIP
from networking.routers import gateway, interfaces, services
from networking.routers.models import Router
from networking.subnets import services as subnets
from networking.subnets.models import Subnet
from portal.networks.fields import MONO, Address, Cidr
from portal.networks.network_dialogs import zones
from portal.networks.routers import outside
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import Confirm, FormDialog, choices, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.removal import Removal


class GatewayFields(Styled):
    network = forms.ChoiceField(label=gettext_lazy("External network"), required=False)
    enable_snat = forms.BooleanField(
        label="SNAT",
        required=False,
        initial=True,
        help_text=gettext_lazy("Instances without a floating IP reach the outside under the gateway's address."),
    )


class CreateForm(GatewayFields):
    name = Name()
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)
    subnet = forms.ChoiceField(label=gettext_lazy("First interface on"), required=False)
    zones = forms.MultipleChoiceField(
        label=gettext_lazy("Availability zones"), required=False, widget=forms.CheckboxSelectMultiple
    )
    field_order = ("name", "description", "network", "enable_snat", "subnet", "admin_state_up")


class EditForm(Styled):
    name = Name(required=False)
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)


class GatewayForm(GatewayFields):
    ip = Address(
        label=gettext_lazy("Gateway address"), help_text=gettext_lazy("Empty: the present one, or the next free one.")
    )

    def clean(self) -> None:
        if not self.cleaned_data.get("network") and "network" not in self.errors:
            self.add_error("network", _("Choose the network that it leads to."))


class InterfaceForm(Styled):
    subnet = forms.ChoiceField(label=gettext_lazy("Subnet"))
    ip = Address(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("Empty: the subnet's gateway address; where that is taken, the next free one."),
    )

    def clean(self) -> None:
        subnet = Subnet.objects.filter(pk=self.cleaned_data.get("subnet") or "").first()
        if subnet is not None and not subnet.gateway_ip and not self.cleaned_data.get("ip"):
            self.add_error("ip", _("This subnet has no gateway address: choose one."))


class RouteForm(Styled):
    destination = Cidr(label=gettext_lazy("Destination"))
    nexthop = forms.GenericIPAddressField(label=gettext_lazy("Next hop"), widget=forms.TextInput(attrs=MONO))
    #: (range of an interface's subnet, the interface's own address) of the router.
    reach: tuple[tuple[str, str], ...] = ()

    def clean(self) -> None:
        if "nexthop" not in self.cleaned_data:
            return
        hop = inet.ip_address(self.cleaned_data["nexthop"])
        if all(hop not in inet.ip_network(cidr) for cidr, _ip in self.reach):
            self.add_error("nexthop", _("The router has no interface on a subnet with this address."))
        elif str(hop) in [ip for _cidr, ip in self.reach]:
            self.add_error("nexthop", _("This is the router itself."))


def reachable(actor: RequestContext) -> QuerySet[Subnet]:
    """Subnets that a router of the project can have an interface on."""
    inside = Network.objects.usable_by(actor).filter(external=False)
    return Subnet.objects.filter(
        network__in=inside.filter(project_id=actor.project_id or "") | inside.filter(shared=True)
    )


def taken(subnets: QuerySet[Subnet]) -> set[str]:
    """Find the subnets whose gateway address something has already."""
    held = FixedIP.objects.filter(subnet__in=subnets, ip_address=F("subnet__gateway_ip"))
    return set(held.values_list("subnet_id", flat=True))


def subnet_choices(
    actor: RequestContext, empty: Text | None = None, router: Router | None = None
) -> list[tuple[str, Text]]:
    """List where a router can have an interface, and where that is not the gateway; not where `router` has one."""
    rows = reachable(actor).select_related("network").order_by("network__name", "cidr")
    if router is not None:
        rows = rows.exclude(pk__in=FixedIP.objects.filter(port__router=router).values("subnet_id"))
    found: list[tuple[str, Text]] = [("", empty)] if empty is not None else []
    held = taken(rows)
    for row in rows:
        words = {"network": row.network.name, "cidr": row.cidr, "ip": row.gateway_ip}
        other = _("%(network)s: %(cidr)s (%(ip)s is taken: it gets another address)") % words
        found.append((row.pk, other if row.pk in held else f"{row.network.name}: {row.cidr}"))
    return found


def only_admins_choose(call: Call, form: forms.Form) -> None:
    """Ask administrators alone for a gateway's address and whether it translates, as Neutron does."""
    if not call.actor.is_admin:
        for name in ("enable_snat", "ip"):
            form.fields.pop(name, None)


def gateway_info(call: Call, network: str, snat: bool, ip: str = "") -> gateway.GatewayInfo:
    info = gateway.GatewayInfo(network_id=network)
    if call.actor.is_admin:
        info["enable_snat"] = snat
        if ip:
            info["external_fixed_ips"] = [{"ip_address": ip}]
    return info


@dataclass(frozen=True, kw_only=True)
class New:
    name: str
    description: str
    network: str
    admin_state_up: bool
    zones: list[str]
    subnet: str = ""
    enable_snat: bool = True
    project: str | None = None  # the actor's own


@transaction.atomic
def create(call: Call, new: New) -> Router:
    """Create a router with its gateway and first interface, as far as they are asked for: all or none."""
    info = gateway_info(call, new.network, new.enable_snat) if new.network else None
    made = services.create(
        call.actor, name=new.name, description=new.description, admin_state_up=new.admin_state_up,
        external_gateway_info=info, availability_zone_hints=new.zones, project_id=new.project,
    )  # fmt: skip
    if new.subnet:
        join(call.actor, made, new.subnet)
    return made


def set_gateway(call: Call, network: str, enable_snat: bool = True, ip: str = "") -> None:
    services.update(call.actor, call.id, external_gateway_info=gateway_info(call, network, enable_snat, ip))


def of_gateway(call: Call) -> dict[str, object]:
    port = call.row.gateway_port
    network = port.network_id if port else ""
    return {"network": network, "enable_snat": call.row.enable_snat}


@transaction.atomic
def join(actor: RequestContext, router: Router, subnet: str, ip: str = "") -> None:
    """Give a router an interface on the subnet's gateway address; on a chosen one, or where that is taken on a free one, by a port of its own."""
    row = subnets.find(actor, subnet)
    if not ip and not taken(Subnet.objects.filter(pk=row.pk)):
        interfaces.add(actor, router.id, subnet_id=subnet)
        return
    fixed = [{"subnet_id": subnet, **({"ip_address": ip} if ip else {})}]
    port = ports.create(actor, network_id=row.network_id, fixed_ips=fixed, project_id=router.project_id)
    interfaces.add(actor, router.id, port_id=port.id)


def interface_verbs(call: Call) -> list[Action]:
    router = services.find(call.actor, call.keys["id"])
    url = reverse("router-interface-delete", args=[router.id, call.id])
    why = gate(call.actor, "update_router", router)
    return [Action("remove-interface", _("Remove interface"), "trash", url, why=why, risk=True)]


CREATE = FormDialog(
    panel="routers",
    title=gettext_lazy("Create router"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    choices={
        "network": lambda call: choices(outside(call.actor), empty=_("None")),
        "subnet": lambda call: subnet_choices(call.actor, _("None")),
        "zones": zones,
    },
    prepare=only_admins_choose,
    places=((interfaces.BadRouterRequest, "subnet"), (IpAddressAlreadyAllocated, "subnet")),
    do=lambda call, values: create(call, New(**values)),
    next=to_made("router"),
)
EDIT = FormDialog(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Edit router"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    do=lambda call, values: services.update(call.actor, call.id, **values),
)
GATEWAY = FormDialog(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Set gateway"),
    submit=gettext_lazy("Set"),
    form=GatewayForm,
    initial=of_gateway,
    choices={"network": lambda call: choices(outside(call.actor), empty=_("None"))},
    prepare=only_admins_choose,
    places=(
        (gateway.RouterExternalGatewayInUseByFloatingIp, "network"),
        (InvalidIpForNetwork, "ip"),
        (InvalidIpForSubnet, "ip"),
        (IpAddressAlreadyAllocated, "ip"),
    ),
    do=lambda call, values: set_gateway(call, **values),
    next=to("router", "id"),
)
CLEAR_GATEWAY = Verb(
    panel="routers",
    do=lambda call: services.update(call.actor, call.id, external_gateway_info=None),
    said=gettext_lazy("The gateway is cleared"),
)
DELETE = Removal(
    panel="routers",
    find=services.find,
    route="routers",
    everywhere="all-routers",
    one=gettext_lazy("Delete the router"),
    bulk=gettext_lazy("Delete the routers"),
    text=gettext_lazy("It is refused while it has interfaces."),
    remove=lambda call, id: services.delete(call.actor, id),
)
ADD_INTERFACE = FormDialog(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Add interface"),
    submit=gettext_lazy("Add"),
    form=InterfaceForm,
    choices={"subnet": lambda call: subnet_choices(call.actor, router=call.row)},
    places=(
        (interfaces.BadRouterRequest, "subnet"),
        (InvalidIpForSubnet, "ip"),
        (IpAddressAlreadyAllocated, "ip"),
        (InvalidInput, "ip"),
    ),
    do=lambda call, values: join(call.actor, call.row, **values),
    next=to("router-tab", "id", tab="interfaces"),
)
INTERFACE_MENU = Menu(panel="routers", key="port", actions=interface_verbs)
REMOVE_INTERFACE = Confirm(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Remove this interface of %(name)s?"),
    text=gettext_lazy("Instances on the subnet no longer reach other networks through it."),
    submit=gettext_lazy("Remove the interface"),
    do=lambda call: interfaces.remove(call.actor, call.id, port_id=call.keys["port"]),
    next=to("router-tab", "id", tab="interfaces"),
)


# ── Static routes ───────────────────────────────────────────────────────────────────────────────────────────────────


def its_reach(call: Call, form: RouteForm) -> None:
    held = FixedIP.objects.filter(port__router=call.row)
    form.reach = tuple(held.values_list("subnet__cidr", "ip_address"))


@transaction.atomic
def add_route(call: Call, destination: str, nexthop: str) -> None:
    router = services.find(call.actor, call.id, lock=True)
    services.update(call.actor, call.id, routes=[*router.routes, {"destination": destination, "nexthop": nexthop}])


@transaction.atomic
def remove_route(call: Call) -> None:
    router = services.find(call.actor, call.id, lock=True)
    gone = {"destination": call.keys["to"], "nexthop": call.keys["hop"]}
    services.update(call.actor, call.id, routes=[route for route in router.routes if route != gone])


def route_verbs(call: Call) -> list[Action]:
    url, why = reverse("router-route-delete", kwargs=call.keys), gate(call.actor, "update_router", call.row)
    return [Action("delete-route", _("Delete"), "trash", url, why=why, risk=True)]


ADD_ROUTE = FormDialog(
    panel="routers",
    find=services.find,
    title=gettext_lazy("Add static route"),
    submit=gettext_lazy("Add"),
    form=RouteForm,
    prepare=its_reach,
    places=((InvalidInput, "destination"), (services.RoutesExhausted, "destination")),
    do=lambda call, values: add_route(call, **values),
    next=to("router-tab", "id", tab="routes"),
)
ROUTE_MENU = Menu(panel="routers", find=services.find, actions=route_verbs)
DELETE_ROUTE = Confirm(
    panel="routers",
    find=services.find,
    title=lambda call: _("Delete the route to %(to)s?") % {"to": call.keys["to"]},
    text=gettext_lazy("Packets to these addresses go where the router's other routes lead."),
    submit=gettext_lazy("Delete the route"),
    do=remove_route,
    next=to("router-tab", "id", tab="routes"),
)
