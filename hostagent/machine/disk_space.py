"""How full a file system is."""

import os
from pathlib import Path
from typing import Final

from hostagent.contract.failures import Failure

SPARE: Final = 256 * 2**20  # bytes never promised: logs, journals and metadata need to grow too
EMPTY_QCOW2: Final = 2 * 2**20  # bytes that a qcow2 file takes at first


def disk_space(folder: Path) -> tuple[int, int]:
    """Free bytes and all bytes of the file system that holds `folder`; (0, 0) where it cannot be asked."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0, 0
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


def require_room(folder: Path, size: int) -> None:
    """Raises: Failure no_space where a folder's file system has less free than `size` bytes and SPARE."""
    room = os.statvfs(folder)
    have = room.f_bavail * room.f_frsize
    if have < size + SPARE:
        raise Failure("no_space", path=str(folder), need=size + SPARE, have=have)
