"""What begins with the control process."""

from celery.signals import worker_ready

from hosts import heartbeats


@worker_ready.connect
def _hear(**_: object) -> None:
    heartbeats.start()
