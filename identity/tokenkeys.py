"""Fernet keys on disk: numbered files as Keystone's, "0" staged, the highest signs, the rest still verify."""

import os
import time
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

#: Keys kept after a rotation: signing, staged, and two that verify tokens of earlier rotations.
KEEP = 4

_cache: tuple[float, float, MultiFernet] | None = None


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _write(folder: Path, number: int) -> None:
    partial = folder / f".{os.getpid()}"
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(Fernet.generate_key())
    try:
        os.link(partial, folder / str(number))
    except FileExistsError:
        pass  # another process made the same key a moment ago: its key is as good
    partial.unlink()


def ensure() -> None:
    """Make the first two keys where there are none."""
    folder = Path(settings.TOKEN_KEYS)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _numbers(folder):
        _write(folder, 1)
        _write(folder, 0)


def rotate() -> int:
    """The staged key becomes the signing one, a new one is staged, the oldest go. Returns the signing key's number."""
    ensure()
    folder = Path(settings.TOKEN_KEYS)
    signing = _numbers(folder)[-1] + 1
    os.replace(folder / "0", folder / str(signing))
    _write(folder, 0)
    for number in _numbers(folder)[1 : 1 - KEEP]:
        (folder / str(number)).unlink()
    os.utime(folder)
    return signing


def fernet() -> MultiFernet:
    """The keys as one Fernet, re-read within a second after a rotation."""
    global _cache
    at = time.monotonic()
    if _cache is not None and at - _cache[0] < 1.0:
        return _cache[2]
    folder = Path(settings.TOKEN_KEYS)
    changed = folder.stat().st_mtime if folder.is_dir() else 0.0
    if _cache is None or _cache[1] != changed or not changed:
        ensure()
        numbers = _numbers(folder)
        keys = [Fernet((folder / str(number)).read_bytes()) for number in reversed(numbers)]
        _cache = (at, folder.stat().st_mtime, MultiFernet(keys))
    else:
        _cache = (at, changed, _cache[2])
    return _cache[2]
