"""The two tasks of the control queue."""

from typing import Any

from django.db import close_old_connections

from hostagent.messaging import light
from operations import doorbell, hostlink
from operations.queue import app


@app.task(name=doorbell.ADVANCE_TASK, Strategy=light.STRATEGY)
def advance(job: str) -> None:
    doorbell.ring(job)


@app.task(name=hostlink.REPORT_TASK, Strategy=light.STRATEGY)
def report(message: dict[str, Any]) -> None:
    close_old_connections()  # as Django does before each request: what is too old or broke is opened anew, what works stays
    hostlink.receive(message)
