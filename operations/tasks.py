"""The two tasks of the control queue."""

from typing import Any

from celery.signals import worker_ready
from django.db import close_old_connections

from cloud.celery import app
from hostagent import light
from operations import doorbell, hostlink


@app.task(name="operations.advance", Strategy=light.STRATEGY)
def advance(job: str) -> None:
    doorbell.ring(job)


@app.task(name=hostlink.REPORT_TASK, Strategy=light.STRATEGY)
def report(message: dict[str, Any]) -> None:
    close_old_connections()  # as Django does before each request: what is too old or broke is opened anew, what works stays
    hostlink.receive(message)


@worker_ready.connect
def _control(**_: object) -> None:
    doorbell.become_control()
