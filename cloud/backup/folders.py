"""Backups in a folder of this machine."""

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cloud.backup.errors import BackupError
from cloud.backup.places import PIECE, Place, checked
from hostagent.process.durable import sync_folder


class Folder(Place):
    """A folder of this machine. Folders made in it are 0700, files 0600; links in it are not followed."""

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
