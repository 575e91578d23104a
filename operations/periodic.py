"""The clock of the control process: periodic tasks, in one process of the cloud at a time.

A lease row makes sure of "one at a time" when several control processes run; see operations.models.Lease. Tasks of a minute and more
are rows besides (operations.scheduling): due times outlive a restart, and each run is claimed once. The clock itself
only holds the lease and says what is due: each task runs on a thread, one that is not done is not begun again, and those that others
depend on (`urgent`) have a thread of their own, so that a slow one delays neither them nor the lease.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from django.db import close_old_connections

from common import metrics
from operations import scheduling
from operations.leases import CLOCK, hold_lease

log = logging.getLogger(__name__)

SHARED: Final = 2  # threads for all tasks that are not urgent
STEP: Final = 0.5  # seconds between two looks at what is due
LATE: Final = 60.0  # seconds that a task may run before the log says so
LOOK: Final = 5.0  # seconds between two looks at the rows of schedules


@dataclass
class PeriodicTask:
    """Work that has to be done every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], object]
    urgent: bool = False
    due: float = 0.0  # of the monotonic clock, where it has no row
    begun: float | None = None  # while it runs, or waits for a thread

    @property
    def has_row(self) -> bool:
        """Whether its due time is a row: a write a run is too much for what runs every few seconds."""
        return self.seconds >= scheduling.SHORTEST and not self.urgent


#: Apps add theirs in `schedules.py`.
_TASKS: dict[str, PeriodicTask] = {}


def register(seconds: float, name: str, run: Callable[[], object], *, urgent: bool = False) -> None:
    """Have `run` called about every `seconds`, in one control process of the cloud; `urgent`: on a thread of its own."""
    _TASKS[name] = PeriodicTask(name, seconds, run, urgent)


def tasks() -> list[PeriodicTask]:
    """List every periodic task of the code, by name."""
    return [_TASKS[name] for name in sorted(_TASKS)]


class Clock:
    """Begins periodic tasks; `look` is to be called every STEP."""

    def __init__(self, tasks: Iterable[PeriodicTask]) -> None:
        self.tasks = list(tasks)
        self._shared = ThreadPoolExecutor(SHARED, thread_name_prefix="clock")
        self._own = {
            task.name: ThreadPoolExecutor(1, thread_name_prefix=task.name) for task in self.tasks if task.urgent
        }
        self._rows_due = 0.0  # of the monotonic clock: the next look at the rows

    def look(self, moment: float) -> None:
        """Begin what is due and not under way."""
        for task in self.tasks:
            if task.has_row or moment < task.due:
                continue
            task.due = moment + task.seconds
            self._begin(task, moment)

    def look_at_rows(self, moment: float) -> None:
        """Begin the tasks whose rows are due, once in the cloud. Every LOOK seconds."""
        if moment < self._rows_due:
            return
        self._rows_due = moment + LOOK
        known = {task.name: task for task in self.tasks if task.has_row}
        for name in scheduling.claim_due({task.name: task.seconds for task in known.values() if task.begun is None}):
            self._begin(known[name], moment)
        for task in known.values():
            self._complain(task, moment)

    def _begin(self, task: PeriodicTask, moment: float) -> None:
        if task.begun is not None:
            self._complain(task, moment)
            return
        task.begun = moment
        try:
            self._own.get(task.name, self._shared).submit(self._run, task)
        except RuntimeError as error:  # the machine has no thread to give: it is begun by the next that ends, or again
            log.error("clock: %s could not be begun: %s", task.name, error)
            task.begun = None

    @staticmethod
    def _complain(task: PeriodicTask, moment: float) -> None:
        if task.begun is not None and moment - task.begun > LATE:
            log.warning("clock: %s has been going on for %d s", task.name, moment - task.begun)

    @staticmethod
    def _run(task: PeriodicTask) -> None:
        error = ""
        try:
            close_old_connections()
            task.run()
        except Exception as failure:  # one task's fault must not stop the others
            error = f"{type(failure).__name__}: {failure}"
            log.exception("clock: %s failed", task.name)
            metrics.clock_failures.labels(task.name).inc()
        try:
            if task.has_row:
                scheduling.ended(task.name, error)
        except Exception:
            log.exception("clock: how %s ended could not be written down", task.name)
        finally:
            task.begun = None


def start() -> None:
    """Run the clock on a thread of this process."""
    threading.Thread(target=_run, name="clock", daemon=True).start()


def _run() -> None:
    clock = Clock(tasks())
    has_rows = False
    while True:
        try:
            close_old_connections()
            leader = hold_lease(CLOCK, seconds=15)
            if leader and not has_rows:
                scheduling.declare({task.name: task.seconds for task in clock.tasks if task.has_row})
                has_rows = True
        except Exception:
            log.exception("clock: the lease could not be read")
            leader = False
        if leader:
            moment = time.monotonic()
            clock.look(moment)
            try:
                clock.look_at_rows(moment)
            except Exception:
                log.exception("clock: schedules could not be read")
        time.sleep(STEP)
