"""Destinations of backups: a folder, or a bucket of S3. Both hold files named `<backup>/<part>`, which appear whole or not at all."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Final

from cloud.backup.errors import BackupError

PIECE: Final = 1 << 20
#: No slash, no dot in front: a name never leads out of its folder.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[a-z0-9]{1,8})?")


def checked(name: str) -> str:
    """Return a part's name that leads to no other folder. Raises: BackupError for any other."""
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
        """List the names of the folders in it."""

    @abstractmethod
    def has(self, folder: str, name: str) -> bool: ...

    @abstractmethod
    def put(self, folder: str, name: str, pieces: Iterable[bytes], about: int = 0) -> None:
        """`about`: how many bytes come, where that is known. Raises: BackupError; then nothing of that name is there."""

    @abstractmethod
    def get(self, folder: str, name: str) -> Iterator[bytes]:
        """Yield a file's bytes in pieces. Raises: BackupError, also for a missing file."""

    @abstractmethod
    def remove(self, folder: str) -> None:
        """Remove a folder with all in it, its manifest first; absent is success."""

    def forget_halves(self) -> None:  # noqa: B027 most places have none
        """Remove what is in no folder of uploads that were cut long ago."""
