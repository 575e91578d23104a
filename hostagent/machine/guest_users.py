"""Each guest's QEMU is a user of its own: one that is taken over reads no other guest's disk, and signals nobody.

The number follows from the server's id, so that a host needs no list and two hosts with shared storage agree. All guests
share one group, which may pass the folders and read cached images, and nothing more. Numbers from 0x70000000 to
0x7fffffff belong to nobody (systemd's UIDS-GIDS: users to 60000, containers to 0x6fffffff).
"""

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Final

from hostagent.machine import accounts, confinement

FIRST: Final = 0x70000000
MANY: Final = 0x0FFFFFFF


@cache
def has_numbers() -> bool:
    """Whether this machine's user namespace has the numbers; a container may have 65536 in all."""
    ranges = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(int(start) <= FIRST and int(start) + int(count) > FIRST + MANY for start, _, count in ranges)


def uid(server_id: str) -> int:
    """Return the user id of the server's QEMU: one of its own, or where there are no numbers the one for all guests."""
    if not has_numbers():
        return accounts.ensure(confinement.QEMU).pw_uid
    return FIRST + int.from_bytes(hashlib.sha256(server_id.encode()).digest()[:4]) % (MANY + 1)


def gid() -> int:
    return accounts.ensure(confinement.QEMU).pw_gid


def give(path: Path, server_id: str, *, mode: int = 0o600) -> Path:
    """Make a file, or a folder, this guest's. Never through a link."""
    if os.geteuid() == 0 and not path.is_symlink():
        os.chown(path, uid(server_id), -1, follow_symlinks=False)
        path.chmod(mode)
    return path


def fresh(path: Path, server_id: str) -> Path:
    """Make an empty file of this guest's, in the place of what was left there: tools that run as the guest fill it."""
    return give(empty(path), server_id)


def empty(path: Path) -> Path:
    """Make an empty file, in the place of what was left there."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    return path


def fresh_image(path: Path) -> Path:
    """Make an empty file that tools which run as the user of all guests fill; `share` makes an image of it."""
    empty(path)
    if os.geteuid() == 0:
        os.chown(path, accounts.ensure(confinement.QEMU).pw_uid, gid(), follow_symlinks=False)
    return path


def share(path: Path) -> Path:
    """Return a file that all guests may read and none may write."""
    if os.geteuid() == 0:
        os.chown(path, 0, gid(), follow_symlinks=False)
    path.chmod(0o440)
    return path


def folder(path: Path) -> Path:
    """Make a folder of root's that guests may pass, and neither list nor change; nobody else may do as much."""
    path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, 0, gid())
        path.chmod(0o710)
    return path
