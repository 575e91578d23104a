"""The map as data: external networks, the routers under them, the networks under those, and the instances on each."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from authorization.context import RequestContext
from networking.networks.models import Network
from networking.ports.models import ROUTER_INTERFACE, FixedIP
from networking.routers.models import Router
from networking.subnets.models import Subnet
from portal.networks import status
from portal.networks.networks import listed
from portal.servers import listing
from portal.ui.status import Status

#: Instances of one map, and of one network before the rest is a number.
MOST, A_LANE = 400, 24


@dataclass
class Guest:
    """An instance on one network. `also`: it has ports on other networks too."""

    id: str
    name: str
    status: Status
    fixed: list[str]
    floating: list[str]
    also: bool = False


@dataclass
class Lane:
    """A network with its instances. `leg`: the router's address on it. `joined`: names of further routers on it."""

    network: Network
    cidrs: list[str]
    guests: list[Guest] = field(default_factory=list)
    leg: str = ""
    joined: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[Guest]:
        return self.guests[:A_LANE]

    @property
    def more(self) -> int:
        return max(0, len(self.guests) - A_LANE)


@dataclass
class Hub:
    """A router with the networks that it joins, each at the first of its routers."""

    router: Router
    status: Status
    gateway: str = ""
    lanes: list[Lane] = field(default_factory=list)


@dataclass
class Outside:
    """An external network with the project's routers that lead to it."""

    network: Network
    cidrs: list[str]
    hubs: list[Hub] = field(default_factory=list)


@dataclass
class Map:
    outsides: list[Outside]
    hubs: list[Hub]  # with no gateway
    lanes: list[Lane]  # on no router
    legs: list[tuple[str, str, str]]  # (router id, network id, address), of interfaces

    @property
    def all_hubs(self) -> list[Hub]:
        return [*(hub for outside in self.outsides for hub in outside.hubs), *self.hubs]

    @property
    def all_lanes(self) -> list[Lane]:
        return [*(lane for hub in self.all_hubs for lane in hub.lanes), *self.lanes]

    @property
    def is_empty(self) -> bool:
        return not self.all_hubs and not self.all_lanes

    def elements(self) -> list[dict[str, str]]:
        """Nodes and edges of the graph: an edge has a source. Ids carry their kind, for a network may have an instance's."""
        return [*self._nodes(), *self._edges()]

    def _nodes(self) -> Iterator[dict[str, str]]:
        for outside in self.outsides:
            yield {"id": f"network:{outside.network.pk}", "kind": "external", "label": outside.network.name}
        for hub in self.all_hubs:
            label = hub.router.name or hub.router.pk[:8]
            yield {"id": f"router:{hub.router.pk}", "kind": "router", "label": label, "status": hub.status.kind}
        seen = set()
        for lane in self.all_lanes:
            label = "\n".join([lane.network.name or lane.network.pk[:8], *lane.cidrs[:2]])
            yield {"id": f"network:{lane.network.pk}", "kind": "network", "label": label}
            for guest in lane.guests:
                if guest.id not in seen:
                    seen.add(guest.id)
                    yield {
                        "id": f"instance:{guest.id}",
                        "kind": "instance",
                        "label": guest.name,
                        "status": guest.status.kind,
                    }

    def _edges(self) -> Iterator[dict[str, str]]:
        for outside in self.outsides:
            for hub in outside.hubs:
                yield _edge(f"router:{hub.router.pk}", f"network:{outside.network.pk}", hub.gateway)
        for router, network, ip in self.legs:
            yield _edge(f"router:{router}", f"network:{network}", ip)
        for lane in self.all_lanes:
            for guest in lane.guests:
                yield _edge(f"instance:{guest.id}", f"network:{lane.network.pk}", ", ".join(guest.fixed))


def _edge(source: str, target: str, label: str) -> dict[str, str]:
    return {"id": f"{source} {target}", "source": source, "target": target, "label": label}


def read(actor: RequestContext) -> Map:
    """Read the project's map as it is now: a few queries, however much there is."""
    networks = {row.pk: row for row in listed(actor).order_by("-external", "name", "id")}
    cidrs: dict[str, list[str]] = {id: [] for id in networks}
    for id, cidr in Subnet.objects.visible_to(actor).filter(network__in=networks).values_list("network_id", "cidr"):
        cidrs[id].append(cidr)
    lanes = {id: Lane(row, cidrs[id]) for id, row in networks.items() if not row.external}
    outsides = {id: Outside(row, cidrs[id]) for id, row in networks.items() if row.external}
    _put_guests(actor, lanes)
    hubs, legs = _hubs(actor, lanes)
    for hub in hubs:
        port = hub.router.gateway_port
        if port is not None and port.network_id in outsides:
            outsides[port.network_id].hubs.append(hub)
    led = [hub for outside in outsides.values() for hub in outside.hubs]
    routed = {network for _router, network, _ip in legs}
    loose = [lane for id, lane in lanes.items() if id not in routed]
    return Map(list(outsides.values()), [hub for hub in hubs if hub not in led], loose, legs)


def _hubs(actor: RequestContext, lanes: dict[str, Lane]) -> tuple[list[Hub], list[tuple[str, str, str]]]:
    """The project's routers with their lanes, and every interface."""
    rows = Router.objects.filter(project_id=actor.project_id or "").select_related("gateway_port")
    rows = rows.prefetch_related("gateway_port__fixed_ips").order_by("name", "id")
    hubs = {row.pk: Hub(row, status.network(row.status, row.admin_state_up)) for row in rows}
    held = FixedIP.objects.filter(port__router__in=hubs, port__role=ROUTER_INTERFACE, port__network__in=lanes)
    legs = [(str(router), str(network), ip) for router, network, ip in held.order_by("id").values_list(
        "port__router_id", "port__network_id", "ip_address")]  # fmt: skip
    placed: dict[str, str] = {}
    for router, network, ip in legs:
        lane = lanes[network]
        if placed.setdefault(network, router) != router:
            lane.joined.append(hubs[router].router.name or router[:8])
        elif lane not in hubs[router].lanes:
            lane.leg = ip
            hubs[router].lanes.append(lane)
    for hub in hubs.values():
        port = hub.router.gateway_port
        hub.gateway = ", ".join(ip.ip_address for ip in port.fixed_ips.all()) if port else ""
    return list(hubs.values()), legs


def _put_guests(actor: RequestContext, lanes: dict[str, Lane]) -> None:
    rows = {row["id"]: row for row in listing.rows(listing.visible(actor).order_by("name", "id")[:MOST])}
    held = FixedIP.objects.filter(port__server_id__in=rows, port__network__in=lanes).order_by("id")
    found: dict[tuple[str, str], list[str]] = {}
    for server, network, ip in held.values_list("port__server_id", "port__network_id", "ip_address"):
        found.setdefault((server, network), []).append(ip)
    several = [server for server, _network in found]
    for server, network in sorted(found, key=lambda pair: str(rows[pair[0]]["name"])):
        row = rows[server]
        ips = found[server, network]
        guest = Guest(server, row["name"], row["st"], ips, row["floating"], also=several.count(server) > 1)
        lanes[network].guests.append(guest)
