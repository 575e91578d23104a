"""Metrics of one process, for Prometheus. /metrics gathers it of all processes (cloud/metrics).

Labels are taken from sets that the code bounds: routes, flows, kinds; never an id, an address or a text of a user.
"""

import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry(auto_describe=False)

#: Seconds. Pages and lists take some ms, a boot of a slow client's body up to 30 s.
_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

requests = Histogram(
    "stackling_http_request_duration_seconds",
    "Time that an answer took, from the whole request to its first byte.",
    ("service", "route", "method", "status"),
    buckets=_BUCKETS,
    registry=registry,
)
responses = Counter(
    "stackling_http_responses", "Answers by service and exact status.", ("service", "code"), registry=registry
)
limited = Counter(
    "stackling_requests_limited", "Requests that web refused with 429, by limit.", ("limit",), registry=registry
)
tokens = Counter("stackling_tokens_issued", "Tokens issued, by the methods that proved who.", ("methods",), registry=registry)  # fmt: skip
sign_ins_failed = Counter(
    "stackling_sign_ins_failed", "Proofs of identity that failed, by method.", ("method",), registry=registry
)
rows_rendered = Counter("stackling_rows_rendered", "Rows of instances made into HTML.", registry=registry)
operations = Counter(
    "stackling_operations_ended", "Operations that ended or were parked.", ("flow", "result"), registry=registry
)
operation_seconds = Histogram(
    "stackling_operation_duration_seconds",
    "Time from an operation's request to its good end.",
    ("flow",),
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
    registry=registry,
)
report_age = Histogram(
    "stackling_report_age_seconds",
    "How long what an agent said was on its way, by control's clock: the age of the broker's queue.",
    ("queue",),
    buckets=(0.01, 0.05, 0.25, 1.0, 5.0, 20.0, 60.0),
    registry=registry,
)
log_records = Counter("stackling_log_records", "Lines of the log, by level.", ("level",), registry=registry)
_LEVELS = {logging.WARNING: "warning", logging.ERROR: "error", logging.CRITICAL: "error"}
for _level in ("info", "warning", "error"):
    log_records.labels(_level)
clock_failures = Counter("stackling_clock_failures", "Periodic tasks that raised.", ("tick",), registry=registry)


class CountRecords(logging.Filter):
    """Counts the records that a handler writes."""

    def filter(self, record: logging.LogRecord) -> bool:
        log_records.labels(_LEVELS.get(record.levelno, "info")).inc()
        return True


class _Called:
    """A collector of figures that are asked for only when somebody looks."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect


def register(collect: Callable[[], Iterable[Metric]]) -> None:
    """`collect()` gives families (prometheus_client.core) of this process each time that it is looked at."""
    registry.register(_Called(collect))


def gauge_of(name: str, documentation: str, label: str, read: Callable[[], Iterable[tuple[str, float]]]) -> None:
    """Register a gauge of this process that is read when somebody looks: `read()` gives (label's value, value)."""

    def collect() -> Iterable[Metric]:
        family = Metric(name, documentation, "gauge")
        for key, value in read():
            family.add_sample(name, {label: key}, value)
        yield family

    register(collect)


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

MOST = 300  # sets of labels of the histogram of requests; what comes beyond is counted under the route "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERSION = re.compile(r"\^?v\d[\d.\\]*\Z")
_children: dict[tuple[str, str, str, str], Histogram] = {}
_adding = Lock()


@lru_cache(maxsize=4096)
def family_of(route: str) -> tuple[str, str]:
    """(service, family) of a resolver's route template: versions and the project in the path left out, ids as {}."""
    plain = re.sub(r"\(\?P<[^>]+>[^)]*\)|<[^>]+>", "{}", re.sub(r"\(\?:[^)]*\)\??|[$^]|/\?", "", route))
    parts = [part for part in plain.replace("\\", "").split("/") if part]
    service = "portal"
    if parts[:1] == ["api"]:
        service, parts = (parts[1] if len(parts) > 1 else "api"), parts[2:]
    elif parts[:1] in (["internal"], ["metrics"], ["readyz"]):
        service = parts[0]
        parts = parts[1:]
    while parts and (_VERSION.match(parts[0]) or (parts[0] == "{}" and service == "compute")):
        parts = parts[1:]
    return service, "/".join(parts[:4]) or "/"


def observe(route: str | None, service: str, method: str, status: int, seconds: float) -> None:
    """Count one answer. `route` is the resolver's template; where it is None, no route fits, and `service` is the one asked, or ""."""
    if route is None:
        service, family = service or "other", "unknown"
    else:
        service, family = family_of(route)
    labels = (service, family, method if method in METHODS else "other", f"{status // 100}xx")
    child = _children.get(labels)
    if child is None:
        child = _add(labels)
    child.observe(seconds)
    responses.labels(service, str(status)).inc()


def _add(labels: tuple[str, str, str, str]) -> Histogram:
    with _adding:
        if len(_children) >= MOST:
            labels = (labels[0], "other", "other", labels[3])
        return _children.setdefault(labels, requests.labels(*labels))
