"""What the network service does when hosts report, come back or fall silent, and what it tells the layers below."""

from common import fetch
from hostagent.contract.reports import Kind
from hosts import services as hosts
from networking import placement
from networking.ports import devices
from networking.routers import services as routers
from networking.subnets.models import external_ranges
from networking.wanted import reports
from operations import rpc


def register() -> None:
    fetch.own_ranges(external_ranges)
    devices.register("router", routers.project_of)
    rpc.on_report(Kind.NETWORK, reports.on_network)
    rpc.on_report(Kind.NETWORK_CHANGE, reports.on_change)
    hosts.on_state(placement.on_host_state)
    hosts.on_hello(placement.on_hello)
    hosts.on_inventory(lambda host: placement.touch_neighbours(host.name))
