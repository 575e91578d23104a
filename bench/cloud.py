"""A cloud of the benchmark's own, in a namespace of its own, gone at the end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A cloud that answers. `ready` is its ready file."""

    def __init__(self, data: Path, environment: dict[str, str], process: subprocess.Popen[bytes]) -> None:
        self.data, self.environment, self.process = data, environment, process
        self.ready: dict[str, Any] = json.loads((data / "ready").read_text())

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=CLONE, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def pids(self) -> dict[str, int]:
        return {name: int(pid) for name, pid in self.ready["pids"].items() if pid}


@contextmanager
def running(*, hosts: int = 0, fake: int = 2, **more: str) -> Iterator[Running]:
    """`make run` with its own state; stopped and removed afterwards."""
    data = Path(tempfile.mkdtemp(prefix="stackling-bench-"))
    data.chmod(0o755)
    octet = os.getpid() % 200 + 20
    environment = {
        **os.environ,
        "STACKLING_DATA": str(data),
        "STACKLING_PORT": str(free_port()),
        "STACKLING_NETNS": f"bench-{os.getpid()}",
        "STACKLING_EXTERNAL_CIDR": f"172.25.{octet}.0/24",
        "STACKLING_HOSTS": str(hosts),
        "STACKLING_FAKE_HOSTS": str(fake),
        **more,
    }
    log = (data / "run.log").open("wb")
    process = subprocess.Popen(
        ["make", "run"], cwd=CLONE, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        for _ in range(1200):
            if (data / "ready").exists():
                break
            if process.poll() is not None:
                raise RuntimeError(f"make run ended:\n{(data / 'run.log').read_text()[-4000:]}")
            time.sleep(0.5)
        yield Running(data, environment, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            subprocess.run(["make", "clean"], cwd=CLONE, env=environment, stdout=log, stderr=log, check=False)
            shutil.rmtree(data, ignore_errors=True)
