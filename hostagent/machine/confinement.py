"""Users, capabilities and limits of a host's daemons: one table, and the one way in which they are started.

Each row is all that a daemon has: an account of its own, these capabilities (bounding, inheritable and ambient: exactly
these), these limits. From the agent's environment it inherits nothing. A row for root says why.
Sources: capabilities(7), setpriv(1), prlimit(1), credentials(7).
"""

import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hostagent.machine import accounts

#: All that a daemon finds in its environment.
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
START_SECONDS: Final = 30.0  # a daemon that has not put itself into the background by then is stuck


@dataclass(frozen=True)
class Confined:
    """User, capabilities and limits of a kind of process. `account` "" is root with no other capability than these; `why` says what for."""

    account: str = ""
    capabilities: tuple[str, ...] = ()
    umask: int = 0o077
    no_new_privs: bool = True
    open_files: int = 1024
    groups: tuple[str, ...] = ()
    bounding: tuple[str, ...] = ()  # what programs that it starts may gain by their own file, besides `capabilities`
    why: str = ""


DHCP: Final = "stackling-dhcp"
ADVERTISER: Final = "stackling-advert"
METADATA: Final = "stackling-metadata"
QEMU: Final = "stackling-qemu"
STORAGE: Final = "stackling-storage"
SWTPM: Final = "stackling-swtpm"

DAEMONS: Final[dict[str, Confined]] = {
    # dnsmasq refuses to serve DHCP without NET_ADMIN (it writes the ARP entry of a client that has no address yet).
    "dhcp": Confined(DHCP, ("net_admin", "net_bind_service")),
    # Announcing (IPv6) takes a raw ICMPv6 socket.
    "dhcp6": Confined(DHCP, ("net_admin", "net_bind_service", "net_raw")),
    "advertiser": Confined(ADVERTISER, ("net_admin", "net_raw")),
    # arping, at each new address of a router.
    "announcement": Confined(ADVERTISER, ("net_raw",)),
    # haproxy: its port 80 is free for all in its namespace (ip_unprivileged_port_start).
    "metadata": Confined(METADATA),
    # QEMU that proves KVM, and the tools that read and write disks: qemu-img, mke2fs, mkswap, cp. Each for one guest runs
    # as that guest (guest_users.py), so that a disk whose header names another file finds nothing.
    "guest": Confined(QEMU),
    # Volumes for guests of other hosts. Its groups let it read images; fusermount3, which mounts its file, is setuid.
    "storage": Confined(STORAGE, groups=(QEMU,), bounding=("sys_admin",), no_new_privs=False),
    "target": Confined(STORAGE),
    # A guest's QEMU has no capability; its bounding set is libvirtd's (libvirt 9 cannot drop that once it has changed
    # users), and of no effect: seccomp's filter came with no_new_privs.
    "libvirtd": Confined(
        capabilities=("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
                      "net_admin", "net_raw", "ipc_lock", "sys_ptrace", "sys_admin", "sys_nice", "mknod", "audit_write"),
        umask=0o022, no_new_privs=False, open_files=65536,
        why="it opens taps and bridges, and starts each guest's QEMU as another user",
    ),
    "virtlogd": Confined(
        umask=0o077, open_files=65536,
        why="it writes the logs of guests, which belong to root, from pipes that libvirtd gives it",
    ),
}  # fmt: skip


class NotStarted(Exception):
    """A daemon did not start; the message ends with what it said."""


def command(kind: str, *argv: str, uid: int | None = None, pdeathsig: bool = False) -> list[str]:
    """Return the command line that becomes what the table says of `kind`, then runs `argv`. `uid` overrides the account's."""
    row = DAEMONS[kind]
    death = ["--pdeathsig", "KILL"] if pdeathsig else []
    if os.geteuid():  # an agent of fake hosts, a test: there is nobody else to become
        return ["setpriv", "--no-new-privs", *death, "--", *argv]
    files = min(
        row.open_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    )  # a container's root may not raise its own
    line = ["prlimit", "--core=0:0", f"--nofile={files}:{files}", "setpriv"]
    kept = "".join(f",+{name}" for name in row.capabilities)
    line.append(f"--bounding-set=-all{kept}{''.join(f',+{name}' for name in row.bounding)}")
    if row.account:
        entry = accounts.ensure(row.account, groups=row.groups)
        line += [f"--reuid={entry.pw_uid if uid is None else uid}", f"--regid={entry.pw_gid}"]
        line += ["--init-groups"] if row.groups and uid is None else ["--clear-groups"]
        line += [f"--inh-caps=-all{kept}", f"--ambient-caps=-all{kept}"]
    if row.no_new_privs:
        line.append("--no-new-privs")
    return [*line, *death, "--", *argv]


def give(path: Path, kind: str, *, mode: int, whole: bool = False) -> None:
    """Let a kind of daemon at a file or folder: by its group, or (`whole`) as its owner. Never through a link."""
    if os.geteuid() == 0:
        entry = accounts.ensure(DAEMONS[kind].account)
        os.chown(path, entry.pw_uid if whole else 0, entry.pw_gid, follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(mode)


def start(kind: str, *argv: str, entering: tuple[str, ...] = (), environment: tuple[str, ...] = ()) -> None:
    """Run a daemon that puts itself into the background. `entering`: what brings it into its namespace, as root. `environment`: what
    it finds besides ENVIRONMENT, as NAME=value.

    Raises: NotStarted; NoAccount.
    """
    more = dict(word.split("=", 1) for word in environment)
    done = subprocess.run(
        [*entering, *command(kind, *argv)], env={**ENVIRONMENT, **more}, umask=DAEMONS[kind].umask, cwd="/", stdin=subprocess.DEVNULL,
        capture_output=True, text=True, start_new_session=True, timeout=START_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise NotStarted(f"{argv[0]} did not start ({done.returncode}): {done.stderr.strip()[-600:]}")
