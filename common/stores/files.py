"""A store in a folder: one file an object, never half of one.

Bytes arrive in a part beside the target and are moved there when they are whole and on the disk. A crash leaves at most a
part, which `collect_garbage` removes.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn

from django.utils.functional import Promise

from common.ids import new_hex
from common.stores import Capability, DataMissing, Stat, StoreFull, checked
from hostagent.process.durable import sync_folder

PIECE = 1 << 20  # bytes read at a time
#: Bytes left free on the disk whatever is written, so that the database, which may share it, can still write.
RESERVE = 256 << 20
PART = ".part"


class FileStore:
    """The folder is asked for at each use: settings name it, and the first write makes it.

    `publish(file, folder)` is called with the descriptor of each whole file before it has its name, to give it to its readers.
    """

    capabilities: frozenset[Capability] = frozenset({"location"})

    def __init__(
        self,
        name: str,
        description: str | Promise,
        folder: Callable[[], Path],
        publish: Callable[[int, Path], None] = lambda file, folder: None,
    ) -> None:
        self.name, self.description = name, description
        self._folder, self.publish = folder, publish

    @property
    def folder(self) -> Path:
        path = self._folder()
        path.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, key: str) -> "Part":
        return Part(self, key)

    def get(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            file = self.location(key).open("rb")
        except FileNotFoundError as error:
            raise DataMissing(id=key) from error
        return _pieces(file, start, length)

    def stat(self, key: str) -> Stat | None:
        path = self.location(key)
        if not path.is_file():
            return None
        facts = path.stat()
        return Stat(facts.st_size, facts.st_mtime)

    def remove(self, key: str) -> None:
        self.location(key).unlink(missing_ok=True)

    def location(self, key: str) -> Path:
        if key.endswith(PART):  # it would be swept as a part that nobody settled
            raise ValueError(f"{key!r} is no key of a store of files: it ends in {PART}")
        return self._folder() / checked(key)

    def free(self) -> int:
        return max(0, shutil.disk_usage(self.folder).free - RESERVE)

    def used_below(self, prefix: str) -> int:
        found = 0
        for path in self.folder.iterdir():
            if path.name.startswith(prefix):
                with suppress(FileNotFoundError):
                    found += path.stat().st_size
        return found

    def collect_garbage(self, *, older_than: float) -> int:
        gone = 0
        for part in self.folder.glob(f"*{PART}"):
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > older_than:
                    part.unlink()
                    gone += 1
        return gone


class Part:
    """A file in the making (stores.Writing)."""

    def __init__(self, store: FileStore, key: str) -> None:
        self._store, self._target = store, store.location(key)
        store.folder.mkdir(parents=True, exist_ok=True)
        self._path = self._target.with_name(f"{key}.{new_hex()}{PART}")
        self.size = 0
        self._file: BinaryIO = self._path.open("xb")

    def write(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            self._translate(error, len(piece))
        self.size += len(piece)

    def flush(self) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._translate(error, 0)

    def local(self) -> AbstractContextManager[Path]:
        self._file.flush()
        return nullcontext(self._path)

    def settle(self) -> None:
        self.flush()
        self._store.publish(self._file.fileno(), self._target.parent)
        self._file.close()
        self._path.replace(self._target)
        sync_folder(self._target.parent)

    def _translate(self, error: OSError, need: int) -> NoReturn:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(need=self.size + need, have=self._store.free()) from error
        raise error

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # a full disk complains again when the rest is flushed; it was reported already
            self._file.close()
        self._path.unlink(missing_ok=True)


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in pieces."""
    return _pieces(path.open("rb"), 0, None)


def _pieces(file: BinaryIO, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            piece = file.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            if left is not None:
                left -= len(piece)
            yield piece
