"""What stands beside the map of the thing that was chosen: its facts, and its verbs, which come back to the map."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from compute.servers.lifecycle import services as servers
from networking.networks import services as networks
from networking.ports.models import ROUTER_INTERFACE, Port
from networking.routers import services as routers
from networking.subnets.models import Subnet
from portal.networks import status
from portal.networks.networks import NetworkItem
from portal.networks.routers import RouterItem, gateway_ip, gateway_name
from portal.servers import listing, verbs
from portal.ui import Text
from portal.ui.menus import Action, gate
from portal.ui.status import Status
from portal.ui.tables import Cell

Lines = Sequence[tuple[Text, Text, Action]]


@dataclass
class Side:
    """`lines`: (name, note, verb) of its parts: subnets, interfaces."""

    title: str
    url: str
    status: Status | None
    kinds: str  # of changes after which it is read anew
    pairs: Sequence[tuple[Text, Cell]]
    actions: Sequence[Action]
    lines: Lines = ()


def back(action: Action, here: str) -> Action:
    """Lead the verb back to the map when it is done."""
    return action if action.how in ("link", "post") else replace(action, url=f"{action.url}?next={here}")


def of_network(actor: RequestContext, id: str) -> Side:
    row = networks.find(actor, id)
    chosen = {action.name: action for action in NetworkItem().actions(actor, row)}
    launch = Action("launch", _("Launch here"), "rocket", reverse("launch") + f"?networks={row.pk}", "link")
    lines = [
        (subnet.cidr, subnet.name,
         Action("delete-subnet", _("Delete the subnet"), "trash", reverse("subnet-delete", args=[row.pk, subnet.pk]),
                why=gate(actor, "delete_subnet", subnet), risk=True))
        for subnet in Subnet.objects.visible_to(actor).filter(network=row).order_by("created_at")
    ]  # fmt: skip
    pairs = (
        (_("External"), Cell("yes", row.external)),
        (_("Shared"), Cell("yes", row.shared)),
        ("MTU", Cell("num", row.mtu)),
    )
    actions = [*([] if row.external else [launch]), chosen["create-subnet"], chosen["delete"]]
    state = status.network(row.status, row.admin_state_up)
    url = reverse("network", args=[row.pk])
    return Side(row.name or row.pk, url, state, "network subnet", pairs, actions, lines)


def of_router(actor: RequestContext, id: str) -> Side:
    row = routers.find(actor, id)
    chosen = {action.name: action for action in RouterItem().actions(actor, row)}
    held = (
        Port.objects.filter(router=row, role=ROUTER_INTERFACE).select_related("network").prefetch_related("fixed_ips")
    )
    lines = [
        (port.network.name or port.network_id, ", ".join(ip.ip_address for ip in port.fixed_ips.all()),
         Action("remove-interface", _("Remove interface"), "unlink",
                reverse("router-interface-delete", args=[row.pk, port.pk]), why=gate(actor, "update_router", row), risk=True))
        for port in held.order_by("created_at")
    ]  # fmt: skip
    pairs = (
        (_("External network"), gateway_name(row)),
        (_("Gateway address"), Cell("copy", gateway_ip(row))),
        ("SNAT", Cell("yes", row.enable_snat)),
    )
    actions = [chosen[name] for name in ("add-interface", "set-gateway", "delete")]
    state = status.network(row.status, row.admin_state_up)
    return Side(row.name or row.pk, reverse("router", args=[row.pk]), state, "router port", pairs, actions, lines)


def of_instance(actor: RequestContext, id: str) -> Side:
    row = servers.find(actor, id)
    chosen = {action.name: action for action in verbs.actions(actor, row)}
    shown = listing.rows(listing.visible(actor).filter(pk=row.pk))
    found = shown[0] if shown else {"fixed": [], "floating": [], "st": None}
    groups = Port.objects.of_server(row).values_list("groups__name", flat=True)
    pairs = (
        (_("Fixed IP"), Cell("tags", found["fixed"])),
        (_("Floating IP"), Cell("tags", found["floating"])),
        (_("Security groups"), Cell("text", ", ".join(sorted({name for name in groups if name})))),
    )
    actions = [chosen[name] for name in ("console", "floating-ip", "delete")]
    return Side(row.name, reverse("instance", args=[row.id]), found["st"], "server floatingip", pairs, actions)


KINDS: dict[str, Callable[[RequestContext, str], Side]] = {
    "network": of_network, "router": of_router, "instance": of_instance,
}  # fmt: skip
