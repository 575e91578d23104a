"""`make demo-break`: stops an agent while a server boots, in front of you, and shows the recovery."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cloud.run import states
from cloud.run.settings import Cloud, Refused

NAME = "demo-break"


def _openstack(cloud: Cloud, *arguments: str) -> str:
    command = [str(Path(sys.executable).parent / "openstack"), "--os-cloud", "demo", *arguments]
    environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(cloud.data / "clouds.yaml")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"`{' '.join(command[1:])}` failed: {done.stderr.strip()}")
    return done.stdout


def demo(cloud: Cloud) -> int:
    """Boots a server, kills the agent of the only or first host in the middle, and waits until the server is active.

    Raises: Refused when no cloud runs here, or the server ends in another state.
    """
    ready = cloud.data / "ready"
    if not ready.exists():
        raise Refused(f"No cloud runs in {cloud.data}. Start it with `make run`.")
    pids = json.loads(ready.read_text())["pids"]
    agent = next((name for name in sorted(pids) if name.startswith("agent-")), None)
    if agent is None:
        raise Refused("No agent runs on this machine.")
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    server = _openstack(cloud, "server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private",
                        "--format", "value", "--column", "id", NAME).strip()  # fmt: skip
    say(f"server {server} was asked for")
    os.kill(pids[agent], signal.SIGKILL)
    say(f"{agent} (process {pids[agent]}) was killed; its supervisor starts it again")
    status, until = "", time.monotonic() + 180
    while not states.has_settled(status) and time.monotonic() < until:
        now = _openstack(cloud, "server", "show", server, "--format", "value", "--column", "status").strip()
        if now != status:
            say(f"server is {now}")
            status = now
    print(_openstack(cloud, "server", "event", "list", server))
    if not states.is_working(status):
        raise Refused(f"The server ended as {status}; `manage.py why {server}` prints its timeline.")
    _openstack(cloud, "server", "delete", "--wait", server)
    say("server was deleted again")
    return 0
