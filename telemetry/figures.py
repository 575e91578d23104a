"""Figures of telemetry itself, for /metrics."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from prometheus_client import Counter, Metric

from common import metrics
from telemetry.samples import store

taken = Counter(
    "stackling_telemetry_taken",
    "What came from hosts: reports, reports that came twice, samples that were written.",
    ("what",),
    registry=metrics.registry,
)
refused = Counter("stackling_telemetry_refused", "Reports that do not count, by why.", ("why",), registry=metrics.registry)  # fmt: skip


def start() -> None:
    """Tell of the file too, in control. Once a process."""
    for what in ("reports", "doubled", "samples"):
        taken.labels(what)
    for why in ("malformed", "late", "early"):
        refused.labels(why)
    metrics.register(collect)


def collect() -> Iterator[Metric]:
    """Yield the size of the file, the most that it may have, and the reports of the last hour that never came."""
    size = lost = 0
    with suppress(sqlite3.Error, OSError):
        link = store.connection()
        if link is not None:
            size, lost = store.size(link), missing(link)
    for name, documentation, value in (
        ("stackling_telemetry_bytes", "Size of the file of samples.", size),
        ("stackling_telemetry_bytes_most", "The most that the file of samples may have.", settings.TELEMETRY_BYTES),
        ("stackling_telemetry_reports_missing", "Reports of hosts of the last hour that have not come.", lost),
    ):
        found = Metric(name, documentation, "gauge")
        found.add_sample(name, {}, value)
        yield found


def missing(link: sqlite3.Connection) -> int:
    """Count the numbers that are missing between the first and the last of each run of an agent."""
    query = (
        "SELECT coalesce(sum(most - least + 1 - came), 0) FROM"
        " (SELECT max(number) most, min(number) least, count(*) came FROM reports GROUP BY host, run)"
    )
    return int(link.execute(query).fetchone()[0])
