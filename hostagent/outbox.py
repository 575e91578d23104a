"""Reports on their way to control. One thread sends them in order; the broker may be away for as long as it likes."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from hostagent import contract

log = logging.getLogger(__name__)

#: Of these only the newest counts: while the broker is away each replaces the one before it.
NEWEST_ONLY = frozenset({"heartbeat", "inventory", "stats", "network"})
#: Reports that are worthless when old: the broker drops them after this many seconds.
EXPIRES = {"heartbeat": 20.0, "working": 12.0, "stats": 60.0}
LIMIT = 10_000  # reports kept while the broker is away; beyond it the oldest goes, and control asks again
RETRY = (0.1, 0.2, 0.5, 1.0)  # seconds between tries, the last one repeated

Send = Callable[[dict[str, Any], float | None], None]


class Outbox:
    """`send(report, expires)` raises when the broker is away; the report is then tried again."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._reports: deque[tuple[str, dict[str, Any]]] = deque(maxlen=LIMIT)
        self._wake = threading.Condition()
        self._stopped = False
        self._away_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Send what is left, for at most `seconds`."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join(seconds)

    @property
    def seconds_away(self) -> float:
        """How long the broker has been away; 0 while it takes reports."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    def put(self, key: str, report: dict[str, Any]) -> None:
        """Queue an unsealed report of the host whose key is `key`; it is stamped and sealed when it leaves."""
        with self._wake:
            if self._away_since is not None:
                if report["kind"] == "working":
                    return
                if report["kind"] in NEWEST_ONLY:
                    self._forget(report["host"], report["kind"])
            self._reports.append((key, report))
            self._wake.notify()

    def _forget(self, host: str, kind: str) -> None:
        kept = [item for item in self._reports if (item[1]["host"], item[1]["kind"]) != (host, kind)]
        self._reports.clear()
        self._reports.extend(kept)

    def _run(self) -> None:
        tries = 0
        while True:
            with self._wake:
                while not self._reports and not self._stopped:
                    self._wake.wait()
                if not self._reports:
                    return
                key, report = self._reports.popleft()
            try:
                self._send(contract.seal({**report, "sent": time.time()}, key), EXPIRES.get(report["kind"]))
            except Exception as error:  # noqa: BLE001 whatever a broker's client raises, the report stays
                self._missed(key, report, error)
                if self._stopped:
                    return
                time.sleep(RETRY[min(tries, len(RETRY) - 1)])
                tries += 1
            else:
                tries = 0
                if self._away_since is not None:
                    log.warning("the broker is back after %.1f s", time.monotonic() - self._away_since)
                    self._away_since = None

    def _missed(self, key: str, report: dict[str, Any], error: Exception) -> None:
        with self._wake:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.warning("the broker is away, reports wait: %s: %s", type(error).__name__, error)
            if report["kind"] != "working" and len(self._reports) < LIMIT:
                self._reports.appendleft((key, report))
