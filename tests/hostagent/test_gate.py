"""What an agent takes for an order, and how often; what it says of the rest."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hostagent.agent.clock import NEAR, ControlClock
from hostagent.agent.gate import Gate
from hostagent.agent.job import Job
from hostagent.agent.settings import HostSettings
from hostagent.contract import messages
from hostagent.contract.failures import Failure
from hostagent.contract.reports import Event
from hostagent.messaging import envelope

RECORDED = json.loads((Path(__file__).parent / "recorded" / "version-1.json").read_text())
KEY = "ab" * 32


class Post:
    """A gate, what it said, and orders of version 2 for it."""

    def __init__(self, folder: Path, *, key: str = KEY, least: int = 1) -> None:
        self.own = HostSettings("fake1", key, folder, folder / "run")
        self.told: list[dict[str, Any]] = []
        self.clock = ControlClock()
        self.least = least
        self.begin()

    def begin(self) -> None:
        """The agent's process ended and another began."""
        self.gate = Gate(
            self.own, self.clock, lambda name, facts: self.told.append({"event": name, **facts}), least=self.least
        )

    def order(self, verb: str = "server.remove", server: str = "s", **more: Any) -> dict[str, Any]:
        sent = more.pop("sent", time.time())
        order = {"host": "fake1", "verb": verb, "operation": "op", "step": "remove", "subject": f"server:{server}",
                 "generation": 1, "sent": sent, "expires": sent + messages.CAST_LIFE, "turn": sent,
                 "body": {"server_id": server}, **more}  # fmt: skip
        return envelope.close(order, self.own.key, "order")


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def why(post: Post) -> list[str]:
    return [said["why"] for said in post.told]


def test_the_broker_reads_nothing_of_an_order(post: Post) -> None:
    """C9: with the broker's one account all hosts' orders could be read, config drives among them."""
    sealed = post.order(
        "server.ensure", config_drive_marker="hunter2", body={"server_id": "s", "config_drive": {"f": "c2VjcmV0"}}
    )
    assert set(sealed) == {"v", "host", "nonce", "box"}
    assert "c2VjcmV0" not in json.dumps(sealed) and "hunter2" not in json.dumps(sealed)
    assert post.gate.admit(sealed)["body"]["config_drive"] == {"f": "c2VjcmV0"}  # type: ignore[index]


def test_an_order_counts_once_and_a_replay_is_said(post: Post) -> None:
    """C9: a captured stop or removal could be sent again at any time."""
    order = post.order()
    assert post.gate.admit(order) is not None
    assert post.gate.admit(order) is None
    assert why(post) == ["replayed"]


def test_an_order_counts_once_over_restarts_of_the_agent(post: Post) -> None:
    """C9: the memory of what was done survives the agent's process."""
    order = post.order()
    assert post.gate.admit(order) is not None
    post.begin()
    assert post.gate.admit(order) is None
    assert why(post) == ["replayed"]


