"""What /proc says of the processes on a host, against the table of confinement: for any test that has a host.

A new daemon joins by being there: what no row of the table allows is found, whatever it is called.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hostagent.machine import confinement, guest_users

#: Bits of capabilities(7).
CAPABILITY = {
    "chown": 0, "dac_override": 1, "dac_read_search": 2, "fowner": 3, "fsetid": 4, "kill": 5, "setgid": 6, "setuid": 7,
    "setpcap": 8, "net_bind_service": 10, "net_admin": 12, "net_raw": 13, "ipc_lock": 14, "sys_ptrace": 19, "sys_admin": 21,
    "sys_nice": 23, "mknod": 27, "audit_write": 29,
}  # fmt: skip
GUESTS = range(guest_users.FIRST, guest_users.FIRST + guest_users.MANY + 1)
#: What may stand in a daemon's environment: the table's, what a shell and libvirt put in, nothing of ours.
NAMES = {*confinement.ENVIRONMENT, "PWD", "SHLVL", "_", "OLDPWD", "HOME", "LC_ALL", "USER", "LOGNAME", "SHELL",
         "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "INVOCATION_ID"}  # fmt: skip


@dataclass
class Process:
    pid: int
    name: str
    words: list[str]
    status: dict[str, str]
    environment: dict[str, str]
    files: list[str]

    @property
    def uids(self) -> set[int]:
        return {int(word) for word in self.status["Uid"].split()}

    def capabilities(self, which: str) -> int:
        return int(self.status[which], 16)

    def __str__(self) -> str:
        return f"{self.name} ({self.pid}): {' '.join(self.words)[:120]}"


def read(pid: int) -> Process | None:
    """None if it ended."""
    place = Path("/proc") / str(pid)
    try:
        lines = (place / "status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        pairs = (place / "environ").read_bytes().decode(errors="replace").split("\0")
        words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
        files = [str(link.readlink()) for link in (place / "fd").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return None
    if not any(words):  # it is ending
        return None
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return Process(pid, status["Name"], words, status, environment, files)


def rows_of(process: Process) -> list[confinement.Confined]:
    """By its account; root's by its name."""
    if 0 in process.uids:
        return [row for kind, row in confinement.DAEMONS.items() if row.why and kind == process.name]
    names = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid in process.uids}
    return [row for row in confinement.DAEMONS.values() if row.account in names]


def mask(row: confinement.Confined) -> int:
    return sum(1 << CAPABILITY[name] for name in row.capabilities)


def faults(process: Process, secrets: Iterable[str]) -> list[str]:
    """What is wrong with a daemon of a host; nothing is what is wanted."""
    found = []
    rows = rows_of(process)
    if 0 in process.uids and not rows:
        found.append("is root, and no row of confinement.DAEMONS says why")
    masks = {0, *(mask(row) for row in rows)}
    guest = any(uid in GUESTS for uid in process.uids)
    for which in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        allowed = masks | {mask(confinement.DAEMONS["libvirtd"])} if guest and which == "CapBnd" else masks
        if process.capabilities(which) not in allowed:
            found.append(f"{which} is {process.status[which]}, and its rows allow {[f'{m:x}' for m in masks]}")
    if process.status["NoNewPrivs"] != "1" and all(row.no_new_privs for row in rows):
        found.append("may gain privileges by execve")
    if strange := set(process.environment) - NAMES:
        found.append(f"has {sorted(strange)} in its environment")
    text = "\0".join([*process.words, *process.environment.values()])
    found += ["has a secret in its command line or environment" for secret in secrets if secret and secret in text]
    kept = ("/keys/", "/passwords", "/db.sqlite3", "/clouds.yaml", "redis.sock")
    found += [f"holds {path} open" for path in process.files if path.endswith(kept) or "/keys/" in path]
    return [f"{process} {fault}" for fault in found]


def may(path: Path, want: str, *, uid: int, gids: Iterable[int] = ()) -> bool:
    """Whether somebody's bits of a path hold `want`: r, w or x."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return False  # it went while we looked
    shift = 6 if facts.st_uid == uid else 3 if facts.st_gid in gids else 0
    return bool(facts.st_mode >> shift & {"r": 4, "w": 2, "x": 1}[want])


def readable(folder: Path, *, uid: int, gids: Iterable[int] = ()) -> list[Path]:
    """Files, sockets and folders below `folder` (which he may pass) that somebody may read, connect to or list."""
    found = []
    for place, folders, names in os.walk(folder):
        found += [Path(place, name) for name in names if _opens(Path(place, name), uid, gids)]
        found += [Path(place, name) for name in folders if may(Path(place, name), "r", uid=uid, gids=gids)]
        folders[:] = [name for name in folders if may(Path(place, name), "x", uid=uid, gids=gids)]
    return found


def writable(folder: Path, *, uid: int) -> list[Path]:
    """What below `folder` (which he may pass) somebody may write to, connect to or make files in."""
    found = []
    for place, folders, names in os.walk(folder):
        paths = [Path(place, name) for name in (*folders, *names)]
        found += [path for path in paths if not path.is_symlink() and may(path, "w", uid=uid)]
        folders[:] = [name for name in folders if may(Path(place, name), "x", uid=uid)]
    return found


def _opens(path: Path, uid: int, gids: Iterable[int]) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(mode) and may(path, "w" if stat.S_ISSOCK(mode) else "r", uid=uid, gids=gids)
