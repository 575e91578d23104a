"""What goes through Redis costs little, and is what Celery itself would have sent and taken."""

import base64
import json
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.worker.request import Request
from kombu.message import Message

from hostagent.messaging import broker, groups, light, redis_transport
from tests import servers

pytestmark = pytest.mark.process

MARK = "said-once"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with servers.redis(tmp_path) as found:
        yield found


def make_app(url: str, *queues: str) -> Celery:
    app = Celery("small", broker=url, amqp=broker.PatientAMQP, set_as_current=False)
    app.conf.broker_transport_options = {"priority_steps": [0], "polling_interval": 1}
    app.conf.task_queues = [broker.queue(name, url) for name in queues]
    app.conf.worker_hijack_root_logger = False
    app.conf.task_ignore_result = True
    return app


def lying(app: Celery, name: str) -> list[dict[str, Any]]:
    with app.connection_for_read() as link:
        return [json.loads(item) for item in link.default_channel.client.lrange(name, 0, -1)]


def counted(done: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.01)
    return done()


def _nothing(message: Any) -> None:
    """A task."""


@pytest.mark.parametrize("expires", [None, 20.0])
def test_a_task_is_sent_as_celery_sends_it_without_a_second_copy_of_what_it_says(
    url: str, expires: float | None
) -> None:
    app = make_app(url, "q")
    message = {"v": 2, "host": "höst", "box": MARK}
    broker.send(app, "some.task", message, "q", expires=expires)
    app.send_task("some.task", args=[message], queue=app.amqp.queues["q"], expires=expires, ignore_result=True)
    theirs, ours = lying(app, "q")  # the newest is first
    assert ours.keys() == theirs.keys() and ours["properties"].keys() <= theirs["properties"].keys()
    assert ours["headers"].keys() <= theirs["headers"].keys()
    assert json.dumps(ours).count(MARK) == 0 and len(json.dumps(ours)) < len(json.dumps(theirs))
    with app.connection_for_read() as link:
        took, want = (link.default_channel.Message(raw, channel=link.default_channel) for raw in (ours, theirs))
        assert took.payload == want.payload and took.payload[0] == [message]
        task = app.task(name="some.task", shared=False)(_nothing)
        read, meant = (Request(one, app=app, task=task) for one in (took, want))
        assert (read.name, read.utc, read.time_limits) == (meant.name, meant.utc, meant.time_limits)
        if expires is None:
            assert read.expires is None
        else:
            assert abs((read.expires - meant.expires).total_seconds()) < 5


def test_what_is_no_json_is_refused_and_a_broker_that_is_away_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        broker.send(make_app(url), "some.task", {"body": object()}, "q")
    away = make_app(f"redis+socket://{tmp_path}/nobody.sock")
    away.conf.broker_transport_options |= {"max_retries": 0}
    began = time.monotonic()
    with pytest.raises(Exception, match=r"nobody\.sock|No such file"):
        broker.send(away, "some.task", {}, "q")
    assert time.monotonic() - began < 2


def test_a_worker_runs_each_task_once_whatever_one_of_them_raises(url: str) -> None:
    app = make_app(url, "q")
    ran: list[Any] = []

    @app.task(name="some.task", shared=False, Strategy=light.STRATEGY)
    def some(message: Any) -> None:
        ran.append(message)
        if message == 3:
            raise RuntimeError("asked to")

    broker.send(app, "some.task", "late", "q", expires=-5.0)
    for number in range(100):
        broker.send(app, "some.task", number, "q")
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="ERROR"):
        assert counted(lambda: len(ran) >= 100)
        broker.send(app, "some.task", "alone", "q")
        assert counted(lambda: "alone" in ran)
    assert sorted(map(str, ran)) == sorted([*map(str, range(100)), "alone"]), "one that had expired is not run"


