"""Metrics of the broker: whether it answers, how full it is, and how much waits in its queues, by purpose."""

import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from prometheus_client import Metric
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloud.metrics.rows import gauge
from hostagent.messaging import broker
from operations import arrivals, queue

PATIENCE = 2.0  # seconds
#: Queue → what it is for; those of hosts are added up.
_OURS = {name: label for name, (_stream, label) in arrivals.STREAMS.items()}
_KINDS = (*_OURS.values(), "orders", "bulk_orders")


def client() -> Any:
    """Connect to the embedded Redis, or to one of the operator's own. An answer now is worth more than another try."""
    once: Any = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}
    if settings.BROKER_URL.startswith("redis+socket://"):
        path = settings.BROKER_URL.removeprefix("redis+socket://").split("?")[0]
        return redis.Redis(unix_socket_path=path, **once)
    return redis.Redis.from_url(settings.BROKER_URL, **once)


def collect() -> Iterator[Metric]:
    """Never raises: a broker that does not answer is a sample."""
    begun = time.perf_counter()
    try:
        share, lengths = _rabbitmq() if broker.is_rabbitmq(settings.BROKER_URL) else _redis()
    except Exception:  # noqa: BLE001 - whatever a broker's client raises
        yield gauge("stackling_broker_up", "Whether the broker answers.", ({}, 0.0))
        return
    yield gauge("stackling_broker_up", "Whether the broker answers.", ({}, 1.0))
    yield gauge("stackling_broker_seconds", "Time that the broker took to answer all this.", ({}, time.perf_counter() - begun))  # fmt: skip
    if share is not None:
        yield gauge("stackling_broker_memory_ratio", "Share of its memory that an embedded Redis uses.", ({}, share))
    yield gauge(
        "stackling_broker_messages",
        "Messages that wait in the broker, by what they are. RabbitMQ's own figures tell those of hosts.",
        *(({"queue": kind}, float(lengths[kind])) for kind in _KINDS if kind in lengths),
    )


def _redis() -> tuple[float | None, dict[str, int]]:
    link = client()
    try:
        memory = link.info("memory")
        limit = int(memory.get("maxmemory") or 0)
        share = int(memory["used_memory"]) / limit if limit else None
        lengths = dict.fromkeys(_KINDS, 0)
        names = [name.decode(errors="replace") for name in link.scan_iter("host.*", count=1000)]
        names += list(_OURS)
        with link.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(name)
            for name, length in zip(names, pipe.execute(raise_on_error=False), strict=True):
                if isinstance(length, int):
                    kind = _OURS.get(name) or ("bulk_orders" if name.endswith(".bulk") else "orders")
                    lengths[kind] += length
        return share, lengths
    finally:
        link.close()


def _rabbitmq() -> tuple[None, dict[str, int]]:
    lengths = {}
    with queue.app.connection_for_write() as link:
        link.ensure_connection(max_retries=1, timeout=int(PATIENCE))
        for name, kind in _OURS.items():
            declared: Any = broker.queue(name, settings.BROKER_URL)(link.default_channel).queue_declare(passive=True)
            lengths[kind] = int(declared.message_count)
    return None, lengths
