"""Starting, asking and stopping supervisord."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from cloud.run.parent_death import end_with_parent
from cloud.run.settings import CLONE, Cloud, Refused


def start(cloud: Cloud, name: str, *, through: list[str]) -> subprocess.Popen[bytes]:
    """Starts supervisord in the foreground under us. `through`: [] or the sudo command in front."""
    command = [*through, sys.executable, "-m", "cloud.run.supervisord", "-c", str(cloud.run / f"{name}.conf")]
    return subprocess.Popen(
        command,
        cwd=CLONE,
        env=cloud.child_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # When `make run` itself is killed no cloud runs on unseen.
        preexec_fn=None if through else partial(end_with_parent, signal.SIGTERM, parent=os.getpid()),
    )


def ask(socket: Path) -> Any:
    """Return the XML-RPC interface of the supervisord behind this socket."""
    import xmlrpc.client  # with this, 4 MiB that what only watches (watch.py) does not need

    from supervisor.xmlrpc import SupervisorTransport

    return xmlrpc.client.ServerProxy("http://localhost", SupervisorTransport(None, None, f"unix://{socket}")).supervisor


class Info(TypedDict):
    """Fields read here of supervisord's information on a program."""

    statename: str
    pid: int
    spawnerr: str
    stdout_logfile: str


def states(cloud: Cloud, name: str) -> dict[str, Info] | None:
    """Program → what supervisord says of it (statename, pid, spawnerr, logfile), or None where it does not answer."""
    socket = cloud.run / f"{name}.sock"
    if not socket.exists():
        return None
    from xmlrpc.client import Error

    try:
        return {info["name"]: info for info in ask(socket).getAllProcessInfo()}
    except (OSError, Error):
        return None


def pid_of(cloud: Cloud, name: str) -> int | None:
    """Return the pid of a running supervisord of this cloud, by its pid file and its command line."""
    path = cloud.run / f"{name}.pid"
    try:
        pid = int(path.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(cloud.run / f"{name}.conf").encode() in command else None


def stop(cloud: Cloud, name: str, *, seconds: float = 40.0) -> bool:
    """Stops a supervisord and all its programs. False when none ran.

    Raises: Refused when it is still there after `seconds`.
    """
    pid = pid_of(cloud, name)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        subprocess.run(["sudo", "kill", "-TERM", str(pid)], check=True)
    until = time.monotonic() + seconds
    while pid_of(cloud, name) is not None:
        if time.monotonic() > until:
            raise Refused(f"supervisord (pid {pid}) did not end within {seconds:.0f} s; see {cloud.logs}/{name}.log.")
        time.sleep(0.1)
    return True
