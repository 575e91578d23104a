"""The Celery app of control: one queue, two tasks (`operations.advance`, `operations.report`), and what begins with a control process."""

import logging
from collections.abc import Callable

from celery import Celery
from celery.signals import celeryd_init
from django.conf import settings

from hostagent.messaging import broker
from hostagent.process import memory

log = logging.getLogger(__name__)

app = Celery("cloud", broker=settings.BROKER_URL, amqp=broker.PatientAMQP)
app.conf.update(
    task_ignore_result=True,
    task_default_queue="control",
    task_acks_late=False,  # the Operation row is the truth; nothing waits for redelivery
    task_create_missing_queues=True,
    worker_prefetch_multiplier=4,
    worker_send_task_events=False,
    CELERY_DB_REUSE_MAX=10**9,  # Celery would open the database anew for each task; see operations.tasks
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_consumer=broker.CONSUMER,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A request must not wait for a broker that is away or hangs: fail soon, periodic recovery notifies again.
    task_publish_retry=False,
    broker_transport_options={"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "max_retries": 0},
)
app.conf.task_queues = [broker.queue("control", settings.BROKER_URL)]
if broker.is_rabbitmq(settings.BROKER_URL):
    app.conf.update(broker.rabbitmq_settings())
else:
    app.conf.broker_transport_options |= {"priority_steps": [0]}


@celeryd_init.connect
def _become_worker(**_: object) -> None:
    """Set the consumers' socket timeout, 5 s: it must exceed the 1 s blocking pop of the Redis transport. No thread runs yet."""
    memory.few_arenas()
    if not broker.is_rabbitmq(settings.BROKER_URL):
        app.conf.broker_transport_options |= {"socket_timeout": 5.0}


_BEGINNINGS: list[Callable[[], object]] = []


def on_control(begin: Callable[[], object]) -> None:
    """Have `begin()` called once when a process becomes control (cloud/run/control.py). Apps register theirs at start."""
    if begin not in _BEGINNINGS:
        _BEGINNINGS.append(begin)


def begin_control() -> None:
    """Call what apps registered, in the order of the apps. One that fails keeps the others from nothing."""
    for begin in _BEGINNINGS:
        try:
            begin()
        except Exception:
            log.exception("control: %s.%s failed", begin.__module__, begin.__qualname__)
