"""The clock of the control process: what has to happen every few seconds, in one process at a time.

A lease row makes sure of "one at a time" when several control workers run; see operations.models.Lease.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections

log = logging.getLogger(__name__)

#: name → (seconds between runs, what to run). Apps add theirs in AppConfig.ready().
_TICKS: dict[str, tuple[float, Callable[[], object]]] = {}


def every(seconds: float, name: str, run: Callable[[], object]) -> None:
    """Run `run` about every `seconds`, in one control process of the cloud."""
    _TICKS[name] = (seconds, run)


def start() -> None:
    threading.Thread(target=_run, name="beat", daemon=True).start()


def _run() -> None:
    from operations.leases import hold_lease

    due = dict.fromkeys(_TICKS, 0.0)
    while True:
        try:
            close_old_connections()
            leader = hold_lease("beat", seconds=15)
        except Exception:
            log.exception("beat: the lease could not be read")
            leader = False
        moment = time.monotonic()
        for name, (seconds, run) in _TICKS.items() if leader else ():
            if moment < due.get(name, 0.0):
                continue
            due[name] = moment + seconds
            try:
                run()
            except Exception:  # one tick's fault must not stop the others
                log.exception("beat: %s failed", name)
        time.sleep(0.5)
