"""The clock of the control process: what has to happen every few seconds, in one process at a time.

A lease row makes sure of "one at a time" when several control workers run; see operations.models.Lease. The clock itself
only holds the lease and says what is due: each tick runs on a thread, one that is not done is not begun again, and those
that others depend on (`urgent`) have a thread of their own, so that a slow one delays neither them nor the lease.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import close_old_connections

from common import metrics

log = logging.getLogger(__name__)

SHARED = 2  # threads for all ticks that are not urgent
STEP = 0.5  # seconds between two looks at what is due
LATE = 60.0  # seconds that a tick may run before the log says so


@dataclass
class Tick:
    """One thing that has to happen every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], object]
    urgent: bool = False
    due: float = 0.0  # of the monotonic clock
    begun: float | None = None  # while it runs, or waits for a thread


#: Apps add theirs in AppConfig.ready().
_TICKS: dict[str, Tick] = {}


def every(seconds: float, name: str, run: Callable[[], object], *, urgent: bool = False) -> None:
    """Run `run` about every `seconds`, in one control process of the cloud; `urgent`: on a thread of its own."""
    _TICKS[name] = Tick(name, seconds, run, urgent)


class Clock:
    """Runs ticks; `look` is to be called every STEP."""

    def __init__(self, ticks: list[Tick]) -> None:
        self.ticks = ticks
        self._shared = ThreadPoolExecutor(SHARED, thread_name_prefix="beat")
        self._own = {tick.name: ThreadPoolExecutor(1, thread_name_prefix=tick.name) for tick in ticks if tick.urgent}

    def look(self, moment: float) -> None:
        """Begin what is due and not under way."""
        for tick in self.ticks:
            if moment < tick.due:
                continue
            tick.due = moment + tick.seconds
            if tick.begun is not None:
                if moment - tick.begun > LATE:
                    log.warning("beat: %s has been going on for %d s", tick.name, moment - tick.begun)
                continue
            tick.begun = moment
            try:
                self._own.get(tick.name, self._shared).submit(self._run, tick)
            except (
                RuntimeError
            ) as error:  # the machine has no thread to give: it is begun by the next that ends, or again
                log.error("beat: %s could not be begun: %s", tick.name, error)
                tick.begun = None

    @staticmethod
    def _run(tick: Tick) -> None:
        try:
            close_old_connections()
            tick.run()
        except Exception:  # one tick's fault must not stop the others
            log.exception("beat: %s failed", tick.name)
            metrics.clock_failures.labels(tick.name).inc()
        finally:
            tick.begun = None


def start() -> None:
    threading.Thread(target=_run, name="beat", daemon=True).start()


def _run() -> None:
    from operations.leases import hold_lease

    clock = Clock(list(_TICKS.values()))
    while True:
        try:
            close_old_connections()
            leader = hold_lease("beat", seconds=15)
        except Exception:
            log.exception("beat: the lease could not be read")
            leader = False
        if leader:
            clock.look(time.monotonic())
        time.sleep(STEP)
