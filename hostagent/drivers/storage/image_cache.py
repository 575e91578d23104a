"""The images that a host keeps: at most so many bytes, the ones asked for longest ago go first, never one that is needed.

An image is needed while a disk of this host, also one that is set aside, is an overlay on it, or while what is remembered
of a server names it (a kernel). An image that was asked for within YOUNG seconds stays too: its disk may be in the making.
"""

import logging
import os
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

SHARE: Final = 0.2  # of the file system, where no limit is set
YOUNG: Final = 600.0
QCOW2: Final = b"QFI\xfb"
NOT_DISKS: Final = ("cache", "consoles", "network", "libvirt")  # folders of the host's data without disks in them


def backing_of(path: Path) -> str:
    """Return the name of the file that a qcow2 file rests on, "" if none. Raises: OSError."""
    with path.open("rb") as file:
        head = file.read(20)
        if len(head) < 20 or not head.startswith(QCOW2):
            return ""
        at, length = struct.unpack(">QI", head[8:20])
        if not at or length > 1023:  # the format's own limit
            return ""
        file.seek(at)
        return file.read(length).decode(errors="replace")


class ImageCache:
    """`data` is the host's folder, `folder` the cache in it, `limit` in bytes (0: SHARE of the file system)."""

    def __init__(self, data: Path, folder: Path, limit: int) -> None:
        self.data, self.folder = data, folder
        self.limit = limit or int(shutil.disk_usage(data).total * SHARE)

    def note_use(self, path: Path) -> None:
        os.utime(path)

    def images(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_file() and path.suffix != ".part"]

    def size(self) -> int:
        """Bytes that the images take on the disk."""
        return sum(path.stat().st_blocks * 512 for path in self.images())

    def needed(self) -> set[str]:
        """Names of images that may not go."""
        names = {path.name for path in self.images()}
        found: set[str] = set()
        for path in self._files():
            try:
                if path.suffix == ".json":
                    text = path.read_text(errors="replace")
                    found |= {name for name in names if name in text}
                else:
                    found.add(Path(backing_of(path)).name)
            except FileNotFoundError:
                continue  # its server went while we looked
        return found & names

    def _files(self) -> Iterator[Path]:
        for folder in self.data.iterdir():
            if folder.is_dir() and folder.name not in NOT_DISKS:
                yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())

    def make_room(self) -> list[str]:
        """Take away images until the limit is kept or none may go. Returns their names."""
        over = self.size() - self.limit
        if over <= 0:
            return []
        needed, old = self.needed(), time.time() - YOUNG
        gone = []
        for path in sorted(self.images(), key=lambda image: image.stat().st_mtime):
            if over <= 0:
                break
            state = path.stat()
            if path.name in needed or state.st_mtime > old:
                continue
            path.unlink()
            over -= state.st_blocks * 512
            gone.append(path.name)
        log.info("image cache: %d images of %d bytes went, %d too many stay", len(gone), self.limit, max(0, over))
        return gone
