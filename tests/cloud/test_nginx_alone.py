"""nginx with the product's own configuration: what a kill leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloud.run import nginx, settings
from tests.rest import until

pytestmark = pytest.mark.lab


def using(folder: Path) -> set[int]:
    """Processes that were started in this folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def ask(listener: Path) -> str:
    command = ["curl", "-s", "--unix-socket", str(listener), "http://localhost/"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_whatever_ends_it_nothing_of_it_stays(number: signal.Signals) -> None:
    """B1: no worker lives on with sockets that nobody can reach, and the next one starts at once."""
    folder = Path(f"/tmp/stk-nginx-{os.getpid()}-{int(number)}")
    folder.mkdir()
    try:
        cloud = settings.read({"STACKLING_DATA": str(folder / "var"), "STACKLING_RUN": str(folder)})
        cloud.spool.mkdir(parents=True)
        conf = folder / "nginx.conf"
        conf.write_text(nginx.config(cloud))
        sockets = [str(nginx.proxy_socket(cloud)), str(nginx.agents(cloud))]
        command = [sys.executable, "-m", "cloud.run.serve", *sockets, "--", "nginx", "-e", "stderr", "-c", str(conf)]
        for _ in range(2):
            ran = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(settings.CLONE)})
            until(lambda: '"code": 503' in ask(nginx.proxy_socket(cloud)), 20, "nginx answers that web is away")
            ran.send_signal(number)
            ran.wait(20)
            time.sleep(0.3)
            assert using(folder) == set()
    finally:
        for left in using(folder):
            os.kill(left, signal.SIGKILL)
        shutil.rmtree(folder)
