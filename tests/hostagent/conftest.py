"""A host without processes around it: reports are caught, time is short, drivers are fake."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hostagent import contract
from hostagent.host import Host
from hostagent.outbox import Outbox
from hostagent.settings import DRIVER_SETS, HostSettings, Settings
from hostagent.timers import Timers


class Desk:
    """One fake host and what it has reported. `order` seals and hands over an order as the broker would."""

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.key = secrets.token_hex(32)
        own = HostSettings("fake1", self.key, folder / "data", folder / "run")
        self.settings = Settings((own,), DRIVER_SETS["fake"], "", f"unix:{folder}/web.sock", "", False, "", fault)
        self.reports: list[dict[str, Any]] = []
        self.stuck: list[str] = []
        self.timers = Timers()
        self.outbox = Outbox(lambda report, expires: self.reports.append(report))
        self.host = Host(self.settings, own, self.outbox, self.timers, self.stuck.append)
        self.timers.start()
        self.outbox.start()
        self.host.start()

    def close(self) -> None:
        self.host.stop()
        self.timers.stop()
        self.outbox.stop()

    def make(self, verb: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        order = {"v": 1, "host": "fake1", "verb": verb, "operation": secrets.token_hex(4), "step": "step", "subject": "",
                 "generation": 1, "deadline": 20, "sent": time.time(), "body": body, **more}  # fmt: skip
        return contract.seal(order, self.key)

    def order(self, verb: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The report that ends it."""
        order = self.make(verb, body, **more)
        self.host.receive(order)
        return self.until(lambda r: r["operation"] == order["operation"] and r["kind"] in ("done", "failed"))

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 5.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for report in list(self.reports):
                if wanted(report):
                    return report
            time.sleep(0.005)
        raise AssertionError(f"no such report in {[(r['kind'], r['step'], r['body']) for r in self.reports]}")


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(fault: str = "") -> Desk:
        desks.append(Desk(tmp_path, fault))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def spec() -> dict[str, Any]:
    return {
        "server_id": "11111111-2222-4333-8444-555555555555",
        "name": "instance-00000001",
        "vcpus": 1,
        "memory_mib": 128,
        "ports": [{"port_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "network_id": "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee", "mac": "fa:16:3e:00:00:01", "mtu": 1450}],
        "disks": [{"device": "vda", "serial": "root", "source": {"kind": "root"}}],
        "power": "on",
    }  # fmt: skip