def test_a_version_1_order_counts_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: orders of version 1 carry `sent` and nobody looked at it."""
    post = Post(tmp_path, key=RECORDED["key"])
    order = RECORDED["orders"][0]
    assert post.gate.admit(order) is None  # recorded long ago
    monkeypatch.setattr(time, "time", lambda: RECORDED["at"] + 1)
    assert post.gate.admit(order) is not None
    assert post.gate.admit(order) is None
    assert why(post) == ["late", "replayed"]


@pytest.mark.parametrize(("age", "said"), [(61.0, ["late"]), (3 * 86400.0, ["late"]), (-61.0, ["early"]), (30.0, [])])
def test_an_order_has_an_end(post: Post, age: float, said: list[str]) -> None:
    """C10: an agent that was away worked off days of stale orders."""
    taken = post.gate.admit(post.order(sent=time.time() - age))
    assert (taken is None, why(post)) == (bool(said), said)


def test_an_order_cannot_give_itself_a_longer_life(post: Post) -> None:
    sent = time.time() - 3600
    assert post.gate.admit(post.order(sent=sent, expires=sent + 10**6)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "00" * 12},
        {"nonce": "0"},
        {"nonce": None},
        {"box": "AAAA"},
        {"box": None},
        {"v": 1},
        {"v": 3},
        {"v": "2"},
        {"host": "fake2"},
    ],
)
def test_what_was_changed_on_its_way_is_not_done(post: Post, spoil: dict[str, Any]) -> None:
    """C9: forging. Version, host and nonce lie outside of the box and are held against it."""
    assert post.gate.admit({**post.order(), **spoil}) is None


@pytest.mark.parametrize(
    "message", [None, 7, "order", [], {}, {"host": "fake1"}, {"host": "fake1", "v": 2}, {"host": "fake1", "v": 1}]
)
def test_what_is_no_order_at_all_is_dropped(post: Post, message: Any) -> None:
    assert post.gate.admit(message) is None


def test_a_report_or_another_hosts_order_is_no_order(post: Post) -> None:
    """C9: what one host may say with its key opens nothing at another, nor in the other direction."""
    body = {"host": "fake1", "verb": "server.remove", "sent": time.time(), "body": {"server_id": "s"}}
    assert post.gate.admit(envelope.close(body, KEY, "report")) is None
    assert post.gate.admit(envelope.close(body, "cd" * 32, "order")) is None
    assert post.gate.admit({**envelope.close({**body, "host": "fake2"}, KEY, "order"), "host": "fake1"}) is None


def test_version_1_can_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept, send, require: the last of the three."""
    monkeypatch.setattr(time, "time", lambda: RECORDED["at"] + 1)
    post = Post(tmp_path, key=RECORDED["key"], least=2)
    assert post.gate.admit(RECORDED["orders"][0]) is None
    assert why(post) == ["old version"]


def test_a_flood_of_replays_is_said_with_its_count_not_each(post: Post) -> None:
    order = post.order()
    for _ in range(200):
        post.gate.admit(order)
    assert len(post.told) == 1


# ── The sequence of a server's orders ──


def test_a_stale_ensure_after_a_remove_does_nothing(post: Post) -> None:
    """C10: quick and bulk orders came in any order: a `disk.ensure` that was late made the disk again."""
    began = time.time() - 20
    late = post.gate.admit(post.order("disk.ensure", step="create_disk", sent=began))
    removal = post.gate.admit(post.order("disk.remove", step="undo:create_disk", sent=began + 10))
    assert late is not None and removal is not None
    post.gate.take_turn(removal)
    with pytest.raises(Failure) as refused:
        post.gate.take_turn(late)
    assert refused.value.code == "stale"


def test_the_sequence_is_the_servers_not_the_operations(post: Post) -> None:
    """C10: `host.look` and debts order about servers under subjects of their own."""
    began = time.time() - 20
    late = post.gate.admit(post.order("disk.ensure", sent=began, subject="server:s"))
    newer = post.gate.admit(post.order("disk.remove", sent=began + 10, subject="host:fake1", operation=""))
    assert late is not None and newer is not None
    post.gate.take_turn(newer)
    with pytest.raises(Failure):
        post.gate.take_turn(late)


def test_the_same_step_may_come_again_in_any_order(post: Post) -> None:
    """Control asks again what it heard nothing of; the first message may be the later one."""
    began = time.time() - 20
    first, again = post.gate.admit(post.order(sent=began)), post.gate.admit(post.order(sent=began + 12))
    assert first is not None and again is not None
    post.gate.take_turn(again)
    post.gate.take_turn(first)


def test_the_sequence_survives_a_restart_and_a_file_of_953748c(post: Post) -> None:
    (post.own.data / "generations.jsonl").write_text('["server:old",7]\n')
    post.begin()
    old = post.gate.admit(post.order(server="old", generation=6))
    new = post.gate.admit(post.order(server="old", generation=7))
    assert old is not None and new is not None
    with pytest.raises(Failure):
        post.gate.take_turn(old)
    post.gate.take_turn(new)


