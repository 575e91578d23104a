"""How full a file system is."""

import os
from pathlib import Path


def disk_space(folder: Path) -> tuple[int, int]:
    """Free bytes and all bytes of the file system that holds `folder`; (0, 0) where it cannot be asked."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0, 0
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
