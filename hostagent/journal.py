"""A small map kept in a file that survives `kill -9`: one line a change, compacted when it is read.

Not synced to the disk: a lost power loses the last changes, a killed process loses none.
"""

import json
import threading
from pathlib import Path
from typing import Any


class Journal:
    """str → JSON value. `set` and `drop` write one line each; reading costs nothing."""

    def __init__(self, path: Path) -> None:
        self.values: dict[str, Any] = {}
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text().splitlines():
                self._replay(line)
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(self._line(key, value) for key, value in self.values.items()))
        fresh.replace(path)
        self._file = path.open("a", buffering=1)

    def _replay(self, line: str) -> None:
        try:
            key, value = json.loads(line)
        except ValueError:  # the line that a kill cut short
            return
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    @staticmethod
    def _line(key: str, value: Any) -> str:
        return json.dumps([key, value], separators=(",", ":")) + "\n"

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any) -> None:
        with self._lock:
            if self.values.get(key) != value:
                self.values[key] = value
                self._file.write(self._line(key, value))

    def drop(self, key: str) -> None:
        with self._lock:
            if self.values.pop(key, None) is not None:
                self._file.write(self._line(key, None))

    def close(self) -> None:
        self._file.close()
