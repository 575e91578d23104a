"""The contract of hypervisors (tests/hostagent/drivers_contract), with libvirt and a guest that boots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images.demo.build import build
from tests.hostagent.drivers_contract.hypervisors import NETWORK, HypervisorContract
from tests.live import DEMO_CACHE
from tests.vm import agent_world
from tests.vm.agent_world import SERVER, AgentWorld

pytestmark = [pytest.mark.vm, pytest.mark.timeout(400)]


class LibvirtOrders:
    server_id = SERVER

    def __init__(self, world: AgentWorld) -> None:
        self.world = world

    def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        operation = self.world.send(verb, **body)
        return self.world.until(lambda r: r["operation"] == operation and r["kind"] in ("done", "failed"), 120)

    def done(self, verb: str, **body: Any) -> dict[str, Any]:
        report = self._ask(verb, body)
        assert report["kind"] == "done", report["body"]
        found: dict[str, Any] = report["body"]
        return found

    def failed(self, verb: str, **body: Any) -> str:
        report = self._ask(verb, body)
        assert report["kind"] == "failed", report["body"]
        return str(report["body"]["code"])

    def make_disk(self) -> None:
        self.done("disk.ensure", image=self.world.image, size_gib=1)

    def make_volume(self) -> Path:
        volume = self.world.data / "volume.raw"
        volume.write_bytes(bytes(2**24))
        return volume

    def wait_for_guest(self) -> None:
        self.world.event("login", server_id=SERVER, seconds=240)


@pytest.fixture(scope="class")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtOrders]:
    assert NETWORK == agent_world.NETWORK  # whose bridge is there
    image = build(DEMO_CACHE).images["demo"]
    with AgentWorld(tmp_path_factory.mktemp("contract"), image) as world:
        yield LibvirtOrders(world)


class TestLibvirt(HypervisorContract):
    """With libvirt, its disks in files and its ports in bridges."""
