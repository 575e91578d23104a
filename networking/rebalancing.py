"""DHCP and routers spread evenly over the hosts again: slowly by itself, at once by `manage.py network_rebalance`.

A move interrupts what a router carries for seconds, so by itself one network and one router move at a time, and only while
no host has come or gone for a while. A network or router that an operator placed by hand stays there, unless its host is emptied.
"""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict
from hosts.models import Host
from hosts.services import find
from hosts.states import HostState, is_unreachable
from networking.networks.models import Network
from networking.routers.models import Router
from networking.scheduling import ROLE, candidates, carry_dhcp, carry_router

log = logging.getLogger(__name__)

CALM = 300.0  # seconds since a network host last changed its state


class StillEnabled(Conflict):
    template = _("Host %(name)s is enabled, so that what leaves it would come back. Disable it first.")


class NowhereToGo(Conflict):
    template = _("No other host can carry what is on %(name)s.")


@dataclass(frozen=True)
class Move:
    """One network's DHCP or one router, from host to host."""

    kind: str  # "network" | "router"
    id: str
    source: str
    target: str


#: kind → rows, the column with the host, the one that says that an operator chose it, how one is carried elsewhere.
_CARRIED: dict[str, tuple[Any, str, str, Callable[[Any, str], None]]] = {
    "network": (Network.objects, "dhcp_host", "dhcp_placed", carry_dhcp),
    "router": (Router.objects, "host", "placed", carry_router),
}


def seconds_between() -> float:
    """STACKLING_NETWORK_REBALANCE: seconds between two moves that happen by themselves; 0: none do."""
    return float(os.environ.get("STACKLING_NETWORK_REBALANCE") or 60)


def _next(kind: str, names: list[str]) -> Move | None:
    """Choose a move from a fuller to the emptiest host; None when none would make it more even."""
    rows, column, placed, _carry = _CARRIED[kind]
    load, movable = dict.fromkeys(names, 0), {}
    found = rows.filter(**{f"{column}__in": names}).order_by("-id")
    for id, host, is_placed in found.values_list("id", column, placed):
        load[host] += 1
        if not is_placed:
            movable[host] = id
    emptiest = min(names, key=lambda name: load[name])
    fuller = [name for name in names if name in movable and load[name] - load[emptiest] >= 2]
    if not fuller:
        return None
    fullest = max(fuller, key=lambda name: load[name])
    return Move(kind, movable[fullest], fullest, emptiest)


@transaction.atomic
def carry(move: Move) -> bool:
    """Do one move, unless the thing has gone or moved meanwhile."""
    rows, column, _placed, carry = _CARRIED[move.kind]
    row = rows.select_for_update().filter(pk=move.id, **{column: move.source}).first()
    if row is None:
        return False
    carry(row, move.target)
    log.info("networking: %s %s moves from %s to %s", move.kind, move.id, move.source, move.target)
    return True


def rebalance() -> Iterator[Move]:
    """Move until it is even, a transaction each; gives each move that was made."""
    for kind in _CARRIED:
        names = candidates(kind)
        while len(names) > 1 and (move := _next(kind, names)) is not None:
            if not carry(move):
                return
            yield move


def drain(name: str) -> Iterator[Move]:
    """Move everything off a host that is disabled. Raises: HostUnknown, StillEnabled, NowhereToGo."""
    if find(name).enabled:
        raise StillEnabled(name=name)
    if not all(set(candidates(kind)) - {name} for kind in _CARRIED):
        raise NowhereToGo(name=name)
    for kind in _CARRIED:
        yield from leave(name, kind)


def leave(name: str, kind: str) -> Iterator[Move]:
    """Move all of one kind off a host, also what was placed there by hand; nothing where no other can carry it."""
    rows, column, _placed, _carry = _CARRIED[kind]
    names = [other for other in candidates(kind) if other != name]
    load = {other: rows.filter(**{column: other}).count() for other in names}
    for id in rows.filter(**{column: name}).values_list("id", flat=True) if names else ():
        target = min(names, key=lambda other: (load[other], other))
        move = Move(kind, id, name, target)
        if carry(move):
            load[target] += 1
            yield move


def is_calm() -> bool:
    """Whether every network host has been as it is for CALM seconds, and none is silent."""
    able = [host for host in Host.objects.exclude(state=HostState.NEW) if ROLE in host.roles]
    since = now() - timedelta(seconds=CALM)
    return all(not is_unreachable(host.state) and host.state_changed_at < since for host in able)


def move_some() -> None:
    """Move one network and one router."""
    if not seconds_between() or not is_calm():
        return
    for kind in _CARRIED:
        names = candidates(kind)
        move = _next(kind, names) if len(names) > 1 else None
        if move is not None:
            carry(move)
