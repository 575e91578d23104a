"""Files of keys that are changed under running processes: one key a line, the first is used, each is accepted.

While a key is rotated (cloud/rotation.py) its file has two lines, the second with a word: `staged` (used soon) or `retired`
(used before). Every process reads it again within LOOK seconds of a change.
"""

import logging
import os
import stat
import threading
import time
from pathlib import Path
from typing import Final

from hostagent.process.durable import put_whole

log = logging.getLogger(__name__)

STAGED: Final = "staged"
RETIRED: Final = "retired"
LOOK: Final = 1.0  # seconds for which what was read is believed


def parse(text: str) -> list[tuple[str, str]]:
    """(key, word) of each line of a file; the word is "" of the key in use."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, _, word = line.rpartition(" ")
        found.append((key, word) if word in (STAGED, RETIRED) else (line, ""))
    return found


def keys_in(text: str) -> tuple[str, ...]:
    """List the keys of a file's text, the one in use first."""
    return tuple(key for key, _word in parse(text))


def write(path: Path, text: str) -> None:
    """Puts a file of keys in another's place, whole. It belongs to whom its folder belongs to: root works for others.

    The folder's group reads it where the folder passes that on (set-group), else its owner alone.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        file.flush()
        folder = path.parent.stat()
        if os.geteuid() == 0:
            os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
        os.fchmod(file.fileno(), 0o640 if folder.st_mode & stat.S_ISGID else 0o600)
    put_whole(scratch, path)


class KeyFile:
    """The keys of one file, as they are now. Where it cannot be read any more, those known last. Safe from any thread."""

    def __init__(self, path: Path, known: tuple[str, ...] = ()) -> None:
        self._path = path
        self._keys = known
        self._stamp: tuple[int, int] | None = None
        self._looked = -LOOK
        self._lock = threading.Lock()

    def keys(self) -> tuple[str, ...]:
        """List the keys, the one in use first; () where there never was any."""
        if time.monotonic() - self._looked >= LOOK:
            with self._lock:
                self._look()
        return self._keys

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            facts = self._path.stat()
            stamp = (facts.st_mtime_ns, facts.st_ino)
            if stamp != self._stamp:
                found = keys_in(self._path.read_text())
                self._keys, self._stamp = found or self._keys, stamp
        except FileNotFoundError:
            self._stamp = None
        except OSError as error:
            log.error("the keys in %s cannot be read: %s", self._path, error.strerror)
