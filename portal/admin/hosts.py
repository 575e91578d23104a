"""The page of a host: what it can hold, what it owes, what runs there; and taking it out for upkeep."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.units import GIB, MIB, human_bytes, human_mib
from compute.aggregates.models import Aggregate
from compute.servers.create import scheduling
from compute.servers.models import Server
from hosts import drivers, services
from hosts.models import Host
from placement import services as placement
from portal.admin import owed, status
from portal.load import views as load
from portal.servers import listing
from portal.ui import Text
from portal.ui.calls import Call
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Styled
from portal.ui.menus import Action, Verb, gate
from portal.ui.status import Status
from portal.ui.tables import Cell, Column, Row, age

RESOURCES = ("VCPU", "MEMORY_MB", "DISK_GB")
SHOWN = 10  # instances on a host's page; the list of all has the others

#: What an agent reports of its host (hostagent.contract.host) → what people call it; others by their names.
REPORTED: dict[str, Text] = {
    "acceleration": gettext_lazy("Acceleration"),
    "acceleration_reason": gettext_lazy("Why"),
    "cpu_arch": gettext_lazy("Architecture"),
    "cpu_model": gettext_lazy("Processor"),
    "disk_free_gib": gettext_lazy("Free disk"),
    "disk_gib": gettext_lazy("Disk"),
    "hostname": gettext_lazy("Host name"),
    "hypervisor": gettext_lazy("Hypervisor"),
    "hypervisor_version": gettext_lazy("Version of the hypervisor"),
    "image_cache_gib": gettext_lazy("Image cache"),
    "memory_mib": gettext_lazy("Memory"),
    "underlay_ip": gettext_lazy("Underlay address"),
    "vcpus": "vCPUs",
    "version": gettext_lazy("Agent"),
}


def reported(name: str, value: object) -> Cell:
    """Show a fact, a size by the unit in its name; of what a program printed beside its reason the reason alone: the host's log has the whole."""
    unit = {"mib": MIB, "gib": GIB}.get(name.rpartition("_")[2])
    if unit and isinstance(value, int):
        return Cell("size", value * unit)
    text = str(value)
    reason, _colon, printed = text.partition(": ")
    return Cell("text", reason) if len(printed) > 60 else Cell("mono", text)


def amount(name: str, value: int) -> str:
    if name == "MEMORY_MB":
        return human_mib(value)
    return human_bytes(value * 1024**3) if name == "DISK_GB" else str(value)


def use_of(provider: placement.ProviderSummary | None, name: str) -> Cell:
    """Build a bar of what is allocated of one resource."""
    if provider is None:
        return Cell("muted", "")
    used, capacity = provider.used.get(name, 0), provider.capacity.get(name, 0)
    return Cell("use", (used, capacity, amount(name, used), _("of %(limit)s") % {"limit": amount(name, capacity)}))


def state_of(host: Host) -> Status:
    return status.host(host.state, enabled=host.enabled, forced_down=host.forced_down, since=host.last_seen_at)


def instances_card(host: Host) -> Card:
    """Build the card of the newest instances on a host, whosever they are."""
    found = Server.objects.living().filter(host=host.name)
    rows = [
        Row(
            one["id"], one["name"], reverse("instance", args=[one["id"]]), one["st"],
            (Cell("status", one["st"]), Cell("text", one["flavor_name"]), Cell("mono", one["sub"])),
        )
        for one in listing.rows(found.order_by("-created_at")[:SHOWN])
    ]  # fmt: skip
    there = reverse("all-instances") + f"?host={host.name}"
    all_of_them = Action("all-instances", _("All %(all)s") % {"all": found.count()}, "server-2", there, "link")
    columns = (Column(_("Name")), Column(_("Status")), Column(_("Flavor"), hide="m"), Column(_("Address"), hide="m"))
    empty = _("No instance is here.")
    return Card(_("Instances"), columns=columns, rows=rows, action=all_of_them, empty=empty, name="instances")


def aggregates_card(host: Host) -> Card:
    """Build the card of the aggregates that a host is in."""
    found = Aggregate.objects.filter(hosts__host=host.name).order_by("name")
    links = [(one.name, reverse("aggregate", args=[one.pk])) for one in found]
    return Card(_("Host aggregates"), pairs=[(_("Member of"), Cell("links", links))], side=True, name="aggregates")


