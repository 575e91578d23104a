"""Metrics from the database: sums over rows under way and over small tables. None reads history."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Count, Min, Q
from prometheus_client import Metric

from common.clock import now
from hosts.models import Host, HostDebt
from hosts.states import HostState
from operations import background
from operations.leases import CLOCK
from operations.models import LIVE, BackgroundJob, Lease, Operation, State


def gauge(name: str, documentation: str, *samples: tuple[dict[str, str], float]) -> Metric:
    """Return a family of gauges."""
    found = Metric(name, documentation, "gauge")
    for labels, value in samples:
        found.add_sample(name, labels, value)
    return found


def _age(since: datetime | None) -> float:
    return max(0.0, (now() - since).total_seconds()) if since else 0.0


def collect() -> Iterator[Metric]:
    """Yield the metrics read from the database and the disk. Raises: DatabaseError."""
    yield from _database()
    yield from _operations()
    yield from _kicks()
    yield from _hosts()
    yield _control()
    yield _servers()
    yield from _disk()


def _database() -> Iterator[Metric]:
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
        took = time.perf_counter() - begun
        size, log_size = _sizes(cursor)
    yield gauge("stackling_database_seconds", "Time that the database took to answer SELECT 1.", ({}, took))
    yield gauge("stackling_database_bytes", "Size of the database.", ({}, size))
    yield gauge("stackling_database_wal_bytes", "Size of SQLite's write-ahead log; 0 with PostgreSQL.", ({}, log_size))


def _sizes(cursor: CursorWrapper) -> tuple[float, float]:
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0]), 0.0
    path = Path(str(settings.DATABASES["default"]["NAME"]))
    return _size(path), _size(path.with_name(f"{path.name}-wal"))


def _size(path: Path) -> float:
    try:
        return float(path.stat().st_size)
    except OSError:  # in memory, or not there yet
        return 0.0


def _operations() -> Iterator[Metric]:
    states = (*LIVE, State.BROKEN)
    rows = Operation.objects.filter(state__in=states).values("state").order_by()
    counted = rows.annotate(n=Count("pk"), since=Min("created_at"))
    found = {str(row["state"]): (row["n"], row["since"]) for row in counted}
    yield gauge(
        "stackling_operations",
        "Operations under way (running, undoing) and parked (broken).",
        *(({"state": str(state)}, float(found.get(state, (0, None))[0])) for state in states),
    )
    yield gauge(
        "stackling_operations_oldest_seconds",
        "Age of the oldest operation of a state.",
        *(({"state": str(state)}, _age(found.get(state, (0, None))[1])) for state in states),
    )
    due = Operation.objects.live().filter(wake_at__lte=now()).aggregate(n=Count("pk"), since=Min("wake_at"))
    yield gauge("stackling_operations_due", "Operations whose time has come, and that nobody runs yet.", ({}, due["n"]))
    yield gauge("stackling_operations_due_oldest_seconds", "How long the first of them waits.", ({}, _age(due["since"])))  # fmt: skip


def _kicks() -> Iterator[Metric]:
    """Background work; its kinds are registered by code."""
    waiting = Q(due_at__lte=now()) & (Q(claimed_until=None) | Q(claimed_until__lt=now()))
    failing = Count("pk", filter=Q(tries__gt=0))
    rows = BackgroundJob.objects.values("kind").order_by().annotate(n=Count("pk"), since=Min("due_at", filter=waiting), bad=failing)  # fmt: skip
    found = {row["kind"]: (row["n"], row["bad"], row["since"]) for row in rows}
    for name, documentation, part in (
        ("stackling_background_jobs", "Background work that is not done, by kind.", 0),
        ("stackling_background_failing", "Background work that failed and is tried again.", 1),
    ):
        yield gauge(name, documentation, *(({"kind": kind}, float(found.get(kind, (0, 0))[part])) for kind in background.kinds()))  # fmt: skip
    oldest = max((_age(since) for _, _, since in found.values()), default=0.0)
    yield gauge("stackling_background_oldest_seconds", "How long the first background work waits for a thread.", ({}, oldest))  # fmt: skip


def _hosts() -> Iterator[Metric]:
    rows = list(Host.objects.values_list("name", "state", "last_seen_at"))
    states = [state for _, state, _ in rows]
    known = (str(state) for state in HostState)
    yield gauge("stackling_hosts", "Hosts by state.", *(({"state": state}, states.count(state)) for state in known))
    yield gauge(
        "stackling_host_heard_seconds",
        "How long ago a host was last heard.",
        *(({"host": name}, _age(seen)) for name, _, seen in rows if seen),
    )
    asking = Host.objects.filter(question__isnull=False).count()
    yield gauge("stackling_hosts_with_question", "Hosts on which many things are unknown: an operator is asked.", ({}, asking))  # fmt: skip
    debts = HostDebt.objects.aggregate(n=Count("pk"), since=Min("since"))
    yield gauge("stackling_host_debts", "Things that hosts still have to undo.", ({}, debts["n"]))
    yield gauge("stackling_host_debts_oldest_seconds", "Age of the oldest of them.", ({}, _age(debts["since"])))


def _control() -> Metric:
    lease = Lease.objects.filter(name=CLOCK).first()
    held = lease is not None and lease.until > now()
    return gauge("stackling_control_clock_held", "Whether a control process holds the clock.", ({}, float(held)))


def _servers() -> Metric:
    rows = apps.get_model("compute", "Server").objects.filter(deleted=False).values_list("vm_state").order_by()
    counted = rows.annotate(n=Count("vm_state"))
    return gauge("stackling_servers", "Servers by state.", *(({"vm_state": state}, n) for state, n in counted))


def _disk() -> Iterator[Metric]:
    try:
        disk = os.statvfs(settings.DATA)
    except OSError:
        return
    yield gauge(
        "stackling_data_free_bytes", "Room where the cloud keeps its state.", ({}, disk.f_bavail * disk.f_frsize)
    )
    yield gauge("stackling_data_bytes", "Size of that file system.", ({}, disk.f_blocks * disk.f_frsize))
