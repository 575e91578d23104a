"""Runs a cloud whose data lies on a small file system of its own, fills it for a while, frees it, and says what went on.

`python -m tests.trouble.full_disk HOSTS FAKE SECONDS` inside a mount namespace of its own (test_full_disk.py): prints one JSON
object. Nothing outside of the namespace is full.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cloud.run import supervise
from tests.live import LiveCloud
from tests.rest import COMPUTE, Rest, until

SIZE = "3g"  # a flavor of 1 GiB has to fit


def fill(place: Path) -> int:
    """Take all room that there is. Gives the bytes that are left."""
    with (place / "filler").open("ab") as filler:
        for piece in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    os.write(filler.fileno(), b"\0" * piece)
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize


def sizes(cloud: LiveCloud) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (cloud.data / "logs").iterdir()}


def type_into(rest: Rest, server: str, text: str) -> None:
    """Type into a guest's serial console, by its own socket on the host."""
    import websocket

    from tests.trouble.screens import console_address

    line = websocket.create_connection(console_address(rest, server), subprotocols=["binary"], timeout=20)
    line.send_binary(f"\n{text}\n".encode())
    with suppress(OSError, websocket.WebSocketException):
        line.settimeout(3)
        while True:
            line.recv()
    line.close()


def _echoes(rest: Rest, server: str) -> bool:
    type_into(rest, server, "room-again")
    return "room-again" in console(rest, server)


def console(rest: Rest, server: str) -> str:
    answer = rest.ask("POST", f"{COMPUTE}/servers/{server}/action", {"os-getConsoleOutput": {"length": 5000}})
    return str(answer.json["output"]) if answer.status == 200 else ""


def states(cloud: LiveCloud) -> dict[str, Any]:
    text = cloud.local("/metrics")[1]
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def run(hosts: int, fake: int, seconds: float) -> dict[str, Any]:
    place = Path(tempfile.mkdtemp(prefix="stackling-full-"))
    place.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "none", str(place)], check=True)
    cloud = LiveCloud(hosts=hosts, fake_hosts=fake, data=place / "var")
    cloud.output = Path(tempfile.gettempdir()) / f"{place.name}.log"
    try:
        cloud.start()
        return told(cloud, place, seconds, with_guest=bool(hosts))
    finally:
        with suppress(OSError):
            (place / "filler").unlink()
        cloud.close()
        cloud.output.unlink(missing_ok=True)


def told(cloud: LiveCloud, place: Path, seconds: float, *, with_guest: bool) -> dict[str, Any]:
    rest = Rest(cloud)
    server = rest.boot("before")
    rest.until(server, "ACTIVE", seconds=180)
    if with_guest:
        until(lambda: "login:" in console(rest, server), 240, "the guest has booted")
    pids = cloud.ready["pids"]
    found: dict[str, Any] = {"left": fill(place), "worst": {}, "answers": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fill(place)
        with suppress(OSError):
            found["answers"].append(rest.ask("GET", f"{COMPUTE}/servers").status)
            found["answers"].append(
                -rest.ask("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": f"k{time.time_ns()}"}}).status
            )
        with suppress(OSError, ValueError):
            for name, value in states(cloud).items():
                if "heard_seconds" in name or name.startswith('stackling_hosts{state="down"'):
                    found["worst"][name] = max(value, found["worst"].get(name, 0))
        time.sleep(1)
    if with_guest:
        with suppress(Exception):
            type_into(rest, server, "while-it-was-full")
    full = sizes(cloud)
    (place / "filler").unlink()
    found["down_afterwards"] = max(_down(cloud) for _ in range(20))
    found["same"] = {name: Path(f"/proc/{pid}").exists() for name, pid in pids.items()}
    second = rest.boot("after")
    rest.until(second, "ACTIVE", seconds=180)
    rest.ok("POST", f"{COMPUTE}/servers/{server}/action", {"os-stop": None})
    rest.until(server, "SHUTOFF", seconds=180)
    rest.ok("POST", f"{COMPUTE}/servers/{server}/action", {"os-start": None})
    rest.until(server, "ACTIVE", seconds=180)
    if with_guest:
        until(lambda: _echoes(rest, server), 240, "what is typed to the guest is in its log")
        found["console"] = True
    found["moved"] = [line for line in cloud.log("control").splitlines() if "is down" in line or "owes" in line]
    _make_all_speak(cloud, rest)
    found["grown"] = {name: size - full.get(name, 0) for name, size in sizes(cloud).items()}
    found["logs"] = {
        name: cloud.log(name)
        for name in ("web", "control", "agent-fake", "agent-host1")
        if (cloud.data / "logs" / f"{name}.log").exists()
    }
    found["metrics"] = states(cloud)
    for one in (server, second):
        rest.delete(one)
    return found


def _down(cloud: LiveCloud) -> float:
    """How many hosts are down just now."""
    time.sleep(0.5)
    return float(states(cloud).get('stackling_hosts{state="down"}', 0))


def _make_all_speak(cloud: LiveCloud, rest: Rest) -> None:
    """Have every process write a line: the broker goes away and comes back."""
    supervisor = supervise.ask(Path(cloud.ready["run"]) / "supervisor.sock")
    supervisor.stopProcess("redis")
    rest.ok("GET", f"{COMPUTE}/servers")
    rest.boot("unheard", network="none")  # web cannot ring control
    time.sleep(8)
    supervisor.startProcess("redis")
    time.sleep(8)


if __name__ == "__main__":
    print("RESULT " + json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
