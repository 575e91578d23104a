"""Heartbeats of all hosts are one write a second; nothing else a host says waits for another host."""

import base64
import itertools
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.clock import now
from hostagent.contract.messages import CAST_LIFE, HEARTBEAT_QUEUE, WELCOME, canonical, is_signed, sign
from hostagent.messaging import envelope
from hosts import epoch, heartbeats, reports, services
from hosts.models import Host
from hosts.states import HostState
from operations import arrivals, rpc

pytestmark = pytest.mark.django_db

KEY = "ab" * 32
_seq = itertools.count(int(time.time() * 1e6))
Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    monkeypatch.setattr(services, "key_of", lambda name: KEY)
    monkeypatch.setattr(rpc, "_key_of", lambda name: KEY)
    monkeypatch.setattr(rpc, "_stamp", lambda host, verb: {})
    monkeypatch.setattr(services, "_lines", {})
    epoch.forget()
    monkeypatch.setattr(services, "_carriers", (0.0, frozenset()))
    yield


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What went to the broker: (host, queue, the order as its agent opens it)."""
    orders: Sent = []

    def publish(host: str, message: dict[str, Any], queue: str) -> None:
        opened = envelope.open_box(message, KEY, "order") if message["v"] == 2 else message
        assert opened is not None
        orders.append((host, queue, opened))

    monkeypatch.setattr(rpc, "_publish", publish)
    return orders


def make(count: int, **more: Any) -> None:
    values = {"state": HostState.UP, "inventory": {"vcpus": 1}, "roles": ["network"], "speaks": 2, **more}
    first = Host.objects.count() + 1
    Host.objects.bulk_create([Host(name=f"h{n}", number=n, **values) for n in range(first, first + count)])


def beat(host: str, *, sent: float | None = None, **body: Any) -> dict[str, Any]:
    message = {
        "host": host,
        "kind": "heartbeat",
        "boot": "b",
        "sent": sent or time.time(),
        "seq": next(_seq),
        "body": body,
    }
    return envelope.close(message, KEY, "report")


def test_heartbeats_of_all_hosts_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """D: 1,000 hosts were 200 transactions a second."""
    monkeypatch.setattr(heartbeats, "_is_running", True)
    make(300)
    for _ in range(3):  # the first ones are held against the database's lives, each host's for itself
        heartbeats.flush()
        for number in range(1, 301):
            heartbeats.take(beat(f"h{number}", others=True))
    Host.objects.update(last_seen_at=now() - timedelta(seconds=15))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        heartbeats.flush()
    said = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"] and "BEGIN" not in query["sql"]]
    assert len([sql for sql in said if sql.startswith("UPDATE") and "last_seen_at" in sql]) == 1
    assert len(said) <= 4  # who is not up, the write, the numbers (many, one statement), who the others are
    assert not Host.objects.filter(last_seen_at__lt=now() - timedelta(seconds=5)).exists()


def test_a_replayed_or_held_back_heartbeat_keeps_no_dead_host_up() -> None:
    """C9: it did, for as long as anyone repeated it."""
    make(1)
    message = beat("h1", others=False)
    heartbeats.take(message)
    long_ago = now() - timedelta(seconds=25)
    Host.objects.update(last_seen_at=long_ago)
    heartbeats.take(message)
    heartbeats.take(beat("h1", sent=time.time() - 21, others=False))
    assert Host.objects.get().last_seen_at == long_ago


def test_the_numbers_of_reports_are_kept_with_their_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: a replay is one after a restart of control too."""
    monkeypatch.setattr(arrivals, "_floors_of", services.floors_of)
    make(1)
    message = beat("h1", others=False)
    heartbeats.take(message)
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    Host.objects.update(last_seen_at=None)
    heartbeats.take(message)
    assert Host.objects.get().last_seen_at is None


def test_a_host_that_was_down_is_up_again_with_its_heartbeat(sent: Sent) -> None:
    make(1, state=HostState.DOWN)
    heartbeats.take(beat("h1", others=False))
    assert Host.objects.get().state == HostState.UP


def test_a_heartbeat_waits_for_no_report_and_no_report_for_another_hosts(transactional_db: None) -> None:
    """D: one lock over the cloud: six threads blocked on it, heartbeats waited in the same queue, hosts were called down."""
    from networking.desired import reports as network
    from networking.desired import sync

    make(2)
    done = threading.Event()

    def hear() -> None:
        network.on_network("h1", {"hashes": {}, "failed": {}})
        heartbeats.take(beat("h2", others=True))
        done.set()

    with sync._turn:  # somebody renders the whole cloud
        threading.Thread(target=hear, daemon=True).start()
        assert done.wait(10)


_CLOUD: dict[str, Any] = {"id": "x", "life": "y", "count": 1}
ODD: dict[str, dict[str, Any]] = {
    "beside": {"cloud": {**_CLOUD, "more": float("nan")}},
    "no text": {"cloud": {**_CLOUD, "life": {}}},
    "no number": {"cloud": {**_CLOUD, "count": float("nan")}},
    "too large": {"cloud": {**_CLOUD, "count": 10**30}},
    "half a character": {"cloud": {**_CLOUD, "life": "\ud800"}},
    "no object": {"cloud": [1]},
    "figures": {"agent": {"reports": float("nan"), "jobs": [1]}},
}


