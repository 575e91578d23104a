"""Lists of hosts: as hypervisors with what they hold, and as compute services that may be switched off."""

from collections.abc import Sequence

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from compute.hypervisors import reading
from compute.servers.create import scheduling
from compute.servers.models import Server
from hosts import states
from hosts.models import Host
from placement import services as placement
from portal.admin.hosts import RESOURCES, amount, state_of, use_of
from portal.ui.lists import Empty, ListPanel
from portal.ui.status import Status, switch
from portal.ui.tables import Cell, Column, Filter, Row, age
from portal.ui.tiles import Tile

TABS = (
    ("hosts", gettext_lazy("Hypervisors")),
    ("compute-hosts", gettext_lazy("Compute hosts")),
    ("resource-providers", gettext_lazy("Resource providers")),
)
EMPTY = Empty(
    gettext_lazy("No hosts yet"),
    gettext_lazy("A host is a machine whose agent runs instances."),
    "STACKLING_HOSTS=2 make run",
)
#: Resource class → what all hosts together have promised of it.
PROMISED = {
    "VCPU": gettext_lazy("vCPUs promised"),
    "MEMORY_MB": gettext_lazy("Memory promised"),
    "DISK_GB": gettext_lazy("Disk promised"),
}


def instances(names: Sequence[str]) -> dict[str, int]:
    """Count the instances on each of these hosts."""
    found = Server.objects.living().filter(host__in=names).values_list("host").annotate(n=Count("pk")).order_by()
    return dict(found)


def hosts_up() -> Tile:
    """Build the tile of how many hosts answer."""
    rows = list(Host.objects.values_list("state", "forced_down"))
    up = sum(states.is_up(state) and not forced for state, forced in rows)
    return Tile("hosts", _("Hosts up"), str(up), _("of %(limit)s") % {"limit": len(rows)}, url=reverse("hosts"))


def promised() -> list[Tile]:
    """Build a tile a resource class: what is allocated on all hosts, of what may be."""
    found = placement.summaries().values()
    tiles = []
    for name in RESOURCES:
        used, most = sum(one.used.get(name, 0) for one in found), sum(one.capacity.get(name, 0) for one in found)
        limit = _("of %(limit)s") % {"limit": amount(name, most)}
        tiles.append(Tile(name.lower(), PROMISED[name], amount(name, used), limit, used, most))
    return tiles


class Hypervisors(ListPanel):
    panel, kind, tabs = "hosts", "host", TABS
    search, order = ("name",), ("name",)
    columns = (
        Column(gettext_lazy("Host"), sort="name"),
        Column(gettext_lazy("State")),
        Column(gettext_lazy("Type"), hide="l"),
        Column("vCPUs", hide="m"),
        Column(gettext_lazy("Memory"), hide="m"),
        Column(gettext_lazy("Disk"), hide="m"),
        Column(gettext_lazy("Instances"), "n", "m"),
        Column(gettext_lazy("Last heartbeat"), "n", "l", "last_seen_at"),
    )
    empty = EMPTY

    def tiles(self, actor: RequestContext) -> list[Tile]:
        return [hosts_up(), *promised()]

    def query(self, actor: RequestContext) -> QuerySet[Host]:
        policy.require(actor, "os_compute_api:os-hypervisors:list-detail")
        return Host.objects.all()

    def rows(self, actor: RequestContext, found: Sequence[Host]) -> list[Row]:
        names = [host.name for host in found]
        summaries, counts = placement.summaries(names), instances(names)
        return [self.of(host, summaries.get(host.name), counts.get(host.name, 0)) for host in found]

    @staticmethod
    def of(host: Host, provider: placement.ProviderSummary | None, count: int) -> Row:
        """Make the row of one host."""
        url, state = reverse("host", args=[host.name]), state_of(host)
        cells = (
            Cell("status", state),
            Cell("mono", host.inventory.get("hypervisor", "")),
            *(use_of(provider, name) for name in RESOURCES),
            Cell("link", str(count), reverse("all-instances") + f"?host={host.name}"),
            age(host.last_seen_at),
        )
        why = host.disabled_reason if not host.enabled else ""
        return Row(host.name, host.name, url, state, cells, menu=url + "?menu=1", why=why)


class ComputeHosts(ListPanel):
    """Each host's compute service: whether it may be given work, and whether it answers."""

    panel, kind, tabs = "hosts", "host", TABS
    search, order, in_palette = ("name",), ("name",), False
    columns = (
        Column(gettext_lazy("Host"), sort="name"),
        Column(gettext_lazy("Zone"), hide="m"),
        Column(gettext_lazy("Status")),
        Column(gettext_lazy("State")),
        Column(gettext_lazy("Last heartbeat"), "n", "m", "last_seen_at"),
    )
    filters = (
        Filter("enabled", gettext_lazy("Status"), choices=(("True", gettext_lazy("Enabled")), ("False", gettext_lazy("Disabled")))),
    )  # fmt: skip
    empty = EMPTY

    def query(self, actor: RequestContext) -> QuerySet[Host]:
        policy.require(actor, "os_compute_api:os-services:list")
        able = [name for name, roles in Host.objects.values_list("name", "roles") if "compute" in roles]
        return Host.objects.filter(name__in=able)

    def rows(self, actor: RequestContext, found: Sequence[Host]) -> list[Row]:
        zones = scheduling.zone_names([host.name for host in found])
        rows = []
        for host in found:
            url, status = reverse("host", args=[host.name]), switch(host.enabled)
            cells = (
                Cell("muted", zones[host.name]),
                Cell("status", status),
                Cell("status", heard(host)),
                age(host.last_seen_at),
            )
            why = host.disabled_reason if not host.enabled else ""
            rows.append(Row(host.name, host.name, url, status, cells, menu=url + "?menu=1", why=why))
        return rows


def heard(host: Host) -> Status:
    """Tell whether the compute service answers, as the API does."""
    return Status("ok", _("Up"), "up") if reading.is_up(host) else Status("bad", _("Down"), "down")
