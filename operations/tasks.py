"""The two tasks of the control queue."""

from typing import Any

from celery.signals import worker_ready

from cloud.celery import app
from operations import doorbell, hostlink


@app.task(name="operations.advance")
def advance(job: str) -> None:
    doorbell.ring(job)


@app.task(name=hostlink.REPORT_TASK)
def report(message: dict[str, Any]) -> None:
    hostlink.receive(message)


@worker_ready.connect
def _control(**_: object) -> None:
    doorbell.become_control()
