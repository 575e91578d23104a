"""Daemons that outlive the agent: found again by the configuration file in their command line, never doubled."""

import os
import signal
import time
from pathlib import Path
from typing import Final

from hostagent.drivers.network.linux_bridge.commands import run

STOP_SECONDS: Final = 3.0


def find(config: Path) -> list[int]:
    """Ids of the processes on this host that were started with this configuration file."""
    found = []
    mark = str(config).encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
            state = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while we looked
        if state != "Z" and any(word == mark or word.endswith(b"=" + mark) for word in words):
            found.append(int(entry))
    return found


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
