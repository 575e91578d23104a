"""Hosts, services and flavors."""

from typing import Any

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.clock import now
from common.units import human_bytes, human_mib
from compute.flavors import services as flavors
from compute.flavors.models import Flavor
from compute.servers import scheduling
from compute.servers.models import Server
from hosts import services
from hosts.models import Host
from identity import policy
from operations.models import Lease, Operation
from placement import services as placement
from portal.admin import owed
from portal.ui import Text, status
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Name, Styled
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Cell, Column, Row, age

RESOURCES = ("VCPU", "MEMORY_MB", "DISK_GB")


def amount(name: str, value: int) -> str:
    if name == "MEMORY_MB":
        return human_mib(value)
    return human_bytes(value * 1024**3) if name == "DISK_GB" else str(value)


def use_of(room: placement.Room | None, name: str) -> Cell:
    """A bar of what is promised of one resource."""
    if room is None:
        return Cell("muted", "")
    used, capacity = room.used.get(name, 0), room.capacity.get(name, 0)
    return Cell("use", (used, capacity, amount(name, used), _("of %(limit)s") % {"limit": amount(name, capacity)}))


def state_of(host: Host) -> status.Status:
    return status.host(host.state, enabled=host.enabled, forced_down=host.forced_down, since=host.last_seen_at)


class Hosts(ListPanel):
    panel, kind, icon = "hosts", "host", "server-cog"
    title = gettext_lazy("Hosts")
    search, order = ("name",), ("name",)
    columns = (
        Column(gettext_lazy("Host"), sort="name"),
        Column(gettext_lazy("State")),
        Column(gettext_lazy("Zone"), hide="l"),
        Column("vCPUs", hide="m"),
        Column(gettext_lazy("Memory"), hide="m"),
        Column(gettext_lazy("Disk"), hide="m"),
        Column(gettext_lazy("Instances"), "n", "m"),
        Column(gettext_lazy("Heard"), "n", "l"),
    )

    def query(self, actor: Actor) -> Any:
        policy.require(actor, "compute:host")
        return Host.objects.all()

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        names = [host.name for host in found]
        rooms, zones = placement.rooms(names), scheduling.zone_names(names)
        counts = dict(
            Server.objects.living().filter(host__in=names).values_list("host").annotate(n=Count("pk")).order_by()
        )
        rows = []
        for host in found:
            room = rooms.get(host.name)
            cells = (
                Cell("status", state_of(host)), Cell("muted", zones[host.name]), *(use_of(room, name) for name in RESOURCES),
                Cell("link", counts.get(host.name, 0), reverse("all-instances") + f"?host={host.name}"), age(host.last_seen_at),
            )  # fmt: skip
            url = reverse("host", args=[host.name])
            why = host.disabled_reason if not host.enabled else ""
            rows.append(Row(host.name, host.name, url, state_of(host), cells, menu=url + "?menu=1", why=why))
        return rows

    def empty(self) -> Empty:
        return Empty(
            _("No hosts yet"), _("A host is a machine whose agent runs instances."), "STACKLING_HOSTS=2 make run"
        )


class HostItem(ItemPage):
    panel, kind = "hosts", "host"
    list_title, list_route = gettext_lazy("Hosts"), "hosts"

    def find(self, actor: Actor, id: str) -> Host:
        policy.require(actor, "compute:host")
        return services.find(id)

    def actions(self, actor: Actor, row: Host) -> list[Action]:
        why = gate(actor, "compute:service", None)
        if row.enabled:
            first = Action(
                "disable", _("Take out for upkeep"), "player-pause", reverse("host-disable", args=[row.name]), why=why
            )
        else:
            first = Action(
                "enable", _("Put back to use"), "player-play", reverse("host-enable", args=[row.name]), "post", why
            )
        there = reverse("all-instances") + f"?host={row.name}"
        return [first, Action("instances", _("Its instances"), "server-2", there, "link")]

    def detail(self, actor: Actor, row: Host) -> Detail:
        room = placement.rooms([row.name]).get(row.name)
        use = [
            (label, use_of(room, name))
            for name, label in zip(RESOURCES, ("vCPUs", _("Memory"), _("Disk")), strict=True)
        ]
        facts = [
            (_("Zone"), Cell("text", scheduling.zone_names([row.name])[row.name])),
            (_("Roles"), Cell("tags", row.roles)),
            (_("Drivers"), Cell("text", ", ".join(f"{kind}: {name}" for kind, name in sorted(row.drivers.items())))),
            (_("Underlay address"), Cell("mono", row.underlay_ip)),
            (_("Agent"), Cell("text", row.version)),
            (_("Agent started"), Cell("when", row.booted_at)),
            (_("Heard"), age(row.last_seen_at)),
            (_("Can do"), Cell("tags", row.capabilities)),
        ]
        if row.disabled_reason:
            facts.insert(0, (_("Reason"), Cell("text", row.disabled_reason)))
        inventory = [
            (name.replace("_", " "), Cell("mono", str(value)))
            for name, value in sorted(row.inventory.items())
            if isinstance(value, int | str)
        ]
        cards = [*owed.cards(row), Card(_("Promised"), pairs=use), Card(_("Details"), pairs=facts)]
        cards.append(Card(_("As it reports itself"), pairs=inventory, side=True))
        return Detail(row.name, state_of(row), cards=cards)


