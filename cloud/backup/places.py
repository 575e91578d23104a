"""Where backups lie: a folder, or a bucket of S3. Both hold files named `<backup>/<part>`, which appear whole or not at all."""

import errno
import os
import re
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings

from cloud.backup.errors import BackupError
from hostagent.durable import sync_folder

PIECE: Final = 1 << 20
#: No slash, no dot in front: a name never leads out of its folder.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[a-z0-9]{1,8})?")


def checked(name: str) -> str:
    """Raises: BackupError for a name that could lead elsewhere."""
    if not NAME.fullmatch(name):
        raise BackupError(
            f"The backup names a part {name[:100]!r}, which is no name for one: it was not made by this command."
        )
    return name


class Place(ABC):
    """`where` is how an operator calls it."""

    where: str

    @abstractmethod
    def folders(self) -> list[str]:
        """The names of the folders in it."""

    @abstractmethod
    def has(self, folder: str, name: str) -> bool: ...

    @abstractmethod
    def put(self, folder: str, name: str, pieces: Iterable[bytes], about: int = 0) -> None:
        """`about`: how many bytes come, where that is known. Raises: BackupError; then nothing of that name is there."""

    @abstractmethod
    def get(self, folder: str, name: str) -> Iterator[bytes]:
        """Raises: BackupError, also for what is missing."""

    @abstractmethod
    def remove(self, folder: str) -> None:
        """A folder with all in it; absent is success. What says that it is a backup goes first."""

    def forget_halves(self) -> None:  # noqa: B027 most places have none
        """Remove what is in no folder of uploads that were cut long ago."""


class Folder(Place):
    """A folder of this machine. What is made in it is 0700 and 0600; links in it are not followed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def folders(self) -> list[str]:
        try:
            return sorted(path.name for path in self.path.iterdir() if path.is_dir() and not path.is_symlink())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BackupError(f"{self.path} cannot be read: {error.strerror}.") from None

    def has(self, folder: str, name: str) -> bool:
        return (self.path / folder / checked(name)).is_file()

    def put(self, folder: str, name: str, pieces: Iterable[bytes], about: int = 0) -> None:
        inside = self.path / folder
        target, scratch = inside / checked(name), inside / f".{secrets.token_hex(8)}"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            inside.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            scratch.rename(target)
            for changed in (inside, self.path):
                sync_folder(changed)
        except OSError as error:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
            raise BackupError(f"{target} cannot be written: {_why(error)}.") from error
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise

    def get(self, folder: str, name: str) -> Iterator[bytes]:
        path = self.path / folder / checked(name)
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise BackupError(f"{path} is no file.")
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            why = "it is a link" if error.errno == errno.ELOOP else error.strerror
            raise BackupError(f"{path} cannot be read: {why}.") from None

    def remove(self, folder: str) -> None:
        inside = self.path / folder
        if not inside.is_dir() or inside.is_symlink():
            return
        try:
            (inside / "manifest.json").unlink(missing_ok=True)
            for path in inside.iterdir():
                path.unlink()
            inside.rmdir()
        except OSError as error:
            raise BackupError(f"{inside} cannot be removed: {error.strerror}.") from None


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "there is no room left; free some, keep fewer backups (--keep), or give another destination"
    return error.strerror or str(error)


def place(text: str) -> Place:
    """The place that a command line or a setting names: a folder, or s3://bucket/prefix. Raises: BackupError."""
    if text.startswith("s3://"):
        from cloud.backup.s3 import Bucket  # late: boto3 costs 30 MiB and a second

        return Bucket(text)
    if "://" in text:
        raise BackupError(f"{text}: a backup goes to a folder, or to s3://bucket/prefix.")
    path = Path(text).expanduser().resolve()
    if path.is_relative_to(settings.DATA):
        raise BackupError(
            f"{path} lies in STACKLING_DATA: whatever takes that away takes the backup along. Name another folder."
        )
    return Folder(path)
