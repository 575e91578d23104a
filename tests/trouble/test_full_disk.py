"""C7 and "measured by": a full disk for a minute on host and control: all logs, consoles and reports go on after it."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.live import CLONE


def _told(hosts: int, fake: int, seconds: int) -> dict[str, Any]:
    """What tests/trouble/full_disk.py says, which runs in a mount namespace of its own."""
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.trouble.full_disk"]
    done = subprocess.run(
        [*command, str(hosts), str(fake), str(seconds)],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    lines = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    found: dict[str, Any] = json.loads(lines[0])
    return found


def _check(found: dict[str, Any]) -> None:
    assert found["left"] < 4096, "the disk was not full"
    assert all(found["same"].values()), f"a process ended: {found['same']}"
    reads, writes = [s for s in found["answers"] if s > 0], [-s for s in found["answers"] if s < 0]
    assert reads and set(reads) == {200}
    assert writes and set(writes) == {503}, "a change that finds no room is refused with a sentence"
    assert found["worst"]['stackling_hosts{state="down"}'] == 0
    assert found["moved"] == [], "a host was called down, and what it carries moved"
    assert found["down_afterwards"] == 0
    logs = {"access.log", "web.log", "control.log", "redis.log", "supervisor.log"}
    assert {name for name, more in found["grown"].items() if more > 0} >= logs, found["grown"]
    deaths = [value for name, value in found["metrics"].items() if "deaths" in name or "parked" in name]
    assert deaths and not any(deaths)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_full_disk_for_a_minute_on_control(record_property: Any) -> None:
    """C7: no process ends, no host is called down, changes are refused with 503; afterwards every log grows again, servers
    boot, stop and start."""
    _check(_told(0, 2, 60))


@pytest.mark.vm
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_full_disk_for_a_minute_on_a_host_with_a_guest() -> None:
    """C7: besides, the guest runs on, and what it writes on its console afterwards is in its log."""
    found = _told(1, 0, 60)
    _check(found)
    assert found["grown"]["agent-host1.log"] > 0
    assert found["console"]
