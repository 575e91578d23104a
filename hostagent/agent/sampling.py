"""Sampling: what the host, its guests and ports use, measured each SAMPLE_EVERY and reported, numbered.

While the broker is away samples wait, SAMPLES_KEPT long, also on the disk: an agent that is started anew sends what the one
before it could not.
"""

import json
import logging
import uuid
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hostagent.agent.clock import ControlClock
from hostagent.agent.outbox import Reporter
from hostagent.contract.reports import Kind
from hostagent.contract.samples import SAMPLE_EVERY, SAMPLES_KEPT, HostSample, PortSample, Samples, ServerSample
from hostagent.process.durable import read_whole

log = logging.getLogger(__name__)

MOST: Final = round(SAMPLES_KEPT / SAMPLE_EVERY)
#: Where in the ten seconds a host samples: far from their ends, so that each ten seconds have one, and each host elsewhere.
EARLIEST, LATEST = 2.0, 8.0

Reading = tuple[HostSample, dict[str, ServerSample], dict[str, PortSample]]


class Sampling:
    """The samples of one host, which `read` measures."""

    def __init__(
        self, folder: Path, name: str, clock: ControlClock, reporter: Reporter, read: Callable[[], Reading]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._reporter = reporter
        self._read = read
        self._run = uuid.uuid4().hex
        self._number = 0
        self._offset = EARLIEST + zlib.crc32(name.encode()) % 1000 / 1000 * (LATEST - EARLIEST)
        self._waiting: deque[Samples] = deque(maxlen=MOST)
        self._recall()

    def wait(self) -> float:
        """Tell the seconds until the next is due."""
        return SAMPLE_EVERY - (self._clock.now() - self._offset) % SAMPLE_EVERY

    def take(self, *, is_away: bool) -> None:
        """Measure, and report it with what waited; while the broker is away it waits. Raises: what reading raises."""
        host, servers, ports = self._read()
        self._number += 1
        body = Samples(
            run=self._run,
            number=self._number,
            at=round(self._clock.now(), 3),
            host=host,
            servers=servers,
            ports=ports,
        )
        self._waiting.append(body)
        if is_away:
            self._keep(body)
            return
        oldest = self._clock.now() - SAMPLES_KEPT
        waited = len(self._waiting) > 1
        while self._waiting:
            one = self._waiting.popleft()
            if one["at"] >= oldest:
                self._reporter.report(Kind.STATS, one)
        if waited:
            self._forget()

    def _file(self, body: Samples) -> Path:
        return self._folder / f"{body['at'] // SAMPLE_EVERY % MOST:03.0f}.json"

    def _keep(self, body: Samples) -> None:
        """Write one down. A disk that is full costs no sample that can still be sent."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file(body).write_text(json.dumps(body))
        except OSError as error:
            log.warning("samples stay in memory: %s", error)

    def _recall(self) -> None:
        found = [
            read_whole(path, lambda said: isinstance(said, dict) and "at" in said, absent=None, damaged=None)
            for path in self._folder.glob("*.json")
        ]
        self._waiting.extend(sorted((one for one in found if one is not None), key=lambda one: float(one["at"])))

    def _forget(self) -> None:
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)
