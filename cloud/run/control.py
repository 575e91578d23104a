"""The control process: Celery's worker, the clock and what apps begin with it (`celery -A cloud.run.control worker`)."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

import django

django.setup()

from celery.signals import worker_ready  # noqa: E402

from cloud import traces  # noqa: E402
from cloud.backup import nightly  # noqa: E402
from cloud.metrics import local  # noqa: E402
from hostagent.process import memory  # noqa: E402
from operations import periodic, queue  # noqa: E402
from operations import tasks as tasks  # noqa: E402 their registration

TRIM_EVERY = 60.0  # seconds

app = queue.app


@worker_ready.connect
def _begin(**_: object) -> None:
    nightly.count()
    local.serve("control")
    traces.start("control")
    memory.tidy()
    periodic.register(TRIM_EVERY, "memory", memory.trim)
    queue.begin_control()
    periodic.start()
