"""Choice of the host of a DHCP server or a router: by load, anew when a host is down, or by hand."""

import logging

from django.db import transaction
from django.db.models import Count

from hosts import services as hosts
from networking.agents import models as agents
from networking.desired.changes import touch, touch_network
from networking.networks.models import Network
from networking.ports import states
from networking.ports.models import DHCP, Port
from networking.routers.models import Router

log = logging.getLogger(__name__)

ROLE = "network"


def candidates(kind: str) -> list[str]:
    """Names of the hosts that answer and may carry DHCP (kind "network") or routers (kind "router").

    Simulated ones only where there is no real one.
    """
    off = agents.disabled(agents.DHCP if kind == "network" else agents.L3)
    able = [host for host in hosts.alive() if ROLE in host.roles and host.name not in off]
    return [host.name for host in able if not host.fake] or [host.name for host in able]


def choose_host(kind: str, *, exclude: str = "") -> str | None:
    """Return the host with the fewest networks and routers; `exclude` only if there is no other. None if none is alive."""
    names = candidates(kind)
    if not names:
        return None
    load = dict.fromkeys(names, 0)
    for rows, column in ((Network.objects, "dhcp_host"), (Router.objects, "host")):
        for name, count in rows.filter(**{f"{column}__in": names}).values_list(column).annotate(n=Count("pk")):
            load[name] += count
    return min(names, key=lambda name: (name == exclude, load[name], name))


# ── One network or router ───────────────────────────────────────────────────────────────────────────────────────────


def assign_dhcp(network: Network) -> None:
    """Choose a host for a network's DHCP server, if any is alive. Call it within a transaction."""
    host = choose_host("network", exclude=network.dhcp_host)
    if host is not None and host != network.dhcp_host:
        carry_dhcp(network, host)


def carry_dhcp(network: Network, host: str, *, by_hand: bool = False) -> None:
    """Move a network's DHCP server to a host ("": to none). Rebalancing leaves it there if it was placed `by_hand`."""
    network.dhcp_host, network.dhcp_placed = host, by_hand
    Network.objects.filter(pk=network.id).update(dhcp_host=host, dhcp_placed=by_hand)
    Port.objects.filter(network=network, role=DHCP).update(host=host, status=states.DOWN)
    touch_network(network.id)


def assign_router(router: Router) -> None:
    """Choose a host for a router, if any is alive; its ports go along. Call it within a transaction."""
    host = choose_host("router", exclude=router.host)
    if host is not None and host != router.host:
        carry_router(router, host)


def carry_router(router: Router, host: str, *, by_hand: bool = False) -> None:
    """Move a router and its ports to a host ("": to none). Rebalancing leaves it there if it was placed `by_hand`."""
    router.host, router.placed = host, by_hand
    Router.objects.filter(pk=router.id).update(host=host, placed=by_hand)
    ports = Port.objects.filter(router=router)
    ports.update(host=host, status=states.DOWN)
    touch(f"router:{router.id}", *(f"network:{network}" for network in ports.values_list("network_id", flat=True)))


# ── Many ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def move_away(host: str) -> None:
    """DHCP and routers of a host that is down go to others. Guests' ports stay: their guests are there."""
    able = {kind: candidates(kind) for kind in ("network", "router")}
    stays = [what for kind, what in (("network", "DHCP"), ("router", "routers")) if not able[kind]]
    moves = [what for kind, what in (("network", "DHCP"), ("router", "routers")) if able[kind]]
    if stays:
        said = "networking: %s of %s, which is down, stay there: no host that is up may carry them"
        log.warning(said, " and ".join(stays), host)
    networks, routers = Network.objects.select_for_update(), Router.objects.select_for_update()
    for network in networks.filter(dhcp_host=host) if able["network"] else ():
        assign_dhcp(network)
    for router in routers.filter(host=host) if able["router"] else ():
        assign_router(router)
    if moves:
        log.info("networking: moved %s away from %s", " and ".join(moves), host)


@transaction.atomic
def adopt() -> None:
    """Give a host to DHCP and routers that have none: made while no host was alive."""
    without = Port.objects.filter(role=DHCP, network__dhcp_host="").values("network_id")
    for network in Network.objects.select_for_update().filter(pk__in=without):
        assign_dhcp(network)
    for router in Router.objects.select_for_update().filter(host=""):
        assign_router(router)