# ── The clock ──


def test_a_host_whose_clock_is_an_hour_off_works_and_says_so(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: the window of 60 s must not silence a host whose clock is wrong: it learns control's, and an event says it."""
    desk.welcome(time_off=3600.0)
    said = desk.until(lambda r: r["body"].get("event") == "clock")
    assert said["body"]["skew"] == pytest.approx(-3600.0, abs=5)
    moment = time.time() + 3600
    desk.host.reporter.event(Event.LEASE, at=time.time(), port_id="p")
    assert desk.until(lambda r: r["body"].get("port_id") == "p")["body"]["at"] == pytest.approx(moment, abs=5)
    done = desk.order("host.read", {}, v=2, sent=moment)
    assert done["kind"] == "done" and done["sent"] == pytest.approx(moment, abs=5)
    desk.host.receive(desk.make("host.read", {}, v=2, sent=time.time()))
    refused = desk.until(lambda r: r["body"].get("event") == "refused")["body"]
    assert refused["why"] == "late" and refused["skew"] == pytest.approx(3600.0, abs=5)


def test_a_welcome_counts_only_for_our_challenge_and_once() -> None:
    clock = ControlClock()
    challenge = clock.challenge()
    assert not clock.hear({"challenge": "00" * 12, "time": 5.0})
    assert clock.hear({"challenge": challenge, "time": time.time()})
    assert not clock.hear({"challenge": challenge, "time": 5.0})
    assert abs(clock.skew) < 5


def test_a_late_welcome_says_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds an answer back could turn the clock of a host back by as much."""
    clock = ControlClock()
    challenge = clock.challenge()
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + NEAR + 1)
    assert clock.hear({"challenge": challenge, "time": time.time() - NEAR})
    assert not clock.is_known and clock.speaks == 2


def test_who_refuses_a_late_order_asks_for_the_time_again(post: Post) -> None:
    post.gate.wants_welcome = False
    post.gate.admit(post.order(sent=time.time() - 500))
    assert post.gate.wants_welcome


# ── The two versions ──


def test_an_agent_speaks_version_1_until_it_was_welcomed(desk: Any) -> None:
    """A new agent works with control of 953748c: hello and all reports are of version 1 until a welcome comes."""
    desk.order("host.read", {})
    assert {report["v"] for report in desk.reports} == {1}
    assert desk.reports[0]["kind"] == "hello" and desk.reports[0]["body"]["speaks"] == 2
    desk.welcome()
    assert desk.order("host.read", {}, v=2)["v"] == 2


def test_orders_that_control_of_953748c_sent_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded messages of that commit, under its own seals."""
    from tests.hostagent.conftest import Desk

    desk = Desk(tmp_path, key=RECORDED["key"])
    server = RECORDED["orders"][0]["body"]["server_id"]
    desk.host.storage.ensure_disk(
        {"server_id": server, "image": None, "size_gib": 1}, Job({"body": {}})
    )  # recorded after it
    try:
        monkeypatch.setattr(time, "time", lambda: RECORDED["at"] + 2)
        for order in RECORDED["orders"]:
            desk.host.receive(order)
        answer = desk.until(lambda r: r["kind"] == "done" and r["step"] == "start_domain")
        assert answer["v"] == 1 and answer["body"]["state"] == "running"
        found = desk.until(lambda r: r["kind"] == "done" and r["step"] == "read")["body"]
        assert list(found["servers"].values()) == ["running"]
        assert desk.until(lambda r: r["kind"] == "network")
    finally:
        desk.close()


def test_numbers_of_reports_grow_over_restarts_even_if_the_clock_goes_back(
    make_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: a report that is not newer is a replay, so a new agent must not begin below the old one."""
    first = make_desk()
    first.welcome()
    number = first.order("host.read", {}, v=2)["seq"]
    first.close()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 7200)
    second = make_desk()
    second.welcome()
    assert second.order("host.read", {}, v=2)["seq"] > number
