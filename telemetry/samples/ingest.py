"""What comes in: reports of hosts, kept for a moment and written together, each once.

A report that came twice, is late or from the future, or speaks of what does not lie on its host, changes nothing.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter
from typing import Final, NamedTuple

from django.db import close_old_connections

from common.clock import now
from hostagent.contract.messages import SAMPLES_QUEUE
from hostagent.contract.samples import SAMPLE_EVERY, SAMPLES_KEPT
from hostagent.process.threads import Threads
from hosts import services
from operations import arrivals, consuming
from telemetry import figures
from telemetry.meters import HOST, PORT, SERVER, Kind
from telemetry.samples import owners, store
from telemetry.samples.packing import NOTHING, Raw, pack_raw
from telemetry.samples.tiers import RAW

log = logging.getLogger(__name__)

WRITE_EVERY: Final = 1.0  # seconds
MOST: Final = 2000  # reports that wait while the file cannot be written; beyond it the oldest go
AHEAD: Final = 30.0  # seconds by which a host's time may be ahead of ours
LARGEST: Final = float(1 << 62)


class Report(NamedTuple):
    """A host's report, checked: what it measured when, by kind and id."""

    host: str
    run: str
    number: int
    at: float
    values: list[tuple[Kind, str, Raw]]


_waiting: list[Report] = []
_lock = threading.Lock()
_writing = threading.Lock()
_is_running = False


def start() -> None:
    """Read the samples' queue and write what comes, in control. Once a process."""
    global _is_running
    if not _is_running:
        _is_running = True
        figures.start()
        threads = Threads()
        consuming.start(threads, "telemetry", SAMPLES_QUEUE, take_message)
        threads.keep("telemetry-write", _write)


def _write() -> None:
    while True:
        time.sleep(WRITE_EVERY)
        close_old_connections()
        try:
            flush()
        except (sqlite3.Error, OSError) as error:  # a full disk, a file that is locked: they wait
            log.error("samples cannot be written: %s", error)


def take_message(message: object) -> None:
    """Verify one message of the samples' queue, and take its report."""
    report = arrivals.opened(message, services.key_of, SAMPLES_QUEUE)
    if report is not None:
        take(report["host"], report["body"])


def take(host: str, body: dict[str, object]) -> None:
    """Take a report (contract.samples.Samples) of a host: written within a second in control, at once in other processes."""
    report = checked(host, body)
    if report is None:
        return
    with _lock:
        _waiting.append(report)
        del _waiting[:-MOST]
    if not _is_running:
        flush()


def checked(host: str, body: dict[str, object]) -> Report | None:
    """Check a report; None for one that does not (an agent of before has no time in it)."""
    run, number, at = body.get("run"), body.get("number"), body.get("at")
    if not isinstance(run, str) or not isinstance(number, int) or not isinstance(at, float | int) or len(run) > 64:
        figures.refused.labels("malformed").inc()
        return None
    moment = now().timestamp()
    if not moment - SAMPLES_KEPT < at < moment + AHEAD:
        figures.refused.labels("late" if at < moment else "early").inc()
        return None
    values = [(HOST, host, Raw(at, _values(HOST, body.get("host"))))]
    for kind, name in ((SERVER, "servers"), (PORT, "ports")):
        said = body.get(name)
        if isinstance(said, dict) and said:
            here = owners.of(host, kind, set(said))
            values += [(kind, id_, Raw(at, _values(kind, one))) for id_, one in said.items() if id_ in here]
    return Report(host, run, number, at, values)


def _values(kind: Kind, said: object) -> tuple[float, ...]:
    if not isinstance(said, dict):
        return (NOTHING,) * len(kind.meters)
    return tuple(_value(said.get(meter.field)) for meter in kind.meters)


def _value(said: object) -> float:
    """A number, NaN for anything else: a host may say what it likes."""
    return float(said) if isinstance(said, int | float) and 0 <= said < LARGEST else NOTHING


def flush() -> None:
    """Write what waits, in one transaction. Raises: sqlite3.Error, OSError; then it waits on."""
    with _writing:
        with _lock:
            reports, _waiting[:] = list(_waiting), []
        if not reports:
            return
        try:
            counts = _stored(reports)
        except BaseException as error:
            with _lock:
                _waiting[:0] = reports
                del _waiting[:-MOST]
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                log.error("the file of samples is damaged, and begins anew: %s", error)
                store.discard()
            raise
    for what, count in counts.items():
        figures.taken.labels(what).inc(count)


def _stored(reports: list[Report]) -> Counter[str]:
    counts: Counter[str] = Counter()
    with store.writing() as link:
        for report in reports:
            new = link.execute(
                "INSERT OR IGNORE INTO reports (host, run, number, at) VALUES (?, ?, ?, ?)",
                (report.host, report.run, report.number, int(report.at)),
            ).rowcount
            counts["reports" if new else "doubled"] += 1
            if new:
                counts["samples"] += len(report.values)
                _put(link, report)
    return counts


def _put(link: sqlite3.Connection, report: Report) -> None:
    chunk, slot = RAW.chunk_of(report.at), RAW.slot_of(report.at)
    begin = RAW.start(chunk, slot)
    link.executemany(
        store.PUT,
        [
            (RAW.number, chunk, store.number(link, kind.number, name, report.at), slot, pack_raw(begin, sample))
            for kind, name, sample in report.values
        ],
    )
    marks = [(RAW.number, chunk)]
    if (
        now().timestamp() - report.at > SAMPLE_EVERY
    ):  # the minute after it may be rolled up, with nothing before its first
        marks.append((RAW.number, chunk + 1))
    link.executemany(store.MARK, marks)
