"""Modes of sockets and files that other system users of this cloud may use (cloud/run/users.py names them)."""

import grp
import os
import stat
from pathlib import Path

#: Group of the users who read images' bytes; new files in the store have another group.
IMAGES = "stackling-images"


def socket_mode(folder: Path) -> int:
    """Return the mode of a socket in a folder: the folder's group may connect where it is not our own, else the owner alone."""
    return 0o660 if folder.stat().st_gid != os.getegid() else 0o600


def share(file: int, folder: Path) -> None:
    """Set the mode of a file just made, by descriptor: the group of a set-group-id folder may read it, and write it where it
    may delete it too. Other files keep their mode."""
    mode, facts = folder.stat().st_mode, os.fstat(file)
    if mode & stat.S_ISGID and facts.st_uid == os.geteuid() and not facts.st_size:
        os.fchmod(file, 0o660 if mode & stat.S_IWGRP and not mode & stat.S_ISVTX else 0o640)


def give_image(file: int, folder: Path) -> None:
    """Give a whole image file, by descriptor, to the group `IMAGES` to read, where several users share the store."""
    if folder.stat().st_mode & stat.S_ISGID:
        os.fchown(file, -1, grp.getgrnam(IMAGES).gr_gid)
        os.fchmod(file, 0o640)
