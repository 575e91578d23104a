"""Modes of sockets and files that one other user of this cloud may use (cloud/run/users.py says who)."""

import os
import stat
from pathlib import Path


def socket_mode(folder: Path) -> int:
    """Of a socket in a folder whose group is not our own: that group may connect. Else its owner alone may."""
    return 0o660 if folder.stat().st_gid != os.getegid() else 0o600


def file_mode(folder: Path) -> int:
    """Of a file in a folder that its group may pass: that group may read it. Else its owner alone may."""
    return 0o640 if folder.stat().st_mode & stat.S_IXGRP else 0o600
