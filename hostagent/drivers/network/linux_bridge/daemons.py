"""Daemons that outlive the agent: found again by the configuration file in their command line, never doubled."""

import os
import signal
import time
from pathlib import Path
from typing import Final

from hostagent.drivers.network.linux_bridge.commands import run

STOP_SECONDS: Final = 3.0


def alive() -> dict[str, list[int]]:
    """Each configuration file named in a command line on this host → ids of the processes that were started with it."""
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while we looked
        if state == "Z":
            continue
        for word in words:
            if word.endswith((".conf", ".cfg")):
                found.setdefault(word.removeprefix("--conf-file="), []).append(int(entry.name))
    return found


def find(config: Path) -> list[int]:
    """Ids of the processes on this host that were started with this configuration file."""
    return alive().get(str(config), [])


def start(ns: str, config: Path, *command: str) -> None:
    """Run a command that puts itself into the background, in a namespace. Raises: CommandFailed."""
    assert str(config) in " ".join(command), "the daemon must be found again by its configuration file"
    run(*command, ns=ns)


def stop(config: Path) -> None:
    """End what runs with this configuration file, by force after STOP_SECONDS."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in find(config):
            send(pid, sign)
        until = time.monotonic() + STOP_SECONDS
        while find(config):
            if time.monotonic() > until:
                break
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"the daemon of {config} does not end")


def send(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return  # it has ended, which is what was wanted


def write_if_changed(path: Path, text: str) -> bool:
    """Whether the file was not like this before."""
    if path.exists() and path.read_text() == text:
        return False
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)
    return True
