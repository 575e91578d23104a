"""Daemons that outlive the agent: found again by the configuration file in their command line, never doubled."""

import os
import signal
import stat
import time
from pathlib import Path
from typing import Final

from hostagent.machine import confinement

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


_seen: dict[str, list[int]] = {}  # configuration file → where it was found last


def find(config: Path) -> list[int]:
    """Ids of the processes on this host that were started with this configuration file.

    Those found before are looked at first: on a host with many guests going through all processes takes long.
    """
    known = _seen.get(str(config))
    if not known or not all(_runs(pid, config) for pid in known):
        known = alive().get(str(config), [])
        _seen[str(config)] = known
        if not known:
            del _seen[str(config)]
    return list(known)


def _runs(pid: int, config: Path) -> bool:
    """Whether this process lives and was started with this configuration file."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return state != "Z" and any(word.removeprefix("--conf-file=") == str(config) for word in words)


def start(kind: str, config: Path, *command: str, net: Path) -> None:
    """Run a command that puts itself into the background, in the network namespace `net`, as `kind` of confinement.DAEMONS.

    Raises: NotStarted, NoAccount.
    """
    assert str(config) in " ".join(command), "the daemon must be found again by its configuration file"
    confinement.start(kind, *command, entering=("nsenter", f"--net={net}"))


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


def passable(folder: Path) -> Path:
    """The folder, made where it is missing: others may pass it, and neither list nor read."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


def folder_for(kind: str, folder: Path) -> Path:
    """A daemon's folder: root's, with a part `state` in it that is the daemon's. Gives `state`."""
    state = passable(folder) / "state"
    state.mkdir(exist_ok=True)
    confinement.give(state, kind, mode=0o700, whole=True)
    return state


def read_own(path: Path, limit: int) -> str:
    """What a daemon wrote into its folder, at most `limit` bytes; "" for what is not there, a link, or no file.

    The folder is the daemon's: it could name any file of the host there, and we are root.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return file.read(limit).decode(errors="replace") if regular else ""
    except OSError:
        return ""


def replace(path: Path, text: str) -> None:
    """Put a file of root's in this place: made beside it under a name that must be free, never written through what lies
    there, since a daemon may have put a link into a folder of its own."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def write_if_changed(path: Path, text: str, *, kind: str = "", mode: int = 0o600) -> bool:
    """Whether the file was not like this before. `kind`: whose daemon's group may read it."""
    changed = path.is_symlink() or not path.exists() or path.read_text() != text
    if changed:
        replace(path, text)
    if kind:
        confinement.give(path, kind, mode=mode)
    else:
        path.chmod(mode)
    return changed
