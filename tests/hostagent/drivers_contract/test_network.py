"""The contract of network drivers, with the fake. With Linux bridges: tests/lab/test_lab_contract.py."""

from pathlib import Path
from typing import Any

import pytest

from hostagent.drivers.network import Place
from hostagent.drivers.network.fake import FakeNetwork
from tests.hostagent.drivers_contract.networks import NetworkContract


class Fake:
    def __init__(self, folder: Path) -> None:
        self.place = Place(folder, folder, "")
        self.driver = FakeNetwork(self.place)

    def ask(self, verb: str, **body: Any) -> Any:
        return getattr(self.driver, verb)(**body)

    def restart(self) -> None:
        self.driver = FakeNetwork(self.place)
        self.driver.ensure_resumed(gateways=True)


@pytest.fixture
def driver(tmp_path: Path) -> Fake:
    return Fake(tmp_path)


class TestFake(NetworkContract):
    """With the fake network."""
