"""The file of samples: SQLite beside the cloud's own database, whatever that is, because samples may be lost and are many.

A row is (tier, chunk, resource, slot) and the packed values, so that what is written together and what is read together lie
together: a chunk of all things to be rolled up or forgotten, a chunk of one thing for its chart. Each thread has a connection
of its own. A file of another VERSION is set aside: its samples are gone.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings

log = logging.getLogger(__name__)

NAME: Final = "samples.sqlite3"
VERSION: Final = 1
PATIENCE: Final = 20.0  # seconds that a connection waits for another's transaction
PAGE: Final = 4096
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, name TEXT NOT NULL, heard INTEGER NOT NULL, UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS samples (
    tier INTEGER, chunk INTEGER, resource INTEGER, slot INTEGER, packed BLOB NOT NULL,
    PRIMARY KEY (tier, chunk, resource, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dirty (tier INTEGER, chunk INTEGER, PRIMARY KEY (tier, chunk)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reports (
    host TEXT, run TEXT, number INTEGER, at INTEGER NOT NULL, PRIMARY KEY (host, run, number)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

_local = threading.local()
_making = threading.Lock()


def path() -> Path:
    """Tell the file's place."""
    return Path(settings.DATA) / "telemetry" / NAME


def _open(file: Path) -> sqlite3.Connection:
    link = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    link.execute("PRAGMA synchronous = NORMAL")  # a power cut costs the last of them
    link.execute("PRAGMA cache_size = -2000")
    link.execute("PRAGMA journal_size_limit = 16000000")
    link.execute(f"PRAGMA max_page_count = {max(settings.TELEMETRY_BYTES // PAGE, 64)}")
    return link


def _version(file: Path) -> int:
    """0: it is empty. -1: it is no database."""
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as link:
            return int(link.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return -1


def _make(file: Path) -> None:
    """Make the tables where there are none. A file that is no such database, or of another version, goes."""
    with _making:
        file.parent.mkdir(parents=True, exist_ok=True)
        version = _version(file)
        if version == VERSION:
            return
        if version:
            log.warning("%s is not of this version, or damaged: samples begin anew", file)
            discard()
        with closing(_open(file)) as link:
            link.execute(f"PRAGMA page_size = {PAGE}")
            link.execute("PRAGMA auto_vacuum = INCREMENTAL")
            link.execute("PRAGMA journal_mode = WAL")
            link.executescript(_SCHEMA)
        with suppress(PermissionError):
            file.chmod(0o660)  # web reads it by its group


def discard() -> None:
    """Remove the file. Connections to it are opened anew."""
    file = path()
    for end in ("-wal", "-shm", ""):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0


def connection(*, make: bool = False) -> sqlite3.Connection | None:
    """Give this thread's connection; None where there is no file and `make` does not ask for one. Raises: sqlite3.Error, OSError."""
    file = path()
    inode = _inode(file)
    known: tuple[Path, int, sqlite3.Connection] | None = getattr(_local, "known", None)
    if known is not None:
        if known[:2] == (file, inode):
            return known[2]
        known[2].close()  # of another place, or of a file that is gone
        _local.known = None
    if make:
        _make(file)
        inode = _inode(file)
    if not inode:
        return None
    if _version(file) != VERSION:  # of before an upgrade: control makes it anew
        return None
    link = _open(file)
    _local.known = (file, inode, link)
    return link


@contextmanager
def writing() -> Iterator[sqlite3.Connection]:
    """Hold one transaction, for control. Raises: sqlite3.Error, OSError; then nothing of it is there."""
    link = connection(make=True)
    assert link is not None, "a file was asked for"
    link.execute("BEGIN IMMEDIATE")
    try:
        yield link
    except BaseException:
        with suppress(sqlite3.Error):
            link.execute("ROLLBACK")
        raise
    link.execute("COMMIT")


def size(link: sqlite3.Connection) -> int:
    """Count the bytes of the file that hold something."""
    pages, free = (link.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    return int(pages - free) * PAGE


def numbers(link: sqlite3.Connection, kind: int, names: Iterable[str]) -> dict[str, int]:
    """Find the numbers of those things that were ever sampled, by name."""
    find = "SELECT id FROM resources WHERE kind = ? AND name = ?"
    found = {name: link.execute(find, (kind, name)).fetchone() for name in names}
    return {name: row[0] for name, row in found.items() if row is not None}


def number(link: sqlite3.Connection, kind: int, name: str, moment: float) -> int:
    """Find the number of a thing, given to it if it is new; never again to another. In a transaction."""
    known = numbers(link, kind, [name])
    if not known:
        new = "INSERT INTO resources (kind, name, heard) VALUES (?, ?, ?)"
        return int(link.execute(new, (kind, name, int(moment))).lastrowid or 0)
    return known[name]


PUT: Final = "INSERT OR REPLACE INTO samples (tier, chunk, resource, slot, packed) VALUES (?, ?, ?, ?, ?)"
MARK: Final = "INSERT OR IGNORE INTO dirty (tier, chunk) VALUES (?, ?)"
#: The numbers from :from to :to as the table `chunks`: seeks, where a condition on chunk would be a walk through all things.
CHUNKS: Final = "WITH RECURSIVE chunks(n) AS (SELECT :from UNION ALL SELECT n + 1 FROM chunks WHERE n < :to) "
