"""A store of its own, a clock that tests move, and hosts that say what they are told."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry.samples import ingest, keeping, owners, rollups, store

START = 1_800_000_000  # Unix time at which a tests' clock begins: a whole ten minutes
ZERO = {
    "cpu_ns": 0, "memory_used_mib": 64, "disk_read_bytes": 0, "disk_write_bytes": 0, "disk_read_requests": 0,
    "disk_write_requests": 0, "net_in_bytes": 0, "net_out_bytes": 0,
}  # fmt: skip


class Telemetry:
    """`report` is one report of a host at the present moment; `pass_time` moves the clock, and control's tasks run."""

    def __init__(self) -> None:
        self.moment = float(START)
        self.numbers: dict[str, int] = {}

    def body(self, name: str = "host1", at: float | None = None, **more: Any) -> dict[str, Any]:
        self.numbers[name] = self.numbers.get(name, 0) + 1
        body = {"run": "a", "number": self.numbers[name], "at": self.moment if at is None else at, "host": {}}
        return body | {"servers": {}, "ports": {}} | more

    def report(self, name: str = "host1", at: float | None = None, **more: Any) -> dict[str, Any]:
        body = self.body(name, at, **more)
        ingest.take(name, body)
        return body

    def pass_time(self, seconds: float) -> None:
        self.moment += seconds
        rollups.roll()

    def rows(self, tier: int) -> int:
        link = store.connection()
        return 0 if link is None else link.execute("SELECT count(*) FROM samples WHERE tier = ?", (tier,)).fetchone()[0]

    def burn(self, seconds: int, share: float = 0.5, id: str = "s", name: str = "host1") -> None:
        """A guest that uses `share` of a CPU and writes 1 MiB a second, reported each 10 s."""
        for _ in range(0, seconds, 10):
            since = self.moment - START
            use = {**ZERO, "cpu_ns": int(since * share * 1e9), "disk_write_bytes": int(since * 2**20)}
            self.report(name, servers={id: use})
            self.pass_time(10)


@pytest.fixture
def telemetry(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """Everything that a host names is on it (test_tenancy asks otherwise)."""
    settings.DATA = tmp_path
    found = Telemetry()
    clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(found.moment, UTC)  # noqa: E731
    for module in (ingest, keeping, rollups):
        monkeypatch.setattr(module, "now", clock)
    monkeypatch.setattr(owners, "of", lambda host, kind, wanted: frozenset(wanted))
    yield found
    ingest._waiting.clear()
