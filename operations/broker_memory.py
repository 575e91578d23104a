"""An alarm before the broker is full: the embedded Redis takes nothing more then, rather than forget something (noeviction)."""

import logging
from typing import Any

from django.conf import settings

from hostagent.messaging import broker
from operations import queue

log = logging.getLogger(__name__)

EVERY = 30.0  # seconds between looks
ALARM = 0.8  # of what it may hold


def fullness() -> float | None:
    """Return the share of its memory that a Redis broker uses; None where it has no limit, or is no Redis."""
    if broker.is_rabbitmq(settings.BROKER_URL):
        return None  # RabbitMQ watches its memory itself, and blocks who publishes
    with queue.app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        facts: dict[str, Any] = channel.client.info("memory")
    limit = int(facts.get("maxmemory") or 0)
    return int(facts["used_memory"]) / limit if limit else None


def look() -> None:
    """Say it in the log, as an error, each time that the broker is found nearly full."""
    share = fullness()
    if share is not None and share >= ALARM:
        log.error(
            "the broker's memory is %d %% full: queues that nobody reads? `redis-cli -s <run>/redis/redis.sock --bigkeys` names them",
            round(share * 100),
        )
