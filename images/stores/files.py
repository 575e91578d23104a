"""The `file` store: one file an image in a folder, never half of one.

Bytes arrive in a part beside the target and are moved there when they are whole and on the disk. A crash leaves at most a
part, which `collect_garbage` removes.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common import doors
from common.errors import CloudError, NotFound
from common.ids import new_hex
from hostagent.process.durable import sync_folder

NAME = "file"
DESCRIPTION = "Local files"
PIECE = 1 << 20  # bytes read and written at a time
#: Bytes left free on the disk whatever is uploaded, so that the database can still write.
RESERVE = 256 << 20


class StoreFull(CloudError):
    template = _("The image store has no room: %(need)s bytes are needed, %(have)s are free.")


class DataMissing(NotFound):
    template = _("The data of image %(id)s is not in the store.")


def folder() -> Path:
    path = Path(settings.IMAGE_STORE)
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(image_id: str) -> Path:
    return folder() / image_id


def staging_of(image_id: str) -> Path:
    return folder() / f"{image_id}.staged"


def free_bytes() -> int:
    return max(0, shutil.disk_usage(folder()).free - RESERVE)


class Part:
    """A file in the making. As a context it removes itself unless `settle` was called.

    Raises (from write and settle): StoreFull.
    """

    def __init__(self, image_id: str) -> None:
        self.path = folder() / f"{image_id}.{new_hex()}.part"
        self.size = 0
        self._file: BinaryIO = self.path.open("xb")

    def write(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            self._translate(error, len(piece))
        self.size += len(piece)

    def flush(self) -> None:
        """Everything written is on the disk afterwards."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._translate(error, 0)

    def settle(self, target: Path) -> None:
        """Takes the target's place, whole and on the disk."""
        self.flush()
        doors.give_image(self._file.fileno(), target.parent)
        self._file.close()
        self.path.replace(target)
        sync_folder(target.parent)

    def _translate(self, error: OSError, need: int) -> None:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(need=self.size + need, have=free_bytes()) from error
        raise error

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # a full disk complains again when the rest is flushed; it was reported already
            self._file.close()
        self.path.unlink(missing_ok=True)


def is_whole(path: Path, size: int | None) -> bool:
    """Whether a file of `size` bytes is there; None: of any size."""
    return path.is_file() and size in (None, path.stat().st_size)


def require(path: Path) -> None:
    """Raises: DataMissing."""
    if not path.is_file():
        raise DataMissing(id=path.name)


def read(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The bytes [start, start + length) in pieces. The file is opened at once, so that a missing one raises here.

    Raises: DataMissing.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise DataMissing(id=path.name) from error
    return _pieces(file, start, length)


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


def remove(image_id: str) -> None:
    """Removes an image's bytes and what was staged of it; absent is success."""
    path_of(image_id).unlink(missing_ok=True)
    staging_of(image_id).unlink(missing_ok=True)


def _beside(image_id: str) -> list[Path]:
    return [path for path in folder().iterdir() if path.name.startswith(f"{image_id}.")]


def arrived(image_id: str) -> int:
    """Bytes of an image that are not yet its data: parts, and what is staged."""
    found = 0
    for path in _beside(image_id):
        with suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


def collect_garbage(*, older_than: float) -> int:
    """Removes parts that nobody has written to for `older_than` seconds. Returns how many."""
    gone = 0
    for part in folder().glob("*.part"):
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > older_than:
                part.unlink()
                gone += 1
    return gone
