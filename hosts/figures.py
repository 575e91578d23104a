"""Gauges that agents report (contract.AgentFigures): kept in the process that receives them, for /metrics alone."""

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import Metric

from common import metrics
from hostagent.contract.host import JOB_POOLS

KEPT: Final = 30.0  # seconds after a host's last word for which its figures count
#: Name in contract.AgentFigures → family and what it says.
_GAUGES: Final = {
    "reports": ("stackling_agent_reports_waiting", "Reports that wait for the broker."),
    "parked": ("stackling_agent_reports_parked", "Reports that could not be encoded, since the agent began."),
    "deaths": ("stackling_agent_thread_deaths", "Threads that were started again, since the agent began."),
    "hypervisor_up": ("stackling_agent_hypervisor_up", "Whether the agent has a connection to its hypervisor."),
    "disk_free": ("stackling_agent_disk_free_bytes", "Room where the host keeps its guests."),
    "disk_size": ("stackling_agent_disk_bytes", "Size of the file system where the host keeps its guests."),
    "set_aside": ("stackling_agent_set_aside", "Things that nobody knows, kept aside on the host."),
}

_known: dict[str, tuple[float, dict[str, float], dict[str, float]]] = {}


def note(host: str, said: object) -> None:
    """Keep the figures of a host's report; values that are no numbers count as 0."""
    if not isinstance(said, dict):
        return
    jobs = said.get("jobs")
    by_pool: dict[str, float] = {pool: _number(jobs.get(pool)) for pool in JOB_POOLS} if isinstance(jobs, dict) else {}
    _known[host] = (time.monotonic(), {name: _number(said[name]) for name in _GAUGES if name in said}, by_pool)


def _number(value: object) -> float:
    """A number that Prometheus takes; 0 for anything else."""
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1 << 62 else 0.0


def collect() -> Iterator[Metric]:
    """Yield one metric family for each figure. Forgets hosts whose last report is older than KEPT seconds."""
    old = time.monotonic() - KEPT
    for host, (when, _figures, _jobs) in list(_known.items()):
        if when < old:
            _known.pop(host, None)
    rows = list(_known.items())
    for name, (family, documentation) in _GAUGES.items():
        found = Metric(family, documentation, "gauge")
        for host, (_when, figures, _jobs) in rows:
            if name in figures:
                found.add_sample(family, {"host": host}, figures[name])
        yield found
    waiting = Metric(
        "stackling_agent_jobs", "Casts that run or wait on agents, by pool of threads, of all hosts.", "gauge"
    )
    most = Metric("stackling_agent_jobs_most", "Casts that run or wait on the agent that has most.", "gauge")
    for pool in JOB_POOLS:
        each = [jobs.get(pool, 0.0) for _when, _figures, jobs in (row for _, row in rows)]
        waiting.add_sample(waiting.name, {"pool": pool}, sum(each))
        most.add_sample(most.name, {"pool": pool}, max(each, default=0.0))
    yield from (waiting, most)


def start() -> None:
    """In the process that hears agents, once."""
    metrics.register(collect)
