"""Celery on the control side: one queue, two tasks (`operations.advance`, `operations.report`)."""

import os

from celery import Celery
from celery.signals import celeryd_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402

from hostagent import broker, memory  # noqa: E402

TRIM_EVERY = 60.0  # seconds

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
    # A request must not wait for a broker that is away or hangs: fail soon, the sweep rings again.
    task_publish_retry=False,
    broker_transport_options={"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "max_retries": 0},
)
app.conf.task_queues = [broker.queue("control", settings.BROKER_URL)]
if broker.is_rabbitmq(settings.BROKER_URL):
    app.conf.update(broker.rabbitmq_settings())
else:
    app.conf.broker_transport_options |= {"priority_steps": [0]}
app.autodiscover_tasks(["operations", "hosts"])


@celeryd_init.connect
def _become_worker(**_: object) -> None:
    """Who reads a queue waits for its next message: more than the second that Redis lets it wait. No thread runs yet."""
    memory.few_arenas()
    if not broker.is_rabbitmq(settings.BROKER_URL):
        app.conf.broker_transport_options |= {"socket_timeout": 5.0}


@worker_ready.connect
def _start_beat(**_: object) -> None:
    from cloud import traces
    from cloud.backup import nightly
    from cloud.metrics import local
    from operations.periodic import every, start

    nightly.count()
    local.serve("control")
    traces.start("control")
    memory.tidy()
    every(TRIM_EVERY, "memory", memory.trim)
    start()
