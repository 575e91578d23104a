"""The kept log of each server's serial port: plain files, written by the internal view (bytes), shown by web, removed by control."""

import os
from pathlib import Path

from django.conf import settings

from common import file_modes

LARGEST_LOG = 4 * 1024 * 1024  # bytes kept of one server; older ones go in halves
LARGEST_ANSWER = 1024 * 1024  # bytes of a log in one answer


def log_path(server_id: str) -> Path:
    """`server_id` comes from a row or was checked to be an id: it never holds a slash."""
    return Path(settings.CONSOLE_LOGS) / f"{server_id}.log"


def size(server_id: str) -> int:
    """Number of bytes appended to the log so far, with the oldest that were cut off since."""
    path = log_path(server_id)
    return _cut(path) + path.stat().st_size if path.exists() else 0


def _cut(path: Path) -> int:
    """Number of oldest bytes that were cut off."""
    mark = path.with_suffix(".cut")
    return int(mark.read_text()) if mark.exists() else 0


def append(server_id: str, offset: int, piece: bytes) -> int:
    """Add what an agent read from `offset` on; what is there already is left out. Returns the size now.

    A hole (the agent's log lost something) is closed by starting anew at `offset`.
    """
    path = log_path(server_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    have = size(server_id)
    if offset > have:
        path.unlink(missing_ok=True)
        _write(path.with_suffix(".cut"), str(offset).encode())
        have = offset
    fresh = piece[have - offset :]
    if fresh:
        _write(path, fresh, "ab")
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        _shorten(path)
    return max(have, offset + len(piece))


def _write(path: Path, piece: bytes, how: str = "wb") -> None:
    with path.open(how) as file:
        file_modes.share(file.fileno(), path.parent)
        file.write(piece)


def _shorten(path: Path) -> None:
    cut, kept = _cut(path), path.read_bytes()[-LARGEST_LOG // 2 :]
    gone = path.stat().st_size - len(kept)
    new = path.with_suffix(".new")
    _write(new, kept)
    _write(path.with_suffix(".cut"), str(cut + gone).encode())
    new.replace(path)


def forget(server_id: str) -> None:
    """Delete the log of a server whose machine is made anew or gone. The next one begins at byte 0."""
    for suffix in (".log", ".cut"):
        log_path(server_id).with_suffix(suffix).unlink(missing_ok=True)


def tail(server_id: str, lines: int | None = None) -> str:
    """Read the end of the log as text, at most LARGEST_ANSWER bytes. The last of `lines` has no line end, as in Nova."""
    path = log_path(server_id)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LARGEST_ANSWER))
        text = file.read().decode("utf-8", "replace")
    if lines is None:
        return text
    return "\n".join(text.removesuffix("\n").split("\n")[-lines:]) if lines else ""
