"""Opening what comes from agents, and dropping replays, before anything is done with it.

Reports of a host are numbered: in version 2 by `seq`, in version 1 by the moment they were sent, which grows likewise. One that
was seen, or is far behind the newest, does nothing. The newest numbers are kept with the host (`take_changed`), so that what
came before a restart of control is a replay after it; of the last second some may pass once more.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, TypedDict, cast

from django.conf import settings

from common import metrics
from hostagent.contract.messages import ACCEPTED_VERSIONS, CONTROL_QUEUE, HEARTBEAT_QUEUE, SAMPLES_QUEUE, is_signed
from hostagent.contract.reports import LIFE, Kind, queue_of
from hostagent.messaging import envelope

log = logging.getLogger(__name__)


class Report(TypedDict, total=False):
    """A message of an agent, opened, of this version or of the one before. `body` is as its kind has it."""

    host: str
    kind: str
    v: int
    seq: int
    sent: float
    boot: str
    operation: str
    step: str
    body: dict[str, object]


Stream = Literal["1", "2", "beat", "samples"]
Floors = dict[str, int]
#: How far behind the newest a report may come: queues are read by several threads. Microseconds in version 1.
WINDOW: Final[dict[Stream, int]] = {"1": 60_000_000, "2": 4096, "beat": 4096, "samples": 4096}
#: Queue → the stream of version 2 that comes by it, and its name in metrics.
STREAMS: Final[dict[str, tuple[Stream, str]]] = {
    CONTROL_QUEUE: ("2", "reports"), HEARTBEAT_QUEUE: ("beat", "heartbeats"), SAMPLES_QUEUE: ("samples", "samples"),
}  # fmt: skip
_VERSION_1: Final[tuple[Stream, str]] = ("1", "")
#: Samples of agents of before 0141.
_QUEUE_BEFORE: Final[dict[str, str]] = {Kind.STATS: CONTROL_QUEUE}
SEEN: Final = 512  # numbers remembered before the old ones are forgotten

LONGEST: Final = 3600.0  # seconds that a report counts as having been on its way

KeyOf = Callable[[str], str | None]
_floors_of: Callable[[str], Floors] = lambda host: {}  # noqa: E731
_other_keys_of: Callable[[str], tuple[str, ...]] = lambda host: ()  # noqa: E731


def use(*, floors_of: Callable[[str], Floors], other_keys_of: Callable[[str], tuple[str, ...]]) -> None:
    """Set by `hosts`: the newest numbers kept of a host; what else it may sign with while its key is rotated."""
    global _floors_of, _other_keys_of
    _floors_of, _other_keys_of = floors_of, other_keys_of


class _Line:
    """The numbers that came by one stream of a host."""

    def __init__(self, floor: int) -> None:
        self.floor = self.newest = floor
        self.seen: set[int] = set()

    def admit(self, number: int, window: int) -> bool:
        if number <= max(self.floor, self.newest - window) or number in self.seen:
            return False
        self.seen.add(number)
        self.newest = max(self.newest, number)
        if len(self.seen) > SEEN:
            self.floor = max(self.floor, self.newest - window)
            self.seen = {one for one in self.seen if one > self.floor}
            if len(self.seen) > window:
                self.floor = sorted(self.seen)[len(self.seen) // 2]
        return True


class Freshness:
    """Which reports came already. Safe from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[Stream, _Line]] = {}
        self._changed: set[str] = set()
        self._lock = threading.Lock()

    def admit(self, host: str, stream: Stream, number: int) -> bool:
        """Whether this is the first time; it is noted."""
        if host not in self._lines:
            floors = _floors_of(host)  # outside of the lock: it may read the database
            with self._lock:
                lines = {one: _Line(floors.get(one, 0)) for one in WINDOW}
                self._lines.setdefault(host, lines)
        with self._lock:
            self._changed.add(host)
            return self._lines[host][stream].admit(number, WINDOW[stream])

    def changed_again(self, hosts: Iterable[str]) -> None:
        """Put back the hosts of `take_changed` whose numbers could not be written down."""
        with self._lock:
            self._changed.update(hosts)

    def take_changed(self) -> dict[str, Floors]:
        """Take the newest numbers of each host that was heard since the last call."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return {host: {stream: line.newest for stream, line in self._lines[host].items()} for host in changed}


fresh = Freshness()


def opened(message: object, key_of: KeyOf, queue: str = CONTROL_QUEUE) -> Report | None:
    """Return the report that a message holds, or None: it is signed by no host of this cloud, malformed, old, or came already.

    `key_of` gives a host's key in hex, None for an unknown host. `queue`: by which it came.
    """
    report = _verified(message, key_of)
    if report is None:
        return None
    host, kind, version = str(report["host"]), str(report.get("kind", "")), report["v"]
    if version == 1 and settings.AGENT_CONTRACT > 1 and kind != Kind.HELLO:
        log.error("a report of host %s was refused: it speaks version 1, and STACKLING_AGENT_CONTRACT is 2", host)
        return None
    stream, label = STREAMS[queue] if version > 1 else _VERSION_1
    try:
        number = int(float(report["sent"]) * 1e6) if version == 1 else int(report["seq"])
        age = 0.0 if version == 1 else time.time() - float(report["sent"])
    except (KeyError, TypeError, ValueError, OverflowError):
        log.error("a report of host %s was refused: it has no number", host)
        return None
    if not fresh.admit(host, stream, number):
        log.warning("a report of host %s (%s) was dropped: it came before", host, kind)
        return None
    if version > 1:
        metrics.report_age.labels(label).observe(_countable(age))
    if queue not in (queue_of(kind, version), _QUEUE_BEFORE.get(kind)):
        log.error("a report of host %s (%s) was refused: it came by the wrong queue", host, kind)
        return None
    if not age <= LIFE.get(kind, math.inf) and "challenge" not in report["body"]:
        log.info("a report of host %s (%s) was dropped: it is %.0f s old", host, kind, age)
        return None
    return report


def _countable(age: float) -> float:
    """Seconds that a sum can take: a host may say any time, also none."""
    return min(max(age, 0.0), LONGEST) if math.isfinite(age) else LONGEST


def _opened_with(keys: Iterable[str], message: dict[str, object]) -> Report | None:
    version = message.get("v")
    for key in keys:
        if version == 2:
            report = cast(Report | None, envelope.open_box(message, key, "report"))
        else:
            report = _version_1(message, key) if version in ACCEPTED_VERSIONS else None
        if report is not None:
            return report
    return None


def _version_1(message: dict[str, object], key: str) -> Report | None:
    try:
        if not is_signed(message, key):
            return None
        found = cast(Report, envelope.plain(json.dumps(message).encode()))
    except (ValueError, RecursionError):
        return None
    return found


def _verified(message: object, key_of: KeyOf) -> Report | None:
    host = str(message.get("host", "")) if isinstance(message, dict) else ""
    key = key_of(host)
    report = None
    if key is not None and isinstance(message, dict):
        report = _opened_with((key, *_other_keys_of(host)), message)
    if report is None or not isinstance(report.get("body"), dict):
        log.error("a report that claims to be of host %r was refused: it is not signed with its key", host[:64])
        return None
    return report
