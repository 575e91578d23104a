"""D (dnsmasq): it is not restarted for each port, and finding it does not go through all processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostagent.drivers.network.linux_bridge.dnsmasq import lease_room
from hostagent.machine import daemons

SLEEPS = "import time; time.sleep(60)"


def test_the_room_for_leases_grows_in_doublings() -> None:
    rooms = [lease_room(hosts) for hosts in range(1, 5001)]
    assert all(room >= 2 * hosts for hosts, room in enumerate(rooms, 1))
    assert len(set(rooms)) == 5, "5,000 ports, four restarts"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    config = tmp_path / "dnsmasq.conf"
    process = subprocess.Popen([sys.executable, "-c", SLEEPS, f"--conf-file={config}"])
    try:
        yield config, process
    finally:
        process.kill()
        process.wait()


def test_a_daemon_that_was_found_is_found_again_without_a_walk(
    daemon: tuple[Path, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, process = daemon
    walks: list[int] = []
    walk = daemons.alive
    monkeypatch.setattr(daemons, "alive", lambda: walks.append(1) or walk())
    for _ in range(20):
        assert daemons.find(config) == [process.pid]
    assert len(walks) <= 2
    process.kill()
    process.wait()
    assert daemons.find(config) == [], "what has died is not found"
    again = subprocess.Popen([sys.executable, "-c", SLEEPS, f"--conf-file={config}"])
    try:
        assert daemons.find(config) == [again.pid], "its successor is"
    finally:
        again.kill()
        again.wait()
