"""Who runs what, and in which folders they meet: only host agents run as root.

Started by root, the control plane becomes the system user `stackling`, and what parses strangers' bytes before anybody knows who
they are (the front door, nginx, the consoles) users of their own, who reach what FOLDERS and DATA give them and nothing else.
Where one of them cannot read the clone or reach the data (a clone under /root, say) the start is refused with the command that
helps; only STACKLING_USER=root makes all of them root. Started by someone else, all are that user and what needs root goes
through sudo. Decision 0097.
"""

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cloud.run.settings import CLONE, Cloud, Refused
from hostagent import accounts

SERVICE_USER = "stackling"
FRONT_USER, NGINX_USER, CONSOLES_USER = "stackling-front", "stackling-nginx", "stackling-consoles"

#: Folder of sockets in the run folder → (whose it is, whose group may pass, mode): a server's own, for those who connect to it.
#: What is made in them has that group. The run folder itself is root's: control makes sockets there that are its own alone.
FOLDERS: dict[str, tuple[str, str, int]] = {
    "front": ("control", "front", 0o2710),  # web, bytes, sockets: the front door and nginx connect
    "nginx": ("nginx", "front", 0o2710),  # the front door connects, and agents that are not root
    "consoles": ("consoles", "front", 0o2710),  # the front door connects
    "door": ("control", "consoles", 0o2710),  # consoles ask for guests' connections
}
#: Folder in STACKLING_DATA → the same. Each belongs to one user; a group is named where others read, which is nginx images.
DATA: dict[str, tuple[str, str, int]] = {
    "keys": ("control", "", 0o700),
    "keys/tokens": ("control", "", 0o700),
    "keys/hosts": ("control", "", 0o700),
    "images": ("control", "nginx", 0o2710),
    "consoles": ("control", "", 0o700),
    "denials": ("control", "", 0o700),
    "backups": ("control", "", 0o700),
    "cache": ("control", "", 0o700),
    "spool": ("nginx", "", 0o700),
    "logs": ("starter", "", 0o700),  # supervisord writes them, as root: nobody else may put a link there
}


@dataclass(frozen=True)
class Account:
    """The account that the control plane's programs run as."""

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

    def take_over(self, folder: Path, gid: int) -> None:
        """A folder with all in it: a start that was cut, or that ran as another account, leaves nothing that is in our way."""
        for path in (folder, *folder.rglob("*")):
            facts = path.lstat()
            if (facts.st_uid, facts.st_gid) != (self.uid, gid):
                os.chown(path, self.uid, gid, follow_symlinks=False)

    def switch(self) -> dict[str, object]:
        """Keyword arguments for subprocess that run a command as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


@dataclass(frozen=True)
class Accounts:
    """Whom a cloud's programs run as. `starter` is who started it, who keeps what a program that is root reads."""

    starter: Account
    control: Account
    front: Account
    nginx: Account
    consoles: Account

    @classmethod
    def one(cls, account: Account) -> "Accounts":
        return cls(account, account, account, account, account)

    @property
    def are_several(self) -> bool:
        return len({self.control.uid, self.front.uid, self.nginx.uid, self.consoles.uid}) > 1

    def of(self, name: str) -> Account:
        found: Account = getattr(self, name)
        return found


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
    """The account for the control plane of this cloud. The data folder must exist.

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
    """The accounts of this cloud's programs. The data folder must exist.

    Raises: Refused where they could not work, with what would let them.
    """
    control = control_account(cloud)
    if not control.is_other:
        return Accounts.one(control)
    try:
        front = _account(accounts.ensure(FRONT_USER))
        nginx = _account(accounts.ensure(NGINX_USER, groups=(FRONT_USER,)))
        consoles = _account(accounts.ensure(CONSOLES_USER))
        accounts.ensure(SERVICE_USER, groups=(FRONT_USER,))
    except accounts.NoAccount as error:
        raise Refused(f"A user for what strangers reach could not be made: {error}.") from None
    if not _can_run(consoles, cloud):
        raise Refused(_out_of_reach(consoles, (CLONE, Path(sys.prefix), Path(sys.base_prefix), cloud.data)))
    return Accounts(_account(pwd.getpwuid(os.geteuid())), control, front, nginx, consoles)


def _out_of_reach(account: Account, places: tuple[Path, ...]) -> str:
    """What stands in the account's way, and what helps."""
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
    """The command, through sudo where we are not root. The environment is kept.

    Raises: Refused when there is no way to be root.
    """
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise Refused("Hosts, networks and guests need root: run `make run` as root, or install sudo.")
    return ["sudo", "--preserve-env", *command]