def test_a_thousand_queues_are_asked_of_without_making_the_question_anew(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 pretended hosts share a process: kombu's question took longer than what was asked for."""
    names = [f"host.{number}" for number in range(1000)]
    app = make_app(url, *names)
    made = Counter[str]()
    right = redis_transport.Channel._q_for_pri

    def count(self: Any, queue: str, step: int) -> Any:
        made["keys"] += 1
        return right(self, queue, step)

    monkeypatch.setattr(redis_transport.Channel, "_q_for_pri", count)
    got: list[str] = []

    def take(body: Any, message: Message) -> None:
        got.append(body)

    for name in names[::-7]:
        broker.publish(app, name, name)
    wanted = len(got) + len(names[::-7])
    with app.connection_for_read() as link, link.Consumer(
        [broker.queue(name, url) for name in names], callbacks=[take], accept=["json"], no_ack=True
    ):  # fmt: skip
        while len(got) < wanted:
            link.drain_events(timeout=5)
    assert sorted(got) == sorted(names[::-7])
    assert made["keys"] <= (redis_transport.STARTS + 1) * len(names), f"{made['keys']} keys for {wanted} messages"


def test_a_queue_that_is_never_empty_keeps_no_other_waiting(url: str) -> None:
    app = make_app(url, "busy", "calm")
    got: list[str] = []

    def take(body: Any, message: Message) -> None:
        got.append(body)
        broker.publish(app, "busy", "busy")

    for _ in range(100):
        broker.publish(app, "busy", "busy")
    broker.publish(app, "calm", "calm")
    with app.connection_for_read() as link, link.Consumer(
        [broker.queue(name, url) for name in ("busy", "calm")], callbacks=[take], accept=["json"], no_ack=True
    ):  # fmt: skip
        while "calm" not in got and len(got) < 2000:
            link.drain_events(timeout=5)
    assert got.index("calm") <= 2 * redis_transport.AT_ONCE


def test_read_takes_messages_in_their_order_many_at_once_and_goes_on_after_one_that_is_none(url: str) -> None:
    app = make_app(url)
    got: list[int] = []
    over = threading.Event()

    def take(message: Any) -> None:
        got.append(message)
        if message == 1199:
            over.set()

    for number in range(1200):
        broker.publish(app, number, "beats")
    with app.connection_for_read() as link:
        client = link.default_channel.client
        client.rpush("beats", json.dumps({"body": "bm9uZQ=="}))
        client.config_resetstat()
        broker.read(app, "beats", take, over.is_set)
        asked = client.info("commandstats")["cmdstat_rpop"]["calls"]
    assert got == list(range(1200))
    assert asked <= 4


def test_no_question_names_more_queues_than_a_group_has_and_every_queue_is_served_again_after_a_break(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis does work for each queue that is named, with each message."""
    names = [f"host.{number}" for number in range(3 * groups.GROUP - 10)]
    app = make_app(url, *names)
    ran: list[str] = []
    named: list[int] = []
    right = redis_transport.Channel._brpop_start

    def start(self: Any, timeout: float | None = None) -> None:
        named.append(len(self.active_queues))
        right(self, timeout)

    @app.task(name="grouped.task", shared=False, Strategy=light.STRATEGY)
    def some(message: str) -> None:
        ran.append(message)

    monkeypatch.setattr(redis_transport.Channel, "_brpop_start", start)

    def is_over(turn: str) -> bool:
        return sum(one.startswith(turn) for one in ran) == len(names)

    groups.consume(app, names)
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="CRITICAL"):
        for turn in ("first", "second"):
            for name in names:
                broker.send(app, "grouped.task", f"{turn} {name}", name)
            assert counted(partial(is_over, turn))
            with app.connection_for_read() as link:
                link.default_channel.client.client_kill_filter(_type="normal", skipme=True)
    assert max(named) == groups.GROUP


def whole(said_in_it: bytes, headers: Any = None, **more: Any) -> dict[str, Any]:
    properties = {"delivery_info": {}, "body_encoding": "base64", "delivery_tag": "1"}
    said = {"task": "some.task", "id": "1", "argsrepr": "", "kwargsrepr": ""} if headers is None else headers
    text = base64.b64encode(said_in_it).decode()
    return {"body": text, "content-encoding": "utf-8", "content-type": "application/json", "headers": said} | {
        "properties": properties, **more
    }  # fmt: skip


GOOD = b'[["bad"], {}, {}]'
NO_MESSAGES: list[bytes] = [
    b"\xff no json", b"5", b"null", b"[]", b"{}", b"[" * 100_000,
    *(json.dumps(one).encode() for one in (
        {"body": "", "headers": {}},
        {**whole(GOOD), "properties": {"delivery_tag": "1"}},
        whole(GOOD, body=5),
        whole(GOOD, body="%%%"),
        whole(GOOD, "text"),
        whole(GOOD, [1]),
        whole(GOOD, {"task": ["some.task"]}),
        whole(GOOD, {"task": "some.task", "id": "1", "expires": [1]}),
        whole(GOOD, **{"content-type": None}),
        whole(GOOD, **{"content-type": {}}),
        whole(b"[" * 100_000),
        whole(b"5"),
    )),
]  # fmt: skip


def test_what_is_no_message_ends_no_worker_and_takes_none_of_its_neighbours_along(url: str) -> None:
    """C9: who could reach the broker ended control, and every agent, by one item that is no JSON."""
    app = make_app(url, "q")
    app.conf.worker_consumer = broker.CONSUMER
    ran: list[Any] = []

    @app.task(name="some.task", shared=False, Strategy=light.STRATEGY)
    def some(message: Any) -> None:
        ran.append(message)

    with app.connection_for_write() as link:
        for number, item in enumerate(NO_MESSAGES):
            broker.send(app, "some.task", number, "q")
            link.default_channel.client.lpush("q", item)
        broker.send(app, "some.task", "last", "q")
        with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="CRITICAL"):
            assert counted(lambda: "last" in ran)
            for item in NO_MESSAGES:  # each alone
                link.default_channel.client.lpush("q", item)
                broker.send(app, "some.task", f"after {item[:20]!r}", "q")
            assert counted(lambda: len(ran) >= 2 * len(NO_MESSAGES) + 1)
    assert [one for one in ran if isinstance(one, int)] == list(range(len(NO_MESSAGES)))


def test_a_worker_takes_no_more_than_it_will_soon_begin(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """C10: a hundred thousand messages were taken into control's memory, which has no bound; a killed control lost them all."""
    monkeypatch.setattr(light, "MOST", 50)
    app = make_app(url, "q")
    ran: list[Any] = []
    go_on = threading.Event()

    @app.task(name="some.task", shared=False, Strategy=light.STRATEGY)
    def some(message: Any) -> None:
        go_on.wait(20)
        ran.append(message)

    for number in range(500):
        broker.send(app, "some.task", number, "q")
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="ERROR"):
        assert counted(lambda: len(lying(app, "q")) < 500)
        time.sleep(0.5)
        waiting = len(lying(app, "q"))
        go_on.set()
        assert counted(lambda: len(ran) == 500)
    assert waiting >= 500 - 50 - redis_transport.AT_ONCE - 3
    assert sorted(ran) == list(range(500))


def test_what_says_that_it_is_compressed_is_not_unpacked(url: str) -> None:
    """C9: 256 KiB of it were 256 MiB in control."""
    app = make_app(url, "q")
    packed = zlib.compress(b"0" * (1 << 20))
    with app.connection_for_read() as link:
        raw = whole(packed, {"task": "some.task", "compression": "gzip"})
        message = link.default_channel.Message(raw, channel=link.default_channel)
    assert message.errors and len(message.body) == len(packed)


def test_read_goes_on_after_whatever_is_no_message(url: str) -> None:
    """C9: heartbeats of all hosts lay behind one that could not be read."""
    app = make_app(url)
    got: list[Any] = []
    over = threading.Event()

    def take(message: Any) -> None:
        if message == "raises":
            raise RuntimeError("asked to")
        got.append(message)
        if message == "last":
            over.set()

    with app.connection_for_read() as link:
        for number, item in enumerate([*NO_MESSAGES[:8], json.dumps(whole(b"[" * 100_000)).encode()]):
            broker.publish(app, number, "beats")
            link.default_channel.client.lpush("beats", item)
        broker.publish(app, "raises", "beats")
        broker.publish(app, "last", "beats")
        reader = threading.Thread(target=broker.read, args=(app, "beats", take, over.is_set), daemon=True)
        reader.start()
        reader.join(20)
    assert [one for one in got if one != json.loads(GOOD)] == [*range(9), "last"]
