"""Reports count once, under their host's seal, and not when they are old."""

import base64
import itertools
import json
import math
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common import metrics
from hostagent.contract import messages, reports
from hostagent.messaging import envelope
from operations import arrivals

RECORDED = json.loads((Path(__file__).parents[1] / "hostagent" / "recorded" / "version-1.json").read_text())
KEY = "ab" * 32
_seq = itertools.count(int(time.time() * 1e6))


@pytest.fixture(autouse=True)
def nothing_heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    monkeypatch.setattr(arrivals, "_floors_of", lambda host: {})
    yield


def report(kind: str = "working", *, host: str = "h1", key: str = KEY, **more: Any) -> dict[str, Any]:
    message = {"host": host, "boot": "b", "kind": kind, "body": {}, "sent": time.time(), "seq": next(_seq), **more}
    head = {"v": 2, "host": host, "nonce": secrets.token_hex(12)}  # as envelope.close, which takes no NaN: a host may
    box = envelope._cipher(key, "report").encrypt(
        bytes.fromhex(head["nonce"]), json.dumps(message).encode(), messages.canonical(head)
    )
    return {**head, "box": base64.b64encode(box).decode()}


def key_of(host: str) -> str | None:
    return {"h1": KEY, "h2": "cd" * 32, "fake1": RECORDED["key"]}.get(host)


def take(message: Any, **how: Any) -> dict[str, Any] | None:
    return arrivals.opened(message, key_of, **how)


def test_a_replayed_report_does_nothing() -> None:
    """C9: reports had no freshness: a replayed heartbeat kept a dead host up, a replayed state put a guest to SHUTOFF."""
    message = report("event", body={"event": "state"})
    assert take(message) is not None
    assert take(message) is None


def test_reports_may_overtake_each_other() -> None:
    messages = [report() for _ in range(50)]
    assert [message for message in reversed(messages) if take(message) is None] == []
    assert [message for message in messages if take(message) is not None] == []


def test_what_came_before_a_restart_of_control_is_a_replay_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: the newest number is kept with the host."""
    message, late = report(), report()
    assert take(late) is not None
    floors = arrivals.fresh.take_changed()
    assert arrivals.fresh.take_changed() == {}
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    monkeypatch.setattr(arrivals, "_floors_of", lambda host: floors[host])
    assert take(late) is None and take(message) is None
    assert take(report()) is not None


def test_a_report_of_a_boot_before_is_a_replay() -> None:
    """C9: an old hello, and all that the agent before said, count no more once the next one was heard."""
    old = report()
    assert take(report(seq=next(_seq) + 10**9)) is not None
    assert take(old) is None


@pytest.mark.parametrize(
    "spoil",
    [{"host": "h2"}, {"host": "unknown"}, {"nonce": "00" * 12}, {"box": "AAAA"}, {"v": 1}, {"v": None}, {"v": 3}],
)
def test_what_was_changed_on_its_way_is_not_believed(spoil: dict[str, Any]) -> None:
    """C9: forging."""
    assert take({**report(), **spoil}) is None


@pytest.mark.parametrize(
    "message", [None, 3, "x", [], {}, {"host": "h1"}, {"host": "h1", "v": 2, "nonce": 5, "box": []}]
)
def test_what_is_no_report_is_dropped(message: Any) -> None:
    assert take(message) is None


@pytest.mark.parametrize(
    "change", [{"seq": None}, {"seq": "x"}, {"seq": float("inf")}, {"sent": "x"}, {"body": None}, {"body": []}]
)
def test_a_report_without_what_it_needs_is_dropped(change: dict[str, Any]) -> None:
    assert take(report(**change)) is None


def test_an_order_reflected_is_no_report() -> None:
    """C9, a sibling: what control sealed for a host must not come back as that host's word."""
    order = {"host": "h1", "kind": "event", "body": {}, "sent": time.time(), "seq": next(_seq)}
    assert take(envelope.close(order, KEY, "order")) is None


def test_what_says_nothing_any_more_when_it_is_old_is_dropped() -> None:
    """C9, a sibling: who holds heartbeats back and lets them go one by one keeps a dead host up all the same."""
    held = report("heartbeat", sent=time.time() - reports.HEARTBEAT_COUNTS - 1)
    assert take(held, queue=messages.HEARTBEAT_QUEUE) is None
    assert take(report("working", sent=time.time() - messages.SILENCE - 1)) is None
    assert take(report("event", sent=time.time() - 3600)) is not None  # a fact stays one
    assert take(report("heartbeat", sent=float("nan")), queue=messages.HEARTBEAT_QUEUE) is None


@pytest.mark.parametrize("sent", [float("nan"), float("inf"), float("-inf"), 1e308, -1e308])
def test_no_time_that_a_host_says_spoils_the_sum_of_ages(sent: float) -> None:
    """7: one heartbeat sent at no time made /metrics a 500 until control's next start."""
    take(report("heartbeat", sent=sent), queue=messages.HEARTBEAT_QUEUE)
    (figures,) = metrics.report_age.collect()
    assert all(math.isfinite(sample.value) for sample in figures.samples if not sample.name.endswith("_created"))


def test_a_host_whose_clock_is_wrong_may_still_ask_for_the_time() -> None:
    wants = report("heartbeat", sent=time.time() - 3600, body={"speaks": 2, "challenge": "00"})
    assert take(wants, queue=messages.HEARTBEAT_QUEUE) is not None


@pytest.mark.parametrize(("kind", "queue"), reports.QUEUES.items())
def test_what_has_a_queue_of_its_own_comes_by_no_other(kind: str, queue: str) -> None:
    others = {messages.CONTROL_QUEUE, *reports.QUEUES.values()} - {queue}
    if kind == "stats":
        others.remove(messages.CONTROL_QUEUE)  # as agents of before 0141 send it
    assert all(take(report(kind), queue=other) is None for other in others)
    assert take(report("done"), queue=queue) is None
    assert take(report(kind), queue=queue) is not None


def test_a_queue_that_lies_behind_another_loses_nothing() -> None:
    """Numbers are one row a host over all queues, and each queue is read by a thread of its own."""
    late = report("stats")
    for _ in range(arrivals.WINDOW["samples"] + 1):
        assert take(report("heartbeat"), queue=messages.HEARTBEAT_QUEUE) is not None
    assert take(late, queue=messages.SAMPLES_QUEUE) is not None
    assert take(late, queue=messages.SAMPLES_QUEUE) is None


def test_reports_that_agents_of_953748c_sent_are_taken_once(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Recorded messages of that commit, under its own seals."""
    monkeypatch.setattr(time, "time", lambda: RECORDED["at"] + 2)
    assert [take(message) for message in RECORDED["reports"]] == RECORDED["reports"]
    assert [take(message) for message in RECORDED["reports"]] == [None] * len(RECORDED["reports"])
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    settings.AGENT_CONTRACT = 2
    taken = [message["kind"] for message in RECORDED["reports"] if take(message)]
    assert taken == ["hello"]  # by which an agent of version 2 begins


def test_the_memory_of_numbers_is_bounded() -> None:
    line = arrivals._Line(0)
    for number in range(1, 200_000, 3):
        assert line.admit(number, 4096)
    assert len(line.seen) <= max(arrivals.SEEN, 4096) + 1
    assert not line.admit(1, 4096)
