"""Who runs what: only host agents run as root.

Started by root, the control plane becomes the system user `stackling` where that user can read the clone and reach the
data; where it cannot (a clone under /root, say) it stays root and says so. Started by someone else, the control plane
is that user and what needs root goes through sudo.
"""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cloud.run.settings import CLONE, Cloud, Refused

SERVICE_USER = "stackling"


@dataclass(frozen=True)
class Account:
    """The account that the control plane's programs run as."""

    name: str
    uid: int
    gid: int
    why_root: str = ""

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


def _account(entry: pwd.struct_passwd, why_root: str = "") -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, why_root)


def _service_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
             "--shell", "/usr/sbin/nologin", SERVICE_USER],
            check=True, capture_output=True,
        )  # fmt: skip
        return pwd.getpwnam(SERVICE_USER)


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
    """The account for the control plane of this cloud. The data folder must exist."""
    me = pwd.getpwuid(os.geteuid())
    if me.pw_uid != 0 or cloud.environment.get("STACKLING_USER") == "root":
        return _account(me)
    account = _account(_service_entry())
    if _can_run(account, cloud):
        return account
    return _account(
        me, f"user {SERVICE_USER} cannot read {CLONE}, its Python or {cloud.data}: the control plane stays root"
    )


def as_root(command: list[str]) -> list[str]:
    """The command, through sudo where we are not root. The environment is kept.

    Raises: Refused when there is no way to be root.
    """
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise Refused("Hosts, networks and guests need root: run `make run` as root, or install sudo.")
    return ["sudo", "--preserve-env", *command]
