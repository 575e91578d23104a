"""Reports while the broker is away."""

import time
from typing import Any

from hostagent.agent.outbox import Outbox
from hostagent.contract import messages

KEY = "ab" * 32


def close(message: dict[str, Any]) -> dict[str, Any]:
    return messages.sign({**message, "sent": time.time()}, KEY)


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def report(kind: str, number: int = 0) -> dict[str, Any]:
    return {"v": 1, "host": "h", "kind": kind, "body": {"number": number}}


class Broker:
    def __init__(self) -> None:
        self.away = False
        self.got: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any], kind: str) -> None:
        if self.away:
            raise ConnectionError("away")
        self.got.append(message)


def test_nothing_that_counts_is_lost_or_reordered_and_only_the_newest_heartbeat_waits() -> None:
    broker = Broker()
    outbox = Outbox(broker.send)
    outbox.start()
    broker.away = True
    outbox.put(close, report("done", 0))
    wait_for(lambda: outbox.seconds_away > 0)
    for number in range(1, 4):
        outbox.put(close, report("done", number))
        outbox.put(close, report("heartbeat", number))
        outbox.put(close, report("working", number))
    broker.away = False
    wait_for(lambda: len(broker.got) >= 5)
    outbox.stop()
    assert [m["body"]["number"] for m in broker.got if m["kind"] == "done"] == [0, 1, 2, 3]
    assert [m["body"]["number"] for m in broker.got if m["kind"] == "heartbeat"] == [3]
    assert not [m for m in broker.got if m["kind"] == "working"]
    assert outbox.seconds_away == 0


def test_a_report_is_stamped_when_it_leaves() -> None:
    broker = Broker()
    broker.away = True
    outbox = Outbox(broker.send)
    outbox.start()
    outbox.put(close, report("done"))
    time.sleep(0.3)
    left = time.time()
    broker.away = False
    wait_for(lambda: broker.got)
    outbox.stop()
    assert broker.got[0]["sent"] >= left
    assert messages.is_signed(broker.got[0], KEY)


def test_a_heartbeat_waits_behind_no_report() -> None:
    """D: a thousand hosts that begin at once said so much that their heartbeats came too late."""
    broker = Broker()
    outbox = Outbox(broker.send)
    for number in range(100):
        outbox.put(close, report("done", number))
        outbox.put(close, report("heartbeat", number))
    outbox.start()
    wait_for(lambda: len(broker.got) == 101)
    outbox.stop()
    assert (broker.got[0]["kind"], broker.got[0]["body"]["number"]) == ("heartbeat", 99)
    assert [m["body"]["number"] for m in broker.got[1:]] == list(range(100))


def test_a_host_is_not_heard_before_its_hello_has_left() -> None:
    """A heartbeat overtakes every other report; control would call a host up that it has not met yet."""
    sent: list[tuple[str, str]] = []
    box = Outbox(lambda message, kind: sent.append((message["host"], kind)))
    for host, kind in (("a", "hello"), ("a", "heartbeat"), ("a", "inventory"), ("b", "heartbeat")):
        box.put(lambda report: report, {"host": host, "kind": kind, "body": {}})
    box.start()
    box.stop()
    assert sent == [("b", "heartbeat"), ("a", "hello"), ("a", "heartbeat"), ("a", "inventory")]
    lost = Outbox(lambda message, kind: sent.append((message["host"], kind)))
    lost._greeting.add("c")  # its hello was dropped for want of room
    lost.put(lambda report: report, {"host": "c", "kind": "heartbeat", "body": {}})
    lost.start()
    lost.stop()
    assert sent[-1] == ("c", "heartbeat")
