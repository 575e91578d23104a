"""A start on a machine that is slow, still booting, or told to stop: cases 52, 53 and 55 of users' reports."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from cloud.run import ready, settings, up
from cloud.run.settings import CLONE, Refused

pytestmark = pytest.mark.process


def test_programs_that_work_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 52: 90 s are no limit for a slow machine; nothing that moves, or what restarts, is one."""
    used = {1: 12.0, 2: 5.0}
    monkeypatch.setattr(ready, "processor_seconds", lambda pid: used.get(pid, 0.0))
    progress = ready.Progress(0.0)
    pids = {"web": 1, "control": 2}
    assert progress.is_seen(ready.READY_SECONDS, "nothing", {})
    assert progress.is_seen(ready.READY_SECONDS + 1, "503 database", pids)
    used[1] += 20
    assert progress.is_seen(2 * ready.READY_SECONDS + 2, "503 database", pids), "it works: it is waited for"
    used[1] += 20
    assert not progress.is_seen(3 * ready.READY_SECONDS + 3, "503 database", {"web": 9, "control": 2}), "started anew"
    other = ready.Progress(0.0)
    assert other.is_seen(ready.READY_SECONDS + 1, "nothing", pids)
    assert not other.is_seen(2 * ready.READY_SECONDS + 2, "nothing", pids), "nothing has moved since"


def test_processor_seconds_are_those_of_the_process() -> None:
    def burn() -> None:
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass

    child = multiprocessing.get_context("fork").Process(target=burn)
    child.start()
    child.join()
    assert ready.processor_seconds(os.getpid()) >= 0.3, "children that ended count"
    assert ready.processor_seconds(2**22 - 1) == 0.0


def test_an_address_that_comes_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 55: at boot the network may come after the cloud."""
    cloud = settings.read({"STACKLING_LISTEN": "192.0.2.7", "STACKLING_INSECURE": "1", "STACKLING_PORT": "18999"})
    monkeypatch.setattr(up.time, "sleep", lambda seconds: None)
    real, tries = up._unusable, iter((True, True, False))
    monkeypatch.setattr(up, "_unusable", lambda cloud: real(cloud) if next(tries) else None)
    up._check_port(cloud)
    assert capsys.readouterr().out.count("192.0.2.7") == 1, "said once"
    monkeypatch.setattr(up, "_unusable", real)
    monkeypatch.setattr(up, "ADDRESS_SECONDS", -1.0)
    with pytest.raises(Refused, match=r"no address 192\.0\.2\.7"):
        up._check_port(cloud)


def test_a_port_that_somebody_has_is_refused_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cloud = settings.read({"STACKLING_PORT": str(taken.getsockname()[1])})
        with pytest.raises(Refused, match="STACKLING_PORT"):
            up._check_port(cloud)


@pytest.mark.parametrize("when", ["while it prepares", "before it could ask"])
def test_what_prepares_ends_with_the_start_that_began_it(when: str) -> None:
    """Case 53: systemd ends only the process that it started; a second start must not meet the first one's child. On a slow
    machine the stop came while the child's Python was starting, and it went on to the end."""
    begins = "time.sleep(2)\n" if when == "before it could ask" else ""
    code = (
        "import signal, sys, time\n"
        "print('begun', flush=True)\n"
        f"{begins}"
        "from cloud.run.parent_death import end_with_parent\n"
        "end_with_parent(signal.SIGTERM, parent=int(sys.argv[1]))\n"
        "time.sleep(300)\n"
    )
    starts = f"import os, subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}, str(os.getpid())])"
    parent = subprocess.Popen([sys.executable, "-c", starts], cwd=CLONE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    if when == "while it prepares":
        time.sleep(1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    left = threading.Event()
    threading.Thread(target=lambda: (parent.stdout.read(), left.set()), daemon=True).start()  # type: ignore[union-attr]
    assert left.wait(30), "the child has its end of the pipe still"
    assert "end_with_parent(signal.SIGTERM, parent=" in (CLONE / "cloud/run/prepare.py").read_text()
