"""How a worker takes the tasks of control and agents: straight to its threads.

Celery's own way (a request object, its signals, a trace with a result that nobody reads) costs more than most reports do.
A task names it: ``@app.task(name=…, Strategy=light.STRATEGY)``.
"""

import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from hostagent.messaging import broker

log = logging.getLogger(__name__)

STRATEGY: Final = "hostagent.messaging.light:strategy"
#: Messages that wait for a thread in the process. The others stay in the broker, whose memory has a bound: Redis, where nothing
#: is acknowledged, would give all that it has.
MOST: Final = 1000


def strategy(task: Any, app: Any, consumer: Any, **more: Any) -> Callable[..., Any]:
    """Make the function that Celery's consumer calls with each message of the task. A message that may expire or has a time goes Celery's own way."""
    from celery.worker.strategy import default  # late: web names these tasks and runs none

    usual = default(task, app, consumer, **more)
    executor = getattr(consumer.pool, "executor", None)
    if executor is None:  # no pool of threads
        return usual
    is_acknowledged = broker.is_rabbitmq(app.conf.broker_url)
    room = threading.BoundedSemaphore(MOST)

    def take(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> Any:
        said = message.headers
        if body is not None or said.get("expires") or said.get("eta") or message.content_type != "application/json":
            return usual(message, body, ack, reject, callbacks)
        begun = partial(ack, log, consumer.connection_errors) if is_acknowledged else None
        room.acquire()  # nothing else is read meanwhile, as nothing could be begun
        try:
            executor.submit(_run, task, message.body, begun, room)
        except BaseException:
            room.release()
            raise
        return None

    return take


def _run(task: Any, body: bytes | str, begun: Callable[[], Any] | None, room: threading.BoundedSemaphore) -> None:
    """On a thread of the pool. Acknowledged as it begins, as Celery does: until then it counts as waiting here."""
    room.release()
    try:
        if begun is not None:
            begun()
        args, kwargs, _embedded = json.loads(body)
        task.run(*args, **kwargs)
    except Exception:
        log.exception("%s failed", task.name)
