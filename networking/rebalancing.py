"""DHCP and routers spread evenly over the hosts again: slowly by itself, at once by `manage.py network_rebalance`.

A move interrupts what a router carries for seconds, so by itself one network and one router move at a time, and only while
no host has come or gone for a while.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict
from hosts.models import Host
from hosts.services import find
from networking.agents.scheduling import carry_dhcp, carry_router
from networking.networks.models import Network
from networking.placement import ROLE, candidates
from networking.routers.models import Router

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


#: kind → rows, the column with the host, how one is carried elsewhere.
_CARRIED: dict[str, tuple[Any, str, Any]] = {
    "network": (Network.objects, "dhcp_host", carry_dhcp),
    "router": (Router.objects, "host", carry_router),
}


def seconds_between() -> float:
    """STACKLING_NETWORK_REBALANCE: seconds between two moves that happen by themselves; 0: none do."""
    return float(os.environ.get("STACKLING_NETWORK_REBALANCE") or 60)


def _next(kind: str, names: list[str]) -> Move | None:
    """What would move from the fullest to the emptiest host; None when no move would make it more even."""
    rows, column, _carry = _CARRIED[kind]
    on: dict[str, list[str]] = {name: [] for name in names}
    for id, host in rows.filter(**{f"{column}__in": names}).order_by("id").values_list("id", column):
        on[host].append(id)
    fullest, emptiest = max(names, key=lambda name: len(on[name])), min(names, key=lambda name: len(on[name]))
    if len(on[fullest]) - len(on[emptiest]) < 2:
        return None
    return Move(kind, on[fullest][0], fullest, emptiest)


@transaction.atomic
def carry(move: Move) -> bool:
    """Do one move, unless the thing has gone or moved meanwhile."""
    rows, column, carry = _CARRIED[move.kind]
    row = rows.select_for_update().filter(pk=move.id, **{column: move.source}).first()
    if row is None:
        return False
    carry(row, move.target)
    log.info("networking: %s %s moves from %s to %s", move.kind, move.id, move.source, move.target)
    return True


def rebalance() -> Iterator[Move]:
    """Move until it is even, a transaction each; gives each move that was made."""
    names = candidates()
    for kind in _CARRIED if len(names) > 1 else ():
        while (move := _next(kind, names)) is not None:
            if not carry(move):
                return
            yield move


def drain(name: str) -> Iterator[Move]:
    """Move everything off a host that is disabled. Raises: HostUnknown, StillEnabled, NowhereToGo."""
    if find(name).enabled:
        raise StillEnabled(name=name)
    names = [other for other in candidates() if other != name]
    if not names:
        raise NowhereToGo(name=name)
    for kind, (rows, column, _carry) in _CARRIED.items():
        load = {other: rows.filter(**{column: other}).count() for other in names}
        for id in rows.filter(**{column: name}).values_list("id", flat=True):
            target = min(names, key=lambda other: (load[other], other))
            move = Move(kind, id, name, target)
            if carry(move):
                load[target] += 1
                yield move


def is_calm() -> bool:
    """Whether every network host has been as it is for CALM seconds, and none is silent."""
    able = [host for host in Host.objects.exclude(state="new") if ROLE in host.roles]
    since = now() - timedelta(seconds=CALM)
    return all(host.state != "unreachable" and host.state_changed_at < since for host in able)


def tick() -> None:
    """One network and one router a time."""
    names = candidates()
    if len(names) < 2 or not seconds_between() or not is_calm():
        return
    for kind in _CARRIED:
        move = _next(kind, names)
        if move is not None:
            carry(move)
