"""Getting an operation advanced soon: in this process when it is control, else by a Celery message.

A ring may be lost at no harm: the sweep finds every operation whose time has come.
"""

import logging
import queue
import threading
import time

from django.db import close_old_connections

log = logging.getLogger(__name__)

THREADS = 3
COALESCE = 0.03  # seconds that background kicks are collected
REST = 1.0  # seconds for which a broker that did not answer is not asked again, so that no request waits twice

_jobs: "queue.SimpleQueue[str]" = queue.SimpleQueue()
_pending: set[str] = set()
_lock = threading.Lock()
_is_control = False
_silent_until = 0.0  # of the monotonic clock


def become_control() -> None:
    """This process runs operations: rings stay inside it."""
    global _is_control
    if not _is_control:
        _is_control = True
        for number in range(THREADS):
            threading.Thread(target=_run, name=f"operations-{number}", daemon=True).start()


def ring(job: str) -> None:
    """Have `job` run soon: an operation's id, or ``kick:<kind>:<key>``."""
    if _is_control:
        with _lock:
            if job in _pending:
                return
            _pending.add(job)
        _jobs.put(job)
        return
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    from cloud.celery import app
    from hostagent import broker

    try:
        broker.send(app, "operations.advance", job, "control")
    except Exception as error:  # noqa: BLE001 - the broker is away: the sweep will find it
        _silent_until = time.monotonic() + REST
        log.warning("doorbell: %s was not rung: %s", job, error)


def ring_all(jobs: list[str]) -> None:
    for job in jobs:
        ring(job)


def run(job: str) -> None:
    """Run one job now, in this thread."""
    from operations import background, engine

    if job.startswith("kick:"):
        _, kind, key = job.split(":", 2)
        time.sleep(COALESCE)
        background.run(kind, key)
    else:
        engine.advance(job)


def _run() -> None:
    while True:
        job = _jobs.get()
        with _lock:
            _pending.discard(job)
        try:
            close_old_connections()
            run(job)
        except Exception:
            log.exception("doorbell: %s raised", job)
