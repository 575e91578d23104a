"""How a process speaks to the broker. Control and agents share it: RabbitMQ refuses a queue that two sides declare differently."""

import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu import Connection, Exchange, Queue, compression
from kombu.transport import TRANSPORT_ALIASES

log = logging.getLogger(__name__)

#: Seconds until a broker that does not answer counts as away. RabbitMQ's are for connecting and for its word that it has it.
CONNECT = 1.0
CONFIRM = 1.0
READ_TIMEOUT = 5.0  # seconds: who reads waits for its next message longer than who writes
PREFETCH = 200
CONSUMER = "hostagent.agent.consumer:Consumer"  # of every worker

#: Nothing here is compressed. A message that says it is compressed might be a thousand times as long as it looks.
getattr(compression, "_decoders").clear()  # noqa: B009

TRANSPORT_ALIASES["redis"] = "hostagent.messaging.redis_transport:Transport"


def is_rabbitmq(url: str) -> bool:
    return url.startswith(("amqp", "pyamqp"))


def is_redis(url: str) -> bool:
    """Whether the transport is ours (redis_transport)."""
    return url.startswith(("redis://", "redis+socket://"))


class PatientConnection(Connection):
    """A broker that is away is asked again each second, not after the 30 that Celery would grow to."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Connection:  # type: ignore[override]
        return super().ensure_connection(
            *args, **{**kwargs, "interval_start": 0.2, "interval_step": 0.3, "interval_max": 1.0}
        )


class PatientAMQP(AMQP):
    Connection = PatientConnection


def queue(name: str, url: str) -> Queue:
    """Return a queue as both sides declare it: durable, on the nameless exchange, and with RabbitMQ replicated.

    With Redis nothing is acknowledged, see redis_transport.
    """
    rabbitmq = is_rabbitmq(url)
    arguments = {"x-queue-type": "quorum"} if rabbitmq else None
    return Queue(name, Exchange(""), routing_key=name, durable=True, no_ack=not rabbitmq, queue_arguments=arguments)


def rabbitmq_settings() -> dict[str, Any]:
    """Celery's settings for RabbitMQ.

    A publish fails at once where the broker is away (`max_retries`), and counts when RabbitMQ confirms it: what is written
    into a dying connection is lost without a word. Heartbeats are off because connections that only publish send none and
    would be closed; py-amqp has the kernel find dead peers.
    """
    return {
        "broker_transport_options": {"confirm_publish": True, "max_retries": 0},
        "broker_connection_timeout": CONNECT,
        "broker_heartbeat": 0,
    }


def send(app: Celery, task: str, message: Any, name: str, *, expires: float | None = None) -> None:
    """Publish one message to the queue `name`; within a second or so, or not at all.

    Raises whatever the broker's client raises when the broker is away.
    """
    if is_redis(app.conf.broker_url):
        from hostagent.messaging import redis_transport

        redis_transport.push(app, name, message, task, expires)
        return
    declared = _declared(app, name)
    how: dict[str, Any] = {
        "args": [message],
        "queue": declared,
        "ignore_result": True,
        "expires": expires,
        "retry": False,
    }
    if not is_rabbitmq(app.conf.broker_url):
        app.send_task(task, **how)
        return
    _confirmed(app, lambda producer, **more: app.send_task(task, **how, producer=producer, **more))


def publish(app: Celery, message: Any, name: str) -> None:
    """Publish one message that is no Celery task to the queue `name`, for `Reader`s; otherwise as `send`."""
    if is_redis(app.conf.broker_url):
        from hostagent.messaging import redis_transport

        redis_transport.push(app, name, message)
        return
    declared = _declared(app, name)
    how: dict[str, Any] = {
        "exchange": "",
        "routing_key": name,
        "serializer": "json",
        "retry": False,
        "declare": [declared],
    }
    if is_rabbitmq(app.conf.broker_url):
        _confirmed(app, lambda producer, **more: producer.publish(message, **how, **more))
        return
    with app.producer_pool.acquire(block=True) as producer:
        producer.publish(message, **how)


def read(app: Celery, name: str, take: Callable[[Any], None], is_over: Callable[[], bool]) -> None:
    """Call `take` with each message of the queue `name` that `publish` put there, until `is_over()` says so each second.

    Raises whatever the broker's client raises when the broker is away.
    """
    url = app.conf.broker_url
    options = {**app.conf.broker_transport_options, "socket_timeout": READ_TIMEOUT}
    with Connection(url, transport_options=options, connect_timeout=CONNECT) as connection:
        if is_redis(url):
            from hostagent.messaging import redis_transport

            redis_transport.read(connection.default_channel, name, lambda body: _take(take, body), is_over)
            return

        def on_message(message: Any) -> None:
            if is_rabbitmq(url):
                message.ack()
            _take(take, message.body)

        with connection.Consumer(
            queues=[queue(name, url)],
            on_message=on_message,  # not decoded: what cannot be would stay in the queue, and end each who reads it
            on_decode_error=lambda message, _error: message.ack(),
            no_ack=not is_rabbitmq(url),
            prefetch_count=PREFETCH,
        ):
            while not is_over():
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=1.0)


def _take(take: Callable[[Any], None], body: bytes | str) -> None:
    """One message costs itself, whatever it is."""
    try:
        message = json.loads(body)
    except (ValueError, TypeError, RecursionError) as error:
        log.error("a message that is no JSON was dropped: %s", ascii(str(error))[:300])
        return
    try:
        take(message)
    except Exception:
        log.exception("a message could not be taken")


def purge(app: Celery, names: list[str]) -> int:
    """Throw away what lies in these queues; how many messages that were. Raises as `read`."""
    with Connection(
        app.conf.broker_url, transport_options=app.conf.broker_transport_options, connect_timeout=CONNECT
    ) as link:
        channel = link.default_channel
        return sum(queue(name, app.conf.broker_url)(channel).purge() or 0 for name in names)


def _declared(app: Celery, name: str) -> Queue:
    queues: Any = app.amqp.queues
    declared: Queue = queues.get(name) or queues.add(queue(name, app.conf.broker_url))
    return declared


def _confirmed(app: Celery, publish: Callable[..., Any]) -> None:
    """With RabbitMQ: once more over a new connection, where an idle one was to a broker that has gone."""
    with app.producer_pool.acquire(block=True) as producer:
        link: Any = producer.connection
        was_connected = link.connected
        try:
            publish(producer, confirm_timeout=CONFIRM)
        except Exception as error:
            link.collect()  # whatever is wrong with this connection, nobody gets it again
            if not was_connected or isinstance(error, TimeoutError):
                raise
            producer.revive(link)  # an idle connection may be one to a broker that has gone and come back
            publish(producer, confirm_timeout=CONFIRM)
