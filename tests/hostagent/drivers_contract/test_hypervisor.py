"""The contract of hypervisors, with the fake. With libvirt: tests/vm/test_vm_contract.py."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hostagent.conftest import Desk
from tests.hostagent.drivers_contract.hypervisors import HypervisorContract


class FakeOrders:
    server_id = "11111111-2222-4333-8444-555555555555"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk(folder)
        self.desk.host.link = SimpleNamespace(upload=lambda path, copy, checksum: None)  # type: ignore[assignment]

    def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.desk.order(verb, {"server_id": self.server_id, **body})

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
        self.done("disk.ensure", image=None, size_gib=1)

    def make_volume(self) -> Path:
        return self.folder / "volume"

    def wait_for_guest(self) -> None:
        self.desk.until(lambda report: report["body"].get("event") == "login")


@pytest.fixture(scope="class")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeOrders]:
    found = FakeOrders(tmp_path_factory.mktemp("fake"))
    yield found
    found.desk.close()


class TestFake(HypervisorContract):
    """With the fake hypervisor, network and storage."""
