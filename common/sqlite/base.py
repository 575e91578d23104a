"""SQLite has one writer. Those who wait for it poll, ever more seldom (up to 100 ms), so under load the lock is free for
longer than it is held. Here writers queue before `BEGIN IMMEDIATE`: threads of a process at a lock, processes at
a file lock beside the database, which the kernel frees when its holder dies.

Source: sqlite3_busy_timeout() (sqliteDefaultBusyCallback), flock(2).
"""

import fcntl
import os
import stat
import threading
import time
from collections import defaultdict
from contextlib import suppress
from io import FileIO
from pathlib import Path

from django.db.backends.sqlite3 import base, operations
from django.db.utils import OperationalError

from common.watched import Commits

_turns: "dict[str, threading.Lock]" = defaultdict(threading.Lock)
PAUSE = 0.001  # seconds between two looks at another process's lock


def _opened(path: str, database: str) -> int:
    """The file that is locked, which all may open who may open the database. Read-only is enough."""
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # there is no database yet, or another made the file a moment ago
        os.fchmod(file, stat.S_IMODE(Path(database).stat().st_mode))
    return file


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "common.sqlite.compiler"


class DatabaseWrapper(Commits, base.DatabaseWrapper):
    """One transaction at a time holds the writer's turn, from its BEGIN to its COMMIT or ROLLBACK. Its writes are watched."""

    ops_class = DatabaseOperations
    _turn: "threading.Lock | None" = None
    _file: FileIO | None = None  # an object, so that it goes with a thread that ends

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()
            if self._file is not None:
                self._file.close()
                self._file = None

    def _take_turn(self) -> None:
        """Wait for the writer's turn. Raises: OperationalError, as SQLite does, when others hold the database for longer than OPTIONS' timeout."""
        if self._turn is not None or self.is_in_memory_db():
            return
        name = str(self.settings_dict["NAME"])
        seconds = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        until = time.monotonic() + seconds
        turn = _turns[name]
        if not turn.acquire(timeout=seconds):
            raise OperationalError("database is locked")
        try:
            self._lock_file(f"{name}-turn", until)
        except BaseException:
            turn.release()
            raise
        self._turn = turn

    def _lock_file(self, path: str, until: float) -> None:
        if self._file is None:
            self._file = FileIO(_opened(path, str(self.settings_dict["NAME"])))
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() > until:
                raise OperationalError("database is locked")
            time.sleep(PAUSE)

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        turn.release()
