"""A small map kept in a file that survives `kill -9`: one line a change, compacted when it is read and when it has grown.

Not synced to the disk: a lost power loses the last changes, a killed process loses none. A disk that is full ends nothing:
what could not be written is kept in memory and written whole with the next change that finds room.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

SLACK: Final = 1000  # lines beyond twice the values, after which the file is written anew


class Journal:
    """str → JSON value. `set` and `drop` write one line each; reading costs nothing."""

    def __init__(self, path: Path) -> None:
        self.values: dict[str, Any] = {}
        self._path = path
        self._lock = threading.Lock()
        self._file = -1
        self._lines = 0
        self._is_whole = False  # whether the file says what `values` says
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return  # made with the first change
        for line in path.read_text(errors="replace").splitlines():
            self._replay(line)
        with self._lock:
            self._rewrite()

    def _replay(self, line: str) -> None:
        try:
            key, value = json.loads(line)
        except (ValueError, TypeError):  # the line that a kill or a full disk cut short
            return
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    @staticmethod
    def _line(key: str, value: object) -> str:
        return json.dumps([key, value], separators=(",", ":")) + "\n"

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: object) -> None:
        with self._lock:
            if self.values.get(key) != value:
                self.values[key] = value
                self._write(self._line(key, value))

    def drop(self, key: str) -> None:
        with self._lock:
            if self.values.pop(key, None) is not None:
                self._write(self._line(key, None))

    def drop_where(self, is_old: Callable[[Any], bool]) -> None:
        """Forget every key whose value is old."""
        for key, value in list(self.values.items()):
            if is_old(value):
                self.drop(key)

    def close(self) -> None:
        with self._lock:
            self._is_whole = True
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write(self, line: str) -> None:
        if self._file < 0 and self._is_whole:
            return  # closed
        self._lines += 1
        if not self._is_whole or self._lines > 2 * len(self.values) + SLACK:
            self._rewrite()
            return
        data = line.encode()
        try:
            self._is_whole = os.write(self._file, data) == len(data)
        except OSError as error:
            self._is_whole = False
            log.error("%s could not be written, it is kept in memory: %s", self._path, error)

    def _rewrite(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_text("".join(self._line(key, value) for key, value in self.values.items()))
            fresh.replace(self._path)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            if self._is_whole:
                log.error("%s could not be written anew, it is kept in memory: %s", self._path, error)
            self._is_whole = False
            return
        if self._file >= 0:
            os.close(self._file)
        self._file, self._lines, self._is_whole = file, len(self.values), True
