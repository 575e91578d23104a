"""The contract of network drivers (tests/hostagent/drivers_contract), with Linux bridges in a host's namespace."""

from typing import Any

import pytest

from tests.hostagent.drivers_contract.networks import NetworkContract
from tests.lab.world import LabHost, World

pytestmark = pytest.mark.lab


class Bridges:
    def __init__(self, host: LabHost) -> None:
        self.host = host

    def ask(self, verb: str, **body: Any) -> Any:
        return self.host.ask(verb, **body)

    def restart(self) -> None:
        self.host.stop_agent(kill=True)
        self.host.start_agent()
        self.host.ask("ensure_resumed", gateways=True)


@pytest.fixture
def driver(world: World) -> Bridges:
    return Bridges(world.hosts["host1"])


class TestLinuxBridge(NetworkContract):
    """With the driver linux_bridge."""