@pytest.mark.parametrize("kind", ODD)
def test_whatever_a_host_says_the_others_are_heard(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: one host's heartbeat that the database refuses kept all others from being written, second after second."""
    monkeypatch.setattr(heartbeats, "_is_running", True)
    make(2)
    long_ago = now() - timedelta(seconds=25)
    Host.objects.update(last_seen_at=long_ago)
    heartbeats.note("h1", ODD[kind])
    heartbeats.note("h2", {"others": True})
    heartbeats.flush()
    assert Host.objects.get(name="h2").last_seen_at > long_ago
    assert not heartbeats.is_behind()
    assert Host.objects.get(name="h1").recognised == "" or kind == "figures", (
        "what is no such thing vouches for nothing"
    )


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", '"\\ud800"', "[" * 100_000 + "]" * 100_000])
def test_what_no_database_takes_does_not_get_through_the_seal(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: a host seals what it likes."""
    head = {"v": 2, "host": "h1", "nonce": "00" * 12}
    text = (
        f'{{"host": "h1", "kind": "heartbeat", "sent": {time.time()}, "seq": {next(_seq)}, "body": {{"x": {value}}}}}'
    )
    cipher = envelope._cipher(KEY, "report")
    box = cipher.encrypt(bytes(12), text.encode(), canonical(head))
    assert envelope.open_box({**head, "box": base64.b64encode(box).decode()}, KEY, "report") is None
    assert (
        arrivals.opened({**head, "box": base64.b64encode(box).decode()}, lambda host: KEY, queue=HEARTBEAT_QUEUE)
        is None
    )


def test_numbers_that_are_none_are_refused_in_version_1_too() -> None:
    """C9."""
    message = {"v": 1, "host": "h1", "kind": "hello", "sent": time.time(), "body": {"x": 1}}
    assert arrivals.opened(sign(message, KEY), lambda host: KEY) is not None
    message = {**message, "sent": time.time() + 1, "body": {"x": float("nan")}}
    assert arrivals.opened(sign(message, KEY), lambda host: KEY) is None


def test_a_nul_character_is_replaced_and_costs_no_report() -> None:
    """C9: PostgreSQL keeps none; an answer that holds one must arrive all the same."""
    message = {"host": "h1", "kind": "done", "body": {"said": "a\0b"}}
    opened = envelope.open_box(envelope.close(message, KEY, "report"), KEY, "report")
    assert opened is not None and opened["body"]["said"] == "a\ufffdb"


def test_what_a_host_says_of_itself_has_a_largest(transactional_db: None) -> None:
    """C9: its row is read with each look at the hosts; it could be made as long as a message may be."""
    make(1)
    before = Host.objects.get().inventory
    reports.inventory("h1", {"vcpus": 1, "version": "x" * 2 * reports.LARGEST_INVENTORY})
    assert Host.objects.get().inventory == before
    reports.trouble("h1", {"event": "thread", "name": "x" * 100_000, **{f"n{n}": n for n in range(1000)}})
    kept = Host.objects.get().trouble["thread"]
    assert len(str(kept)) < 3 * reports.LARGEST_FACT and kept["count"] == 1


# ── Welcomes ──


def test_a_host_is_welcomed_with_its_challenge(sent: Sent, django_capture_on_commit_callbacks: Any) -> None:
    make(2)
    with django_capture_on_commit_callbacks(execute=True):
        reports.hello("h1", {"boot": "b2", "speaks": 2, "challenge": "c1"})
    [welcome] = [order for _host, _queue, order in sent if order["verb"] == WELCOME]
    assert welcome["body"]["challenge"] == "c1" and welcome["body"]["others"] is True
    assert abs(welcome["body"]["time"] - time.time()) < 5


def test_an_agent_of_953748c_gets_no_welcome(sent: Sent, django_capture_on_commit_callbacks: Any) -> None:
    make(1)
    with django_capture_on_commit_callbacks(execute=True):
        reports.hello("h1", {"boot": "b2"})
    assert not [order for _host, _queue, order in sent if order["verb"] == WELCOME]
    assert Host.objects.get().speaks == 1


def test_a_host_that_is_wrong_about_others_is_told(sent: Sent) -> None:
    """Case 45, B4: what an agent does in silence hangs on whether another host could take its routers."""
    make(1)
    heartbeats.take(beat("h1", others=False))
    assert sent == []
    make(1)
    services._carriers = (0.0, frozenset())
    heartbeats.take(beat("h1", others=False))
    assert [(host, order["body"]["others"]) for host, _queue, order in sent] == [("h1", True)]


def test_a_simulated_host_takes_no_real_ones_routers(sent: Sent) -> None:
    make(1)
    make(3, fake=True)
    assert services.others_of("h1") is False
    assert services.others_of("h2") is True


# ── Orders ──


def order(**more: Any) -> dict[str, Any]:
    return {"verb": "server.ensure", "operation": "", "step": "", "subject": "server:s", "generation": 1, "deadline": 60,
            "body": {"server_id": "s", "config_drive": {"user_data": "secret"}}, **more}  # fmt: skip


def test_orders_are_sent_in_the_version_that_the_host_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept, then send: 2 to whoever said so in its hello, 1 to agents of 953748c, sealed as they check it."""
    make(1)
    make(1, speaks=1)
    messages: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(rpc, "_publish", lambda host, message, queue: messages.update({host: message}))
    assert rpc.cast("h1", order()) and rpc.cast("h2", order())
    assert set(messages["h1"]) == {"v", "host", "nonce", "box"}
    opened = envelope.open_box(messages["h1"], KEY, "order")
    assert opened is not None and opened["expires"] - opened["sent"] == pytest.approx(CAST_LIFE)
    assert messages["h2"]["v"] == 1 and is_signed(messages["h2"], KEY)


def test_nothing_is_sent_to_a_host_that_is_down_until_its_hello(sent: Sent) -> None:
    """C10: orders to a dead host piled up for ever, again each 12 s a step, and each `network.apply` besides."""
    make(1, state=HostState.DOWN, last_seen_at=now() - timedelta(seconds=60))
    for _ in range(20):
        assert rpc.cast("h1", order())
    assert sent == []
    reports.hello("h1", {"boot": "b2", "speaks": 2})
    assert rpc.cast("h1", order()) and len(sent) == 1


def test_version_2_can_be_required(sent: Sent, settings: Any) -> None:
    settings.AGENT_CONTRACT = 2
    make(1, speaks=1)
    make(1)
    assert rpc.cast("h1", order()) and rpc.cast("h2", order())
    assert [host for host, _queue, _order in sent] == ["h2"]


def test_the_sequence_of_orders_is_that_of_their_steps(sent: Sent) -> None:
    """C10: `turn` is stamped where the step is, not where the message leaves."""
    make(1)
    rpc.cast("h1", order(turn=5.0))
    assert sent[0][2]["turn"] == 5.0


# ── Trouble ──


def test_what_is_wrong_with_an_agent_is_kept_with_its_host() -> None:
    """C7: threads that died are counted; C9: refused orders are said; a clock that is off is readable."""
    make(1)
    say = {"operation": "", "step": "", "generation": 0, "subject": "", "boot": "b", "kind": "event"}
    for body in (
        {"event": "thread", "name": "outbox", "count": 1, "detail": "x"},
        {"event": "thread", "name": "outbox", "count": 2, "detail": "y"},
        {"event": "refused", "why": "replayed", "count": 40, "verb": "server.stop"},
        {"event": "clock", "skew": -3600.0},
    ):
        message = {"host": "h1", "sent": time.time(), "seq": next(_seq), "body": {"at": 1.0, **body}, **say}
        rpc.receive(envelope.close(message, KEY, "report"))
    trouble = Host.objects.get().trouble
    assert (trouble["thread"]["count"], trouble["thread"]["detail"]) == (2, "y")
    assert (trouble["refused"]["count"], trouble["refused"]["why"]) == (40, "replayed")
    assert trouble["clock"]["skew"] == -3600.0


def test_an_inventory_that_says_nothing_new_locks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """D: each host's whole row was written each minute."""
    monkeypatch.setattr(heartbeats, "_is_running", True)
    make(1, inventory={"vcpus": 3})
    with CaptureQueriesContext(connection) as queries:
        reports.inventory("h1", {"vcpus": 3})
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


def test_a_database_that_is_away_for_a_moment_forgets_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """C7, a sibling on control's side: a full disk for a moment, and every host looked silent for five seconds more."""
    monkeypatch.setattr(heartbeats, "_is_running", True)
    make(2)
    heartbeats.take(beat("h1", others=True))
    real = heartbeats._flush
    monkeypatch.setattr(heartbeats, "_flush", lambda beats, numbers: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        heartbeats.flush()
    monkeypatch.setattr(heartbeats, "_flush", real)
    heartbeats.flush()
    assert Host.objects.get(name="h1").last_seen_at is not None and "beat=" in Host.objects.get(name="h1").heard


@pytest.mark.parametrize(
    "body",
    [
        {"cloud": {"id": 5}},
        {"cloud": "x"},
        {"cloud": [[]]},
        {"others": {"a": 1}},
        {"challenge": {"x": []}, "speaks": 2},
        {"challenge": "c", "speaks": 10**30},
        {"challenge": "c", "speaks": "2"},
        {"challenge": "c", "speaks": True},
    ],
)
def test_what_one_broken_host_says_costs_no_other_its_sign_of_life(
    monkeypatch: pytest.MonkeyPatch, sent: Sent, body: dict[str, Any]
) -> None:
    """C9, a sibling: all hosts are written together, so one that was broken into could have called all of them down."""
    monkeypatch.setattr(heartbeats, "_is_running", True)
    make(2)
    heartbeats.take(beat("h1", **body))
    heartbeats.take(beat("h2", others=True))
    heartbeats.flush()
    assert Host.objects.get(name="h2").last_seen_at is not None
