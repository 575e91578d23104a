"""Files that the agent, which is root, shares with confined daemons: written for them, and read without trusting them."""

import os
import stat
from pathlib import Path

from hostagent.machine import confinement


def passable(folder: Path) -> Path:
    """Return the folder, made where it is missing: others may pass it, and neither list nor read."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


def folder_for(kind: str, folder: Path) -> Path:
    """Make a daemon's folder: root's, with a part `state` in it that is the daemon's. Gives `state`."""
    state = passable(folder) / "state"
    state.mkdir(exist_ok=True)
    confinement.give(state, kind, mode=0o700, whole=True)
    return state


def read_own(path: Path, limit: int) -> str:
    """Read at most `limit` bytes of a file that a daemon wrote into its folder; "" where there is none, or a link, or no regular file.

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
