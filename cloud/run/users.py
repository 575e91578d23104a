"""System users of the programs, and the folders they share: only host agents run as root, each other program has an own user.

Started by root, each program becomes the system user that USERS names, who reaches what FOLDERS, DATA and FILES give it and
nothing else. Where one of them cannot read the clone or reach the data (a clone under /root, say) the start is refused with the
command that helps; only STACKLING_USER=root makes all of them root. Started by someone else, all are that user and what needs
root goes through sudo. Decision 0097.
"""

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cloud.run.settings import CLONE, Cloud, Refused
from common import file_modes
from hostagent.machine import accounts

SERVICE_USER = "stackling"
#: Program → its user. `control` is besides who prepares a start, makes each night's backup, and simulates hosts.
USERS = {
    "control": SERVICE_USER,
    "web": "stackling-web",
    "bytes": "stackling-bytes",
    "sockets": "stackling-sockets",
    "redis": "stackling-redis",
    "nginx": "stackling-nginx",
    "consoles": "stackling-consoles",
    "front": "stackling-front",
}
#: Users of the programs that run Django and open the database.
DJANGO = ("control", "web", "bytes", "sockets")
#: Group of several → (its name, the users in it). Each user has a group of its own name too; that of `front` has members.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "database": ("stackling-database", DJANGO),
    "api": ("stackling-api", ("control", "web", "bytes")),  # who make and read tokens, and ask control to work
    "images": (file_modes.IMAGES, ("control", "bytes", "nginx")),  # who read images' bytes
    # A name in the system: it stays, though its user runs the reverse proxy.
    "front": ("stackling-front", ("control", "nginx")),  # who connect to servers; control for agents that are not root
}


class Place(NamedTuple):
    """A folder or file: whose it is, whose group may use it ("": nobody's), mode; of a folder, the same of the files in it."""

    owner: str
    group: str = ""
    mode: int = 0o700
    files: tuple[str, str, int] | None = (
        None  # None: its own owner and group, 0640 where that group may pass, else 0600
    )


#: Folder of sockets in the run folder: a server's own, for those who connect to it. Sockets made in it have that group.
#: The run folder itself is the starter's.
FOLDERS: dict[str, Place] = {
    "web": Place("web", "front", 0o2710),  # the reverse proxy and nginx connect
    "bytes": Place("bytes", "front", 0o2710),
    "sockets": Place("sockets", "front", 0o2710),
    "nginx": Place("nginx", "front", 0o2710),  # the reverse proxy connects, and agents that are not root
    "consoles": Place("consoles", "front", 0o2710),  # the reverse proxy connects
    "door": Place("bytes", "consoles", 0o2710),  # consoles ask the connection broker; the folder keeps its name
    "redis": Place("redis", "database", 0o2710),
    "metrics/control": Place("control", "web", 0o2710),  # web asks each process for its figures
    "metrics/bytes": Place("bytes", "web", 0o2710),
    "metrics/sockets": Place("sockets", "web", 0o2710),
    "nonces": Place("bytes"),  # what agents' requests used up
}
#: Folder in STACKLING_DATA. Files outside of these folders are the starter's.
DATA: dict[str, Place] = {
    "database": Place("control", "database", 0o2770, ("control", "database", 0o660)),  # -wal and -shm come and go
    # control writes samples; web reads them, for which SQLite makes and writes files of its own beside.
    "telemetry": Place("control", "web", 0o2770, ("control", "web", 0o660)),
    "keys": Place("control", "database", 0o2710),
    "keys/tokens": Place("control", "api", 0o2750),
    "keys/hosts": Place("control", "bytes", 0o2710),
    # Two write, and nginx reads what is whole (images.stores gives it to that group); it cannot list or change.
    "images": Place("control", "bytes", 0o2771, ("control", "images", 0o640)),
    # bytes writes what guests say, web shows it, control removes it: whoever did not make a file cannot take it away.
    "consoles": Place("control", "api", 0o3770, ("bytes", "api", 0o640)),
    "denials": Place("control", "api", 0o2770, ("control", "api", 0o660)),
    "backups": Place("control"),
    "cache": Place("control", "database", 0o2710),  # also what programs think is their home
    "cache/web": Place("web"),
    "spool": Place("nginx"),
    "logs": Place("starter"),  # supervisord writes them, as root: nobody else may put a link there
}
#: File in STACKLING_DATA that has other rights than the rest of its folder.
FILES: dict[str, Place] = {
    "passwords": Place("starter", "control", 0o640),  # each night's backup has them, sealed
    "clouds.yaml": Place("starter", "", 0o600),
    "policy.yaml": Place("starter", "database", 0o640),
    "gallery.toml": Place("starter", "database", 0o640),
    "keys/settings.api": Place("control", "api", 0o640),
    "keys/settings.web": Place("control", "web", 0o640),
    "keys/settings.control": Place("control", "", 0o600),
    "keys/broker": Place("control", "", 0o600),  # for agents
}


