"""A cloud of the benchmark's own, in a namespace of its own, gone at the end."""

import itertools
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
_number = itertools.count()  # several clouds of one run side by side


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
        """Run a `manage.py` command of this cloud; gives what it prints. Raises: RuntimeError with its last lines."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=CLONE, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"manage.py {words[0]} ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
        return done.stdout

    def restart(self) -> float:
        """Stop it and start it again. Seconds until it answers."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)
        (self.data / "ready").unlink(missing_ok=True)
        began = time.perf_counter()
        self.process = _start(self.data, self.environment)
        _wait(self.data, self.process)
        self.ready = json.loads((self.data / "ready").read_text())
        return time.perf_counter() - began

    def pids(self) -> dict[str, int]:
        return {name: int(pid) for name, pid in self.ready["pids"].items() if pid}


@contextmanager
def running(*, hosts: int = 0, fake: int = 2, **more: str) -> Iterator[Running]:
    """`make run` with its own state; stopped and removed afterwards.

    One address asks here what many would: an address's and a user's requests a second are not limited.
    """
    data = Path(tempfile.mkdtemp(prefix="stackling-bench-"))
    data.chmod(0o755)
    number = next(_number)
    octet = (os.getpid() + number) % 200 + 20
    environment = {
        **os.environ,
        "STACKLING_DATA": str(data),
        "STACKLING_PORT": str(free_port()),
        "STACKLING_NETNS": f"bench-{os.getpid()}-{number}",
        "STACKLING_EXTERNAL_CIDR": f"172.25.{octet}.0/24",
        "STACKLING_HOSTS": str(hosts),
        "STACKLING_FAKE_HOSTS": str(fake),
        "STACKLING_RATE_LIMITS": "address=0,user=0",
        **more,
    }
    process = _start(data, environment)
    cloud: Running | None = None
    try:
        _wait(data, process)
        cloud = Running(data, environment, process)
        yield cloud
    finally:
        process = cloud.process if cloud else process
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            with (data / "run.log").open("ab") as log:
                subprocess.run(["make", "clean"], cwd=CLONE, env=environment, stdout=log, stderr=log, check=False)
            shutil.rmtree(data, ignore_errors=True)


def _start(data: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (data / "run.log").open("ab") as log:
        return subprocess.Popen(
            ["make", "run"], cwd=CLONE, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def _wait(data: Path, process: subprocess.Popen[bytes], seconds: float = 600) -> None:
    """Until the cloud's ready file is there. Raises: RuntimeError with the end of its log."""
    began = time.perf_counter()
    while not (data / "ready").exists():
        if process.poll() is not None or time.perf_counter() - began > seconds:
            raise RuntimeError(f"make run ended or hangs:\n{(data / 'run.log').read_text()[-4000:]}")
        time.sleep(0.1)
