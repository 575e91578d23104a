"""A host without processes around it: reports are caught, time is short, drivers are fake."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hostagent.agent.host import Host
from hostagent.agent.outbox import Outbox
from hostagent.agent.settings import HostSettings, Settings
from hostagent.contract import messages
from hostagent.drivers.registry import choose
from hostagent.messaging import envelope
from hostagent.process.timers import Timers


class Desk:
    """One fake host and what it has reported. `order` seals and hands over an order as the broker would."""

    def __init__(self, folder: Path, fault: str = "", *, key: str = "") -> None:
        self.key = key or secrets.token_hex(32)
        own = HostSettings("fake1", self.key, folder / "data", folder / "run")
        self.settings = Settings((own,), choose(fake=True), "", f"unix:{folder}/web.sock", "", False, "", fault)
        self.reports: list[dict[str, Any]] = []
        self.stuck: list[str] = []
        self.timers = Timers()
        self.outbox = Outbox(self.arrive)
        self.host = Host(self.settings, own, self.outbox, self.timers, self.stuck.append)
        self.timers.start()
        self.outbox.start()
        self.host.start()

    def arrive(self, message: dict[str, Any], kind: str) -> None:
        """Reports lie here as control sees them, opened."""
        if message["v"] == 2:
            opened = envelope.open_box(message, self.key, "report")
            assert opened is not None
            self.reports.append(opened)
        else:
            assert messages.is_signed(message, self.key)
            self.reports.append(message)

    def welcome(self, *, others: bool = True, time_off: float = 0.0, **more: Any) -> None:
        """Control speaks version 2 from now on, and its clock is `time_off` seconds ahead."""
        asked = self.until(lambda r: "challenge" in r["body"])["body"]["challenge"]
        body = {"challenge": asked, "time": time.time() + time_off, "others": others, **more}
        self.host.receive(envelope.close({"host": "fake1", "verb": messages.WELCOME, "body": body}, self.key, "order"))

    def close(self) -> None:
        self.host.stop()
        self.timers.stop()
        self.outbox.stop()

    def make(self, verb: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        order = {"v": 1, "host": "fake1", "verb": verb, "operation": secrets.token_hex(4), "step": "step", "subject": "",
                 "generation": 1, "deadline": 20, "sent": time.time(), "body": body, **more}  # fmt: skip
        if order["v"] == 2:
            return envelope.close({"turn": time.time(), "expires": order["sent"] + 60} | order, self.key, "order")
        return messages.sign(order, self.key)

    def order(self, verb: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The report that ends it."""
        operation = more.setdefault("operation", secrets.token_hex(4))
        self.host.receive(self.make(verb, body, **more))
        return self.until(lambda r: r["operation"] == operation and r["kind"] in ("done", "failed"))

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for report in list(self.reports):
                if wanted(report):
                    return report
            time.sleep(0.005)
        raise AssertionError(f"no such report in {[(r['kind'], r['step'], r['body']) for r in self.reports]}")


@pytest.fixture(autouse=True)
def failures_are_those_of_their_verb(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A verb that ends with a failure which its row of the contract does not name is said in the agent's log, and fails the test."""
    yield
    said = [record.getMessage() for record in caplog.get_records("call")]
    assert not [text for text in said if "which its row does not name" in text]


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(fault: str = "") -> Desk:
        desks.append(Desk(tmp_path, fault, key=desks[0].key if desks else ""))
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
