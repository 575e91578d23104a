"""On which host DHCP and routers live, and where they go when it is down."""

import logging

from django.db import transaction
from django.db.models import Count

from hosts import services as hosts
from hosts.models import Host
from hosts.states import is_down, is_up
from networking.agents import models as agents
from networking.networks.models import Network
from networking.ports.models import DHCP, Port
from networking.wanted.changes import touch, touch_network
from networking.wanted.sync import send_everything

log = logging.getLogger(__name__)

ROLE = "network"


def candidates(kind: str) -> list[str]:
    """Names of hosts that answer and may carry DHCP (of a "network") or routers (kind "router").

    Simulated ones only where there is no real one.
    """
    off = agents.disabled(agents.DHCP if kind == "network" else agents.L3)
    able = [host for host in hosts.alive() if ROLE in host.roles and host.name not in off]
    return [host.name for host in able if not host.fake] or [host.name for host in able]


def choose_host(kind: str, *, exclude: str = "") -> str | None:
    """The host with the fewest networks and routers; `exclude` only if there is no other. None if none is alive."""
    from networking.routers.models import Router

    names = candidates(kind)
    if not names:
        return None
    load = dict.fromkeys(names, 0)
    for rows, column in ((Network.objects, "dhcp_host"), (Router.objects, "host")):
        for name, count in rows.filter(**{f"{column}__in": names}).values_list(column).annotate(n=Count("pk")):
            load[name] += count
    return min(names, key=lambda name: (name == exclude, load[name], name))


def on_host_state(host: str, state: str) -> None:
    """Told by `hosts` when a host goes up, unreachable or down."""
    if is_down(state):
        move_away(host)
    elif is_up(state):
        adopt()
        touch_neighbours(host)
        send_everything(host)


def on_hello(host: Host) -> None:
    """Told by `hosts` when an agent began anew: it may have lost everything."""
    send_everything(host.name)


@transaction.atomic
def move_away(host: str) -> None:
    """DHCP and routers of a host that is down go to others. Guests' ports stay: their guests are there."""
    from networking.ports.dhcp import assign
    from networking.routers.models import Router
    from networking.routers.wiring import assign as assign_router

    able = {kind: candidates(kind) for kind in ("network", "router")}
    stays = [what for kind, what in (("network", "DHCP"), ("router", "routers")) if not able[kind]]
    moves = [what for kind, what in (("network", "DHCP"), ("router", "routers")) if able[kind]]
    if stays:
        said = "networking: %s of %s, which is down, stay there: no host that is up may carry them"
        log.warning(said, " and ".join(stays), host)
    networks, routers = Network.objects.select_for_update(), Router.objects.select_for_update()
    for network in networks.filter(dhcp_host=host) if able["network"] else ():
        assign(network)
        touch_network(network.id)
    for router in routers.filter(host=host) if able["router"] else ():
        assign_router(router)
        touch(f"router:{router.id}", *_networks_of(router.id))
    if moves:
        log.info("networking: moved %s away from %s", " and ".join(moves), host)


@transaction.atomic
def adopt() -> None:
    """Give a host to DHCP and routers that have none: made while no host was alive."""
    from networking.ports.dhcp import assign
    from networking.routers.models import Router
    from networking.routers.wiring import assign as assign_router

    homeless = Port.objects.filter(role=DHCP, network__dhcp_host="").values("network_id")
    for network in Network.objects.select_for_update().filter(pk__in=homeless):
        assign(network)
        touch_network(network.id)
    for router in Router.objects.select_for_update().filter(host=""):
        assign_router(router)
        touch(f"router:{router.id}", *_networks_of(router.id))


def touch_neighbours(host: str) -> None:
    """The host's underlay address is in the pieces of every network that it shares with others."""
    from networking.wanted.models import HostPiece

    pieces = HostPiece.objects.filter(host=host, piece__startswith="network:").exclude(wanted="")
    with transaction.atomic():
        touch(*pieces.values_list("piece", flat=True))


def _networks_of(router_id: str) -> list[str]:
    legs = Port.objects.filter(router_id=router_id)
    return [f"network:{network}" for network in legs.values_list("network_id", flat=True)]
