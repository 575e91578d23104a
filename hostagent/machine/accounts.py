"""System accounts for processes that must not be root: made where they are missing, never changed where they exist."""

import grp
import pwd
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress

TRIES = 50
RETRY_SECONDS = 0.2  # useradd holds a lock on /etc/passwd, and several clouds may start at once


class NoAccount(Exception):
    """An account could not be made; the message is useradd's."""


def ensure(name: str, *, groups: tuple[str, ...] = ()) -> pwd.struct_passwd:
    """Return the account `name`, with a group of its own and no shell, in those of `groups` that this machine has.

    Raises: NoAccount.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        _run(
            "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
            "--shell", "/usr/sbin/nologin", name,
        )  # fmt: skip
        entry = pwd.getpwnam(name)
    for group in groups:
        with suppress(KeyError):
            _join(grp.getgrnam(group), [name])
    return entry


def ensure_group(name: str, members: Iterable[str]) -> int:
    """Return the number of the group `name`, which all of `members` are in.

    Raises: NoAccount.
    """
    try:
        entry = grp.getgrnam(name)
    except KeyError:
        _run("groupadd", "--system", name)
        entry = grp.getgrnam(name)
    _join(entry, members)
    return entry.gr_gid


def _join(group: grp.struct_group, members: Iterable[str]) -> None:
    for member in members:
        if member not in group.gr_mem:
            _run("usermod", "--append", "--groups", group.gr_name, member)


def _run(*command: str) -> None:
    for _ in range(TRIES):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode in (0, 9):  # 9: another start made it meanwhile
            return
        if done.returncode not in (1, 10):  # 1, 10: the files are locked now
            break
        time.sleep(RETRY_SECONDS)
    raise NoAccount(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
