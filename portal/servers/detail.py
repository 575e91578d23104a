"""One instance: its head, and a tab each for facts, console, log, activity and interfaces."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import sentence
from compute.servergroups.models import ServerGroup
from compute.servers import history
from compute.servers.block_devices import BlockDevice
from compute.servers.lifecycle import groups, services, states
from compute.servers.models import Server
from identity.models import User
from images.images.models import Image
from networking.ports import services as ports
from networking.ports.addresses import Address
from networking.ports.models import Port
from operations import states as progress
from operations.models import State
from portal.load import views as load
from portal.networks import status as network_status
from portal.servers import doors, failures, past, reach, snapshots, status, verbs
from portal.servers.consoles import link_card
from portal.servers.listing import flavor_words
from portal.sharing import parts
from portal.ui import timelines
from portal.ui.pages import Page, is_fragment
from volumes.volumes.models import Volume

TABS = (
    ("overview", gettext_lazy("Overview")),
    ("console", gettext_lazy("Console")),
    ("log", gettext_lazy("Log")),
    ("snapshots", gettext_lazy("Snapshots")),
    ("activity", gettext_lazy("Activity")),
    ("interfaces", gettext_lazy("Interfaces")),
)
#: Actions of verbs that name no state in which they end, and yet lead to another one.
LEAVING = ("confirmResize", "revertResize", "rebuild")
#: Tabs with a part that is read anew when something changes.
LIVE = ("overview", "activity", "interfaces", "snapshots")


def head(actor: RequestContext, server: Server) -> dict[str, object]:
    """Build the context of what stands above the tabs."""
    name, vcpus, ram = flavor_words(server.flavor or {})
    entries = ports.addresses({server.id: server.project_id})[server.id]
    image = Image.objects.filter(pk=server.image_id).values_list("name", flat=True).first() if server.image_id else ""
    busy = server.task_state or (states.SCHEDULING if states.is_building(server.vm_state) else None)
    since = server.updated_at if busy else server.launched_at
    return {
        "server": server,
        "st": status.server(server.status, busy, since=since),
        "since": None if busy else resting_since(server),
        "entries": entries,
        "flavor": {"name": name, "vcpus": vcpus, "ram": ram, "disk": (server.flavor or {}).get("disk", 0)},
        "image_name": image or (server.image_id or "")[:8],
        "fault": sentence(server.fault_code, server.fault_data) if server.fault_code else "",
        "again": launch_again(server),
        "ways": failures.ways(actor, [server]).get(server.id, ()),
        "resized": _before_resize(server),
        "tabs": TABS,
    }


def _before_resize(server: Server) -> str:
    """Return the name of the flavor that a resize can go back to, while it waits to be confirmed; "" otherwise."""
    if not verbs.can_follow(server, "confirm_resize") or server.task_state:
        return ""
    return flavor_words((server.before_resize or {}).get("flavor") or {})[0]


def resting_since(server: Server) -> datetime | None:
    """When the server came into the state in which it rests: as the last verb that led there ended, or by itself."""
    if states.is_error(server.vm_state):
        return server.fault_at
    ends = {verb.action: verb.ends for verb in states.VERBS.values() if verb.ends or verb.action in LEAVING}
    done = history.operations_of(server).filter(state=State.DONE, action__in=ends).first()
    if done is None:
        return server.launched_at
    return done.finished_at if ends[done.action] in (None, server.vm_state) else server.updated_at


def launch_again(server: Server) -> str:
    """Return the address of the launch form with what a server was asked for that never ran; "" for one that did."""
    if server.launched_at or not states.is_error(server.vm_state):
        return ""
    asked = {"name": server.name, "image": server.image_id, "flavor": server.flavor_id, "key_name": server.key_name}
    return f"{reverse('launch')}?{urlencode({name: value for name, value in asked.items() if value})}"


def boot(server: Server) -> dict[str, object]:
    """Build the stages of the launch as lines, each from a row with its time."""
    stages = history.stages(server)
    # one that goes on at another host, because the first was lost, is the same launch
    first = history.operations_of(server).filter(action="create").exclude(data__has_key="avoid").first()
    begin: datetime = first.created_at if first else server.created_at
    lines, before = [], begin
    for stage in stages:
        line = timelines.Line(str(stage.label), stage.state, stage.host, why=stage.reason, at=None)
        if progress.has_ended(stage.state) and stage.at is not None:
            started = max(before, begin) if stage.name in ("leased", "metadata", "login") else None
            if started is not None:
                line.at, line.seconds = min(started, stage.at), max(0.0, (stage.at - started).total_seconds())
            else:
                line.seconds = stage.seconds or 0.0
                line.at = datetime.fromtimestamp(stage.at.timestamp() - line.seconds, tz=stage.at.tzinfo)
            before = max(before, stage.at)
        lines.append(line)
    live = states.is_building(server.vm_state)
    for line in lines:  # of a machine that runs, the first thing its guest has not said yet is what one waits for
        if server.login_at:
            break
        if progress.is_waiting(line.state) and (live or states.is_active(server.vm_state)):
            line.state = progress.RUNNING
            break
        if progress.stops_a_list(line.state):
            break
    if states.is_error(server.vm_state) and not server.launched_at:
        for line in (line for line in lines if progress.is_waiting(line.state)):
            line.note = _("not reached")
    ends = [stage.at for stage in stages if stage.at]
    timelines.stretch(lines, begin, max(ends) if ends and not live else now())
    ready = server.login_at
    return {"lines": lines, "begin": begin, "ready": (ready - begin).total_seconds() if ready else None}


def wired(server: Server) -> list[dict[str, object]]:
    """List each interface once: its network and MAC, with all its addresses."""
    found: dict[str, dict[str, Any]] = {}
    for entry in ports.addresses({server.id: server.project_id})[server.id]:
        port = found.setdefault(entry["port_id"], {**entry, "fixed": [], "floating": []})
        port[entry["type"]].append(entry["ip"])
    return list(found.values())


class Instance(Page):
    """GET /instances/<id>[/<tab>]; ?menu: the row's menu; ?live: what changes."""

    panel = "instances"
    recorded, identity = past.TYPE, "pk"  # as details.ItemPage

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> Any:
        """Query those that have a page: a deleted one has none."""
        return Server.objects.living()

    def get(self, request: HttpRequest, id: str, tab: str = "overview") -> HttpResponse:
        if tab not in dict(TABS) or (self.asks("live") and tab not in LIVE):
            raise Http404(tab)
        server = services.find(self.actor, id)
        actions = verbs.actions(self.actor, server)
        if "menu" in request.GET:
            return self.show_menu(actions, id)
        wires = policy.allows(self.actor, "os_compute_api:os-attach-interfaces:create", server)
        context = {**head(self.actor, server), "actions": actions, "tab": tab, "id": id, "wires": wires}
        context |= getattr(self, f"tab_{tab}")(server)
        if self.asks("live"):
            return self.fragment(f"servers/{tab}_live.html", **context)
        context["loads"] = self.loads(server, tab)
        self.console = tab == "console"  # type: ignore[misc]
        return self.page(f"servers/{tab}.html", **context)

    @staticmethod
    def loads(server: Server, tab: str) -> list[load.Section]:
        """List the charts below a tab: the instance's load, its interfaces' traffic."""
        if tab == "interfaces":
            return [load.of_port(server, port) for port in Port.objects.of_server(server).select_related("network")]
        return [load.of_server(server)] if tab == "overview" else []

    @staticmethod
    def volumes(server: Server) -> list[dict[str, object]]:
        """List a server's volumes in the order of their devices: id, name, size (GiB), device, goes, is_root. Two queries."""
        devices = list(BlockDevice.objects.filter(server=server).order_by("device"))
        rows = Volume.objects.in_bulk([device.volume_id for device in devices]) if devices else {}
        return [
            {
                "id": row.pk, "name": str(row), "size": row.size, "device": device.path, "is_root": device.is_root,
                "goes": device.delete_on_termination,
            }
            for device in devices
            if (row := rows.get(device.volume_id)) is not None
        ]  # fmt: skip

    def tab_overview(self, server: Server) -> dict[str, object]:
        volumes = self.volumes(server)
        of_server = groups.groups_of(server)
        user = User.objects.filter(pk=server.user_id).values_list("name", flat=True).first()
        return {
            "boot": boot(server),
            "root_volume": next((one for one in volumes if one["is_root"]), None),
            "volumes": [one for one in volumes if not one["is_root"]],
            "reach": reach.reach(self.actor, server) if states.is_active(server.vm_state) else None,
            "groups": of_server,
            "wired": wired(server),
            "open": doors.open_ports([group["id"] for group in of_server]),
            "by": user or server.user_id,
            "server_group": ServerGroup.objects.filter(pk=server.server_group_id or "").first(),
            "user_data_size": len(server.user_data or "") * 3 // 4,
            "host_shown": policy.allows(self.actor, "os_compute_api:os-extended-server-attributes"),
            "who": parts.who_card(self.actor, "server", server),
        }

    def tab_console(self, server: Server) -> dict[str, object]:
        shows = policy.allows(self.actor, "os_compute_api:os-remote-consoles", server)
        return {"runs": server.runs, **(link_card(self.actor, server.id) if shows else {"links": None})}

    def tab_log(self, server: Server) -> dict[str, object]:
        policy.require(self.actor, "os_compute_api:os-console-output", server)
        return {}

    def tab_activity(self, server: Server) -> dict[str, object]:
        entries, activity = past.entries(self.actor, server, self.request.GET.get("before", ""))
        return {"entries": entries, "activity": activity}

    def tab_snapshots(self, server: Server) -> dict[str, object]:
        return {"snapshots": snapshots.card(self.actor, server)}

    def tab_interfaces(self, server: Server) -> dict[str, object]:
        found = list(Port.objects.of_server(server).select_related("network"))
        members = {port.pk: list(port.groups.order_by("name")) for port in found}
        where: dict[str, list[Address]] = {}
        for entry in ports.addresses({server.id: server.project_id})[server.id]:
            where.setdefault(entry["port_id"], []).append(entry)
        rows = [
            {
                "port": port,
                "st": network_status.network(port.status, port.admin_state_up),
                "fixed": [entry["ip"] for entry in where.get(port.pk, []) if entry["type"] == "fixed"],
                "floating": [entry["ip"] for entry in where.get(port.pk, []) if entry["type"] == "floating"],
                "groups": members[port.pk],
            }
            for port in found
        ]
        return {"interfaces": rows}


class Head(Page):
    """GET: what stands above the tabs, as it is now; who opens it is led to the page."""

    panel = "instances"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        if not is_fragment(request):
            return self.go(reverse("instance", args=[id]))
        server = services.find(self.actor, id)
        context = {**head(self.actor, server), "actions": verbs.actions(self.actor, server), "id": id}
        return self.fragment("servers/head.html", **context)
