"""Reactions of the network service to hosts that report, come back or fall silent, and its registrations below."""

from typing import cast

from django.db import transaction

from common import fetch
from hostagent.contract.network import NetworkChange, NetworkState
from hostagent.contract.reports import Event, Kind
from hosts import reconciliation
from hosts import services as hosts
from hosts.models import Host
from hosts.states import is_down, is_up
from networking import scheduling
from networking.desired import leftovers, reports
from networking.desired.changes import touch
from networking.desired.models import HostPiece
from networking.desired.sync import send_everything
from networking.ports import devices, probing
from networking.routers import services as routers
from networking.subnets.models import external_ranges
from operations import rpc


def on_host_state(host: str, state: str) -> None:
    """Place anew after a host went up, unreachable or down: one that is down carries nothing, one that is up takes what nobody carries."""
    if is_down(state):
        scheduling.move_away(host)
    elif is_up(state):
        scheduling.adopt()
        touch_neighbours(host)
        send_everything(host)


def on_hello(host: Host) -> None:
    """Send an agent that began anew everything: it may have lost it."""
    send_everything(host.name)


def touch_neighbours(host: str) -> None:
    """Have every network rendered again that a host shares with others: its underlay address is in theirs."""
    pieces = HostPiece.objects.filter(host=host, piece__startswith="network:").exclude(wanted="")
    with transaction.atomic():
        touch(*pieces.values_list("piece", flat=True))


def register() -> None:
    fetch.own_ranges(external_ranges)
    devices.register("router", routers.project_of)
    rpc.on_event(Event.PROBED, probing.on_probed)
    rpc.on_report(Kind.NETWORK, lambda host, body: reports.on_network(host, cast(NetworkState, body)))
    rpc.on_report(Kind.NETWORK_CHANGE, lambda host, body: reports.on_change(host, cast(NetworkChange, body)))
    reconciliation.register(leftovers.KIND)
    hosts.on_state(on_host_state)
    hosts.on_hello(on_hello)
    hosts.on_inventory(lambda host: touch_neighbours(host.name))