def driver_card(known: drivers.HostDrivers) -> Card:
    """Build a card of the host's drivers, the default of each kind first, and what each can do."""
    columns = (Column(_("Kind")), Column(_("Name")), Column(_("Driver")), Column(_("Can do"), "many"))
    rows = [
        Row(
            f"{driver['kind']}-{driver['name']}", status.ROLES.get(driver["kind"], driver["kind"]), "", None,
            (Cell("mono", driver["name"]), Cell("mono", driver["driver"]), Cell("tags", driver["capabilities"])),
        )
        for driver in known.instances
    ]  # fmt: skip
    return Card(_("Drivers"), columns=columns, rows=rows, name="drivers")


class HostItem(ItemPage):
    panel, kind = "hosts", "host server"
    recorded = "compute/node"

    def find(self, actor: RequestContext, id: str) -> Host:
        policy.require(actor, "os_compute_api:os-hosts:show")
        return services.find(id)

    def actions(self, actor: RequestContext, row: Host) -> list[Action]:
        why = gate(actor, "os_compute_api:os-services:update", None)
        if row.enabled:
            first = Action(
                "disable", _("Disable (maintenance)"), "player-pause", reverse("host-disable", args=[row.name]), why=why
            )
        else:
            first = Action(
                "enable", _("Put back to use"), "player-play", reverse("host-enable", args=[row.name]), "post", why
            )
        there = reverse("all-instances") + f"?host={row.name}"
        return [first, Action("instances", _("Its instances"), "server-2", there, "link")]

    def loads(self, row: Host) -> list[load.Section]:
        return [load.of_host(row)]

    def detail(self, actor: RequestContext, row: Host) -> Detail:
        provider, known = placement.summaries([row.name]).get(row.name), drivers.of(row.name)
        use = [
            (label, use_of(provider, name))
            for name, label in zip(RESOURCES, ("vCPUs", _("Memory"), _("Disk")), strict=True)
        ]
        facts = [
            (_("Zone"), Cell("text", scheduling.zone_names([row.name])[row.name])),
            (_("Roles"), Cell("tags", [status.ROLES.get(role, role) for role in row.roles])),
            (_("Underlay address"), Cell("mono", row.underlay_ip)),
            (_("Agent"), Cell("text", row.version)),
            (_("Agent started"), Cell("when", row.booted_at)),
            (_("Last heartbeat"), age(row.last_seen_at)),
        ]
        if not known.instances:  # else the card of the drivers says it
            facts.append((_("Can do"), Cell("tags", sorted(known.can))))
        if row.disabled_reason:
            facts.insert(0, (_("Reason"), Cell("text", row.disabled_reason)))
        inventory = [
            (REPORTED.get(name, name.replace("_", " ")), reported(name, value))
            for name, value in sorted(row.inventory.items())
            if isinstance(value, int | str)
        ]
        cards = [
            *owed.cards(row),
            Card(_("Allocated"), pairs=use),
            instances_card(row),
            Card(_("Details"), pairs=facts),
        ]
        if known.instances:
            cards.append(driver_card(known))
        cards.append(aggregates_card(row))
        cards.append(Card(_("Reported inventory"), pairs=inventory, side=True, name="inventory"))
        return Detail(row.name, state_of(row), cards=cards)


class ReasonForm(Styled):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=255, required=False)


def disable(call: Call, values: dict[str, Any]) -> None:
    policy.require(call.actor, "os_compute_api:os-services:update")
    services.set_enabled(call.id, enabled=False, reason=values["reason"])


def enable(call: Call) -> None:
    policy.require(call.actor, "os_compute_api:os-services:update")
    services.set_enabled(call.id, enabled=True)


DISABLE = FormDialog(
    panel="hosts",
    title=gettext_lazy("Disable (maintenance)"),
    submit=gettext_lazy("Take it out"),
    hint=gettext_lazy("Nothing new is placed there. What runs there goes on running."),
    form=ReasonForm,
    do=disable,
)
ENABLE = Verb(panel="hosts", do=enable)