class ReasonForm(Styled):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=255, required=False)


class Disable(FormDialog):
    panel = "hosts"
    title, submit = gettext_lazy("Take out for upkeep"), gettext_lazy("Take it out")
    hint = gettext_lazy("Nothing new is placed there. What runs there goes on running.")
    form_class = ReasonForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        policy.require(actor, "compute:service")
        services.set_enabled(keys["id"], enabled=False, reason=values["reason"])
        return "", ""


class Enable(Page):
    panel = "hosts"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        policy.require(self.actor, "compute:service")
        services.set_enabled(id, enabled=True)
        return self.done()


# ── Services ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Services(Page):
    """What keeps the cloud going: control's clock, each host's agent, what goes on now and what is stuck."""

    panel = "services"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, "compute:service")
        moment = now()
        lease = Lease.objects.filter(name="beat").first()
        control = (
            status.Status("ok", _("Up"), "up")
            if lease and lease.until > moment
            else status.Status("bad", _("Down"), "down")
        )
        rows = [Row("control", _("Control"), "", control, (Cell("status", control), Cell("mono", lease.holder if lease else ""),
                                                          Cell("muted", "")))]  # fmt: skip
        for host in Host.objects.all():
            for role in host.roles:
                if role != "control":
                    cells = (Cell("status", state_of(host)), Cell("mono", host.name), age(host.last_seen_at))
                    rows.append(
                        Row(f"{role}@{host.name}", role, reverse("host", args=[host.name]), state_of(host), cells)
                    )
        columns = (Column(_("Service")), Column(_("State")), Column(_("Where")), Column(_("Heard"), "n"))
        live = Operation.objects.live()
        facts = (
            (_("Operations going on"), Cell("num", live.count())),
            (_("Broken operations"), Cell("num", Operation.objects.broken().count())),
            (_("Longest"), age(live.order_by("created_at").values_list("created_at", flat=True).first())),
        )
        cards = [Card(_("Services"), columns=columns, rows=rows), Card(_("Now"), pairs=facts, side=True)]
        context = {"title": _("Services"), "cards": cards}
        if "live" in request.GET:
            return self.fragment("ui/cards_live.html", **context)
        return self.page("ui/cards.html", kind="host operation", **context)


# ── Flavors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Flavors(ListPanel):
    panel, kind, icon = "flavors", "flavor", "cpu"
    title = gettext_lazy("Flavors")
    order = ("ram", "vcpus", "name")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column("vCPUs", "n", sort="vcpus"),
        Column(gettext_lazy("Memory"), "n", sort="ram"),
        Column(gettext_lazy("Disk"), "n", sort="disk"),
        Column(gettext_lazy("Public"), hide="m"),
        Column("ID", hide="m"),
    )

    def query(self, actor: Actor) -> Any:
        return flavors.visible(actor)

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, "", None,
                (Cell("num", row.vcpus), Cell("num", human_mib(row.ram)), Cell("num", f"{row.disk} GiB"), Cell("yes", row.is_public),
                 Cell("id", row.pk)),
                menu=reverse("flavor-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action | None:
        why = gate(actor, "compute:flavor:manage", None)
        return (
            Action("create", _("Create flavor"), "plus", reverse("flavor-create"), why=why) if actor.is_admin else None
        )

    def empty(self) -> Empty:
        return Empty(_("No flavors yet"), _("A flavor is a size: vCPUs, memory, disk."))


class FlavorMenu(Page):
    panel = "flavors"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        row = flavors.find(self.actor, id)
        actions = [
            Action("launch", _("Launch with it"), "rocket", reverse("launch") + f"?flavor={row.pk}", "link"),
            Action("delete", _("Delete"), "trash", reverse("flavor-delete", args=[row.pk]),
                   why=gate(self.actor, "compute:flavor:manage", None), risk=True),
        ]  # fmt: skip
        return self.fragment("ui/menu.html", actions=actions, id=row.pk)


class FlavorForm(Styled):
    name = Name()
    vcpus = forms.IntegerField(label="vCPUs", min_value=1, initial=1)
    ram = forms.IntegerField(label=gettext_lazy("Memory, MiB"), min_value=1, initial=512)
    disk = forms.IntegerField(label=gettext_lazy("Disk, GiB"), min_value=0, initial=5)
    is_public = forms.BooleanField(label=gettext_lazy("For every project"), required=False, initial=True)


class CreateFlavor(FormDialog):
    panel = "flavors"
    title, submit = gettext_lazy("Create flavor"), gettext_lazy("Create")
    form_class = FlavorForm

    def initial(self, **keys: str) -> dict[str, Any]:
        return {name: field.initial for name, field in FlavorForm.base_fields.items()}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        flavors.create(actor, **values)
        return reverse("flavors"), ""


class DeleteFlavor(Confirm):
    panel = "flavors"
    submit, keep = gettext_lazy("Delete the flavor"), gettext_lazy("Keep it")

    def row(self, id: str) -> Flavor:
        return flavors.find(self.actor, id)

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": self.row(keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("Instances keep the size they have.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        flavors.delete(actor, flavor_id=keys["id"])
        return reverse("flavors"), ""
