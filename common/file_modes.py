"""Modes of sockets and files that other users of this cloud may use (cloud/run/users.py says who)."""

import grp
import os
import stat
from pathlib import Path

#: The group of those who read images' bytes: it is not the one that makes files among them.
IMAGES = "stackling-images"


def socket_mode(folder: Path) -> int:
    """The mode of a socket in a folder: the folder's group may connect where it is not our own, else the owner alone."""
    return 0o660 if folder.stat().st_gid != os.getegid() else 0o600


def share(file: int, folder: Path) -> None:
    """A file that we have just made, in a folder that passes its group on: that group reads it, and writes it where it may
    take it away too. Else its owner alone does."""
    mode, facts = folder.stat().st_mode, os.fstat(file)
    if mode & stat.S_ISGID and facts.st_uid == os.geteuid() and not facts.st_size:
        os.fchmod(file, 0o660 if mode & stat.S_IWGRP and not mode & stat.S_ISVTX else 0o640)


def give_image(file: int, folder: Path) -> None:
    """An image's bytes are whole: where several users share the store, those read them who are in that group."""
    if folder.stat().st_mode & stat.S_ISGID:
        os.fchown(file, -1, grp.getgrnam(IMAGES).gr_gid)
        os.fchmod(file, 0o640)
