"""Consuming queues of plain messages, which are no Celery tasks: a thread a queue, each message in turn."""

import logging
import time
from collections.abc import Callable
from typing import Final

from django.db import close_old_connections

from hostagent.messaging import broker
from hostagent.process.threads import Threads
from operations import queue

log = logging.getLogger(__name__)

RETRY: Final = 1.0  # seconds after which a broker that is away is asked again

Take = Callable[[object], None]


def start(threads: Threads, name: str, of: str, take: Take) -> None:
    """Start the thread `name`, which calls `take` with each message of the queue `of`. One that raises costs itself alone."""
    threads.keep(name, lambda: _consume(name, of, take))


def _consume(name: str, of: str, take: Take) -> None:
    def take_anew(message: object) -> None:
        close_old_connections()  # as before each request: a connection that broke is opened anew
        take(message)

    while True:
        try:
            broker.read(queue.app, of, take_anew, lambda: False)
        except Exception as error:  # noqa: BLE001 whatever a broker's client raises
            log.warning("%s: the broker is away: %s: %s", name, type(error).__name__, error)
            time.sleep(RETRY)
