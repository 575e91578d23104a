"""How a process speaks to the broker. Control and agents share it: RabbitMQ refuses a queue that two sides declare differently."""

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu import Connection, Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

#: Seconds until a broker that does not answer counts as away. RabbitMQ's are for connecting and for its word that it has it.
CONNECT = 1.0
CONFIRM = 1.0

TRANSPORT_ALIASES["redis"] = "hostagent.redis_transport:Transport"


def is_rabbitmq(url: str) -> bool:
    return url.startswith(("amqp", "pyamqp"))


class PatientConnection(Connection):
    """A broker that is away is asked again each second, not after the 30 that Celery would grow to."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Connection:
        return super().ensure_connection(
            *args, **{**kwargs, "interval_start": 0.2, "interval_step": 0.3, "interval_max": 1.0}
        )


class PatientAMQP(AMQP):
    Connection = PatientConnection


def queue(name: str, url: str) -> Queue:
    """A queue as both sides declare it: durable, on the nameless exchange, and with RabbitMQ replicated.

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
        "worker_consumer": "hostagent.consumer:Consumer",
    }


def send(app: Celery, task: str, message: Any, name: str, *, expires: float | None = None) -> None:
    """Publish one message to the queue `name`; within a second or so, or not at all.

    Raises whatever the broker's client raises when the broker is away.
    """
    declared = app.amqp.queues.get(name) or app.amqp.queues.add(queue(name, app.conf.broker_url))
    how = {"args": [message], "queue": declared, "ignore_result": True, "expires": expires, "retry": False}
    if not is_rabbitmq(app.conf.broker_url):
        app.send_task(task, **how)
        return
    with app.producer_pool.acquire(block=True) as producer:
        link = producer.connection
        was_connected = link.connected
        try:
            app.send_task(task, **how, producer=producer, confirm_timeout=CONFIRM)
        except Exception as error:
            link.collect()  # whatever is wrong with this connection, nobody gets it again
            if not was_connected or isinstance(error, TimeoutError):
                raise
            producer.revive(link)  # an idle connection may be one to a broker that has gone and come back
            app.send_task(task, **how, producer=producer, confirm_timeout=CONFIRM)
