"""Fernet keys on disk: numbered files as Keystone's, "0" staged, the highest signs, the rest still verify."""

import contextlib
import os
import time
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from hostagent.process import keyfile

#: Keys kept after a rotation: signing, staged, and two that verify tokens of earlier rotations.
KEEP = 4

#: Folder → (when looked at, the folder's mtime then, the keys).
_cache: dict[str, tuple[float, float, MultiFernet]] = {}


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _write(folder: Path, number: int) -> None:
    partial = folder / f".{os.getpid()}"
    keyfile.write(partial, Fernet.generate_key().decode())  # root makes it for who owns the folder
    with contextlib.suppress(FileExistsError):  # another process made the same key a moment ago: its key is as good
        os.link(partial, folder / str(number))
    partial.unlink()


def ensure() -> None:
    """Make the first two keys where there are none."""
    folder = Path(settings.TOKEN_KEYS)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _numbers(folder):
        _write(folder, 1)
        _write(folder, 0)


def rotate() -> int:
    """Make the staged key the signing one, stage a new one, drop the oldest. Returns the signing key's number."""
    ensure()
    folder = Path(settings.TOKEN_KEYS)
    signing = _numbers(folder)[-1] + 1
    (folder / "0").replace(folder / str(signing))
    _write(folder, 0)
    for number in _numbers(folder)[1 : 1 - KEEP]:
        (folder / str(number)).unlink()
    _cache.clear()
    return signing


def replace() -> int:
    """New keys, and none of before: no token that was made until now counts. Returns the signing key's number."""
    ensure()
    folder = Path(settings.TOKEN_KEYS)
    old = _numbers(folder)
    _write(folder, old[-1] + 1)
    for number in old:
        (folder / str(number)).unlink()
    _write(folder, 0)
    _cache.clear()
    return old[-1] + 1


def fernet() -> MultiFernet:
    """Return the keys as one Fernet, re-read within a second after a rotation."""
    at = time.monotonic()
    folder = Path(settings.TOKEN_KEYS)
    known = _cache.get(str(folder))
    if known is not None and at - known[0] < 1.0:
        return known[2]
    ensure()
    changed = folder.stat().st_mtime
    if known is not None and known[1] == changed:
        keys = known[2]
    else:
        keys = MultiFernet([Fernet((folder / str(number)).read_bytes()) for number in reversed(_numbers(folder))])
    _cache[str(folder)] = (at, changed, keys)
    return keys