@dataclass(frozen=True)
class Account:
    """An account that programs run as."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether it is not who we are: then commands switch to it."""
        return self.uid != os.geteuid()

    def give(self, path: Path) -> None:
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def switch(self) -> dict[str, object]:
        """Keyword arguments for subprocess that run a command as this account, in the groups that it is in."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}


@dataclass(frozen=True)
class Accounts:
    """System accounts of a cloud's programs. `starter` started the cloud and owns the files that a root program reads."""

    starter: Account
    users: dict[str, Account]  # of USERS
    groups: dict[str, int]  # of GROUPS

    @classmethod
    def one(cls, account: Account) -> "Accounts":
        return cls(account, dict.fromkeys(USERS, account), dict.fromkeys(GROUPS, account.gid))

    @cached_property
    def control(self) -> Account:
        return self.users["control"]

    @property
    def are_several(self) -> bool:
        return len({account.uid for account in self.users.values()}) > 1

    def of(self, name: str) -> Account:
        return self.starter if name == "starter" else self.users[name]

    def rights(self, owner: str, group: str, mode: int) -> tuple[int, int, int]:
        """(uid, gid, mode). Where the group is nobody else's, its owner alone has any."""
        account = self.of(owner)
        gid = self.groups[group] if group in self.groups else self.of(group or owner).gid
        return account.uid, gid, mode if gid != account.gid else mode & 0o700

    def of_folder(self, place: Place) -> tuple[int, int, int]:
        return self.rights(place.owner, place.group, place.mode)

    def of_files(self, place: Place) -> tuple[int, int, int]:
        """Return the same of what lies in a folder."""
        if place.files is not None:
            return self.rights(*place.files)
        return self.rights(place.owner, place.group, 0o640 if place.group else 0o600)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _can_run(account: Account, cloud: Cloud) -> bool:
    """Whether the account can import the project with this Python and reach the data folder."""
    probe = "import django, cloud.run.settings, os, sys; os.stat(sys.argv[1]); os.listdir('static')"
    command = [sys.executable, "-c", probe, str(cloud.data)]
    try:
        done = subprocess.run(command, cwd=CLONE, capture_output=True, **account.switch())  # type: ignore[call-overload]
    except PermissionError:  # the interpreter itself is out of its reach
        return False
    return bool(done.returncode == 0)


def control_account(cloud: Cloud) -> Account:
    """Return the account for the control plane of this cloud. The data folder must exist.

    Raises: Refused where it could not work, with what would let it.
    """
    me = pwd.getpwuid(os.geteuid())
    if me.pw_uid != 0 or cloud.environment.get("STACKLING_USER") == "root":
        return _account(me)
    try:
        account = _account(accounts.ensure(SERVICE_USER))
    except accounts.NoAccount as error:
        raise Refused(f"User {SERVICE_USER}, as whom the control plane runs, could not be made: {error}.") from None
    if not _can_run(account, cloud):
        raise Refused(_out_of_reach(account, (CLONE, Path(sys.prefix), Path(sys.base_prefix), cloud.data)))
    return account


def accounts_of(cloud: Cloud) -> Accounts:
    """Return the accounts of this cloud's programs. The data folder must exist.

    Raises: Refused where they could not work, with what would let them.
    """
    control = control_account(cloud)
    if not control.is_other:
        return Accounts.one(control)
    try:
        users = {program: _account(accounts.ensure(name)) for program, name in USERS.items()}
        groups = {
            group: accounts.ensure_group(name, [USERS[member] for member in members])
            for group, (name, members) in GROUPS.items()
        }
    except accounts.NoAccount as error:
        raise Refused(f"The users as whom a cloud's programs run could not be made: {error}.") from None
    others = [
        users[name] for name in ("web", "bytes", "sockets", "consoles", "nginx")
    ]  # Python of this clone, or begun by it
    with ThreadPoolExecutor() as pool:
        can = list(pool.map(lambda account: _can_run(account, cloud), others))
    if not all(can):
        places = (CLONE, Path(sys.prefix), Path(sys.base_prefix), cloud.data)
        raise Refused(_out_of_reach(others[can.index(False)], places))
    return Accounts(_account(pwd.getpwuid(os.geteuid())), users, groups)


def _out_of_reach(account: Account, places: tuple[Path, ...]) -> str:
    """Name the folders that the account may not pass, or files it cannot read, and the command that helps."""
    closed = {
        str(folder): None
        for place in places
        for folder in reversed((place, *place.parents))
        if not _passable(folder, account)
    }
    help_ = (
        f"`chmod o+x {' '.join(map(shlex.quote, closed))}`" if closed else f"`chmod -R o+rX {shlex.quote(str(CLONE))}`"
    )
    what = f"may not pass {', '.join(closed)}" if closed else f"cannot read {CLONE} or its Python"
    return (
        f"The control plane runs as user {account.name}, who {what}. Let that user in with {help_}, clone to a folder that all may"
        " read (/srv, say), or set STACKLING_USER=root, which leaves the control plane with all the rights of root."
    )


def _passable(folder: Path, account: Account) -> bool:
    facts = folder.stat()
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid == account.gid else 0
    return bool(facts.st_mode >> shift & 1)


def as_root(command: list[str]) -> list[str]:
    """Return the command, through sudo where we are not root. The environment is kept.

    Raises: Refused when there is no way to be root.
    """
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise Refused("Hosts, networks and guests need root: run `make run` as root, or install sudo.")
    return ["sudo", "--preserve-env", *command]
