"""The view of /metrics: Prometheus text, for callers that show STACKLING_METRICS_TOKEN or use web's socket on this machine."""

import logging
import time
from collections.abc import Iterator
from threading import Lock

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import Metric, generate_latest

from cloud.health import may_look
from cloud.metrics import broker, local, reverse_proxy, rows

log = logging.getLogger(__name__)

FRESH = 1.0  # seconds for which an answer counts: a flood of questions asks everything once a second
_STARTED = time.time()
_asking = Lock()
_known: tuple[float, bytes] = (-FRESH, b"")


class _All:
    """Everything that is told, a family once."""

    def collect(self) -> Iterator[Metric]:
        yield rows.gauge("stackling_up_seconds", "Since this process started.", ({}, time.time() - _STARTED))
        try:
            known = list(rows.collect())
            up = 1.0
        except DatabaseError as error:
            log.warning("/metrics: the database does not answer: %s", error)
            known, up = [], 0.0
        yield rows.gauge("stackling_database_up", "Whether the database answers.", ({}, up))
        yield from known
        yield from broker.collect()
        yield from reverse_proxy.collect()
        yield from local.Gathered().collect()


def text() -> bytes:
    """Make the answer, or give the last one while it is younger than FRESH seconds. One thread makes it; others wait."""
    global _known
    with _asking:
        when, made = _known
        if time.monotonic() - when >= FRESH:
            made = generate_latest(_All())
            _known = (time.monotonic(), made)
        return made


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer all metrics in Prometheus' text format; 401 for a caller that may not look."""
    if not may_look(request):
        said = "Metrics are for callers that show STACKLING_METRICS_TOKEN as a bearer, or use web's socket on this machine.\n"
        return HttpResponse(said, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(text(), content_type="text/plain; version=0.0.4; charset=utf-8")
