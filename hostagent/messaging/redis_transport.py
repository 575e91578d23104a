"""Redis as control and agents use it: nothing is acknowledged, and a message costs little.

An acknowledgement takes four Redis commands a message, up to half of control's time, and would give back what a killed
process had taken only after an hour. The work that such a message named is found again within seconds: control's periodic recovery reads its rows and
asks silent hosts again, agents repeat their reports.
"""

import base64
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

from celery import Celery
from kombu.transport import redis as kombu_redis

log = logging.getLogger(__name__)
redis: Any = kombu_redis  # its types tell of little that is asked here

STARTS: Final = 8  # queues of the many at which asking for the next message begins, in turn: none waits for the others
BUSY: Final = 0.002  # seconds within which an answer means that more lies in the queue
AT_ONCE: Final = 32  # messages that are then taken together
BATCH: Final = 500  # messages that `read` takes at once
LOOK_EVERY: Final = 0.5  # seconds between two looks of `read` at a queue that was empty


class Channel(redis.Channel):  # type: ignore[misc]
    """Keeps its client: redis-py's takes a tenth of a millisecond to make, and kombu makes one for each command.

    Its pipelines are no MULTI: a Redis that is full refuses every command inside one, reading and deleting too, and an agent
    that comes back could not throw away what filled it.
    """

    _kept: Any = None
    _queues: list[str] | None = None
    _in_poll: Any
    _brpop_sent_at: Any
    _asks: deque[Any]  # "the next message of these queues", as bytes

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
            self._kept.pipeline = partial(self._kept.pipeline, transaction=False)
        return self._kept

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Queues are consumed without acknowledgement (broker.queue), so there is nothing to forget."""

    # kombu puts its question together anew for each message: for the thousand queues of 500 pretended hosts that took longer
    # than what the message asked for.

    @property
    def active_queues(self) -> list[str]:
        if self._queues is None:
            queues = (queue for queue in self._active_queues if queue not in self.active_fanout_queues)
            self._queues = list(dict.fromkeys(queues))
        return self._queues

    def _update_queue_cycle(self) -> None:
        self._queues, self._asks = None, deque()
        super()._update_queue_cycle()

    def _brpop_start(self, timeout: float | None = None) -> None:
        if timeout is not None or self.global_keyprefix or not self.active_queues:
            super()._brpop_start(timeout)
            return
        link = self.client.connection
        if not self._asks:
            names = self.active_queues
            for at in range(0, len(names), -(-len(names) // STARTS)):
                turned = [*names[at:], *names[:at]]
                keys = [self._q_for_pri(name, step) for step in self.priority_steps for name in turned]
                self._asks.append(link.pack_command("BRPOP", *keys, self.brpop_timeout or 0))
        self._asks.rotate(-1)
        self._in_poll, self._brpop_sent_at = link, time.monotonic()
        link.send_packed_command(self._asks[0])

    def _brpop_read(self, **options: Any) -> bool:
        try:
            try:
                found = self.client.parse_response(self.client.connection, "BRPOP", **options)
            except self.connection_errors:
                self.client.connection.disconnect()  # so that the next round connects anew
                raise
            if not found:
                raise redis.Empty()
            key, first = found
            items = [first]
            if time.monotonic() - self._brpop_sent_at < BUSY:
                items += self._more(key)
            name = key.decode().rsplit(self.sep, 1)[0]
            for item in items:
                _alone(name, partial(self._hand_over, item, name))
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _hand_over(self, item: bytes, name: str) -> None:
        self.connection._deliver(json.loads(item), name)

    def _more(self, key: bytes) -> list[bytes]:
        try:
            return self.client.execute_command("RPOP", key, AT_ONCE) or []
        except self.connection_errors:
            self.client.connection.disconnect()
            return []


class Transport(redis.Transport):  # type: ignore[misc]
    Channel = Channel


def _alone(name: str, take: Callable[[], None]) -> None:
    """Whoever reaches a queue may put anything into it: what cannot be read costs itself, neither those beside it nor us."""
    try:
        take()
    except Exception as error:  # noqa: BLE001 as many kinds as there are ways to be no message
        log.error("a message in %s was dropped: %s: %.300s", name, type(error).__name__, ascii(str(error)))


# ── Without kombu's producers and consumers, which cost several times what the rest does ───────────────────────────────


def push(app: Celery, name: str, message: Any, task: str = "", expires: float | None = None) -> None:
    """Put a message into the queue `name`, as kombu does; with `task` as Celery sends that task to run with it.

    Raises: TypeError, ValueError for what is no JSON; whatever redis-py raises where Redis is away, full or silent.
    """
    tag = str(uuid4())
    headers: dict[str, Any] = {}
    if task:
        headers = {
            "lang": "py", "task": task, "id": tag, "root_id": tag, "parent_id": None, "group": None, "shadow": None,
            "eta": None, "expires": None if expires is None else _at(expires), "retries": 0, "timelimit": [None, None],
            "argsrepr": "", "kwargsrepr": "", "origin": "", "ignore_result": True,
        }  # fmt: skip
        message = [[message], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    text = json.dumps(message, separators=(",", ":"))
    whole = {
        "body": base64.b64encode(text.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": tag, "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": name},
            "priority": 0, "body_encoding": "base64", "delivery_tag": tag,
        },
    }  # fmt: skip
    with app.producer_pool.acquire(block=True) as producer:
        channel: Any = producer.channel
        client = channel._create_client()
        client.lpush(name, json.dumps(whole, separators=(",", ":")))


def _at(seconds: float) -> str:
    """The moment so many seconds from now as Celery writes it."""
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def read(channel: Any, name: str, take: Callable[[bytes], None], is_over: Callable[[], bool]) -> None:
    """Call `take` with the body of each message of the queue `name`, as they lie there, twice a second."""
    client: Any = channel._create_client()
    while not is_over():
        found = client.rpop(name, BATCH) or []
        for item in found:
            _alone(name, partial(_take_body, item, take))
        if len(found) < BATCH:
            time.sleep(LOOK_EVERY)


def _take_body(item: bytes, take: Callable[[bytes], None]) -> None:
    take(base64.b64decode(json.loads(item)["body"]))
