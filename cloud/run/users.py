"""Who runs what: only host agents run as root.

Started by root, the control plane becomes the system user `stackling`. Where that user cannot read the clone or reach the data
(a clone under /root, say) the start is refused with the command that helps; only STACKLING_USER=root makes it stay root. Started
by someone else, the control plane is that user and what needs root goes through sudo.
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

    def take_over(self, folder: Path) -> None:
        """A folder with all in it: a start that was cut, or that ran as another account, leaves nothing that is in our way."""
        for path in (folder, *folder.rglob("*")):
            if path.lstat().st_uid != self.uid:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def switch(self) -> dict[str, object]:
        """Keyword arguments for subprocess that run a command as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


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
