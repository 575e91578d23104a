"""The two tasks of the control queue."""

from django.db import close_old_connections

from hostagent.messaging import light
from operations import rpc, wakeups
from operations.queue import app


@app.task(name=wakeups.ADVANCE_TASK, Strategy=light.STRATEGY)
def advance(job: str) -> None:
    wakeups.notify(job)


@app.task(name=rpc.REPORT_TASK, Strategy=light.STRATEGY)
def report(message: dict[str, object]) -> None:
    close_old_connections()  # as Django does before each request: what is too old or broke is opened anew, what works stays
    rpc.receive(message)
