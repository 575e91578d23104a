"""A fair share for each guest: cgroups of version 2, where systemd has delegated ours to us (`make systemd`: Delegate=yes).

    <the unit's own>/cloud          what runs the cloud: moved here, since a group with processes gives its children nothing
    <the unit's own>/guests/<id>    each guest's QEMU: processor time and disk by weight, a ceiling for memory and tasks

systemd puts the next start of the unit into its group, which must hold no controllers then, and guests go on meanwhile. So
the unit's ExecStopPost runs this module (`release`), and an agent that begins gives each guest that runs its share again.

Elsewhere (version 1, a container without delegation, a terminal) there is no share, and `reason` says why. libvirt is told of
no controllers: it would need systemd's own bus, which a host's private /run does not have.
Sources: the kernel's cgroup-v2.rst ("No Internal Process Constraint", "Delegation"), systemd's CGROUP_DELEGATION.
"""

import logging
import os
import subprocess
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

MOUNT: Final = Path("/run/cgroup")  # the host's /sys is its own, and shows none
WANTED: Final = ("cpu", "io", "memory", "pids")
WEIGHT: Final = 100  # of one virtual processor; the kernel's default for one group
LARGEST_WEIGHT: Final = 10000
OVERHEAD_MIB: Final = (
    1024  # of QEMU itself, beside as much again as the guest's own memory: a ceiling for what runs away
)
TASKS: Final = 1024


class Shares:
    """`reason` is "" where guests get their shares."""

    def __init__(self, mount: Path = MOUNT, own: str = "") -> None:
        self._home = mount / (own or own_group()).lstrip("/")
        self._mount = mount
        self.reason = "not looked at yet"

    def start(self) -> None:
        """Make the groups, once for all agents of the unit. Where that fails the log says why, and all stays as it was."""
        try:
            if self._mount == MOUNT:
                mount()
            self.reason = self._why_not()
            if not self.reason:
                self._split()
        except OSError as error:
            self.reason = f"{self._home}: {error.strerror}"
        log.info("shares of guests: %s", self.reason or f"in {self._home}/guests")

    def _why_not(self) -> str:
        if not (self._home / "cgroup.controllers").exists():
            return "this machine has no cgroups of version 2"
        have = set((self._home / "cgroup.controllers").read_text().split())
        if missing := [name for name in WANTED if name not in have]:
            return f"the group {self._home} has no controller {', '.join(missing)}"
        if not is_delegated(self._home):
            return f"the group {self._home} is not delegated to us: run the cloud as `make systemd`'s unit"
        return ""

    def _split(self) -> None:
        for name in ("cloud", "guests"):
            (self._home / name).mkdir(exist_ok=True)
        for pid in (self._home / "cgroup.procs").read_text().split():
            try:
                (self._home / "cloud" / "cgroup.procs").write_text(pid)
            except ProcessLookupError:
                continue  # it ended while we looked
        on = " ".join(f"+{name}" for name in WANTED)
        for place in (self._home, self._home / "guests"):
            (place / "cgroup.subtree_control").write_text(on)

    def place(self, server_id: str, pid: int, *, vcpus: int, memory_mib: int) -> None:
        """Give a guest that has just started its share. It runs on without one if that fails."""
        if self.reason:
            return
        group = self._home / "guests" / server_id
        try:
            group.mkdir(exist_ok=True)
            for name, value in shares(vcpus, memory_mib).items():
                (group / name).write_text(value)
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            log.warning("%s has no share of its own: %s", server_id, error)

    def forget(self, server_id: str) -> None:
        group = self._home / "guests" / server_id
        if not self.reason and group.exists():
            try:
                group.rmdir()
            except OSError as error:
                log.warning("the group of %s stays: %s", server_id, error)


def release(mount: Path = Path("/sys/fs/cgroup"), own: str = "") -> None:
    """Take the controllers off the unit's group and off `guests`: guests run on without shares until an agent is there again.

    Else the next start is refused: a group that gives controllers to its children takes no process (219/CGROUP).
    Raises: OSError.
    """
    home = mount / (own or own_group()).lstrip("/")
    for place in (home / "guests", home):
        controllers = place / "cgroup.subtree_control"
        if controllers.exists() and (on := controllers.read_text().split()):
            controllers.write_text(" ".join(f"-{name}" for name in on))


def shares(vcpus: int, memory_mib: int) -> dict[str, str]:
    """File of a group → value, for a guest of this size."""
    weight = str(min(WEIGHT * max(vcpus, 1), LARGEST_WEIGHT))
    return {
        "cpu.weight": weight,
        "io.weight": weight,
        "memory.max": str((2 * memory_mib + OVERHEAD_MIB) * 2**20),
        "memory.oom.group": "1",
        "pids.max": str(TASKS),
    }


def own_group() -> str:
    """Return our group of version 2, without what is below it that we made ourselves."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:].removesuffix("/cloud").removesuffix("/.control")  # systemd's own, of ExecStopPost
    return "/"


def is_delegated(group: Path) -> bool:
    """Whether systemd has marked the group as ours to divide."""
    for name in ("trusted.delegate", "user.delegate"):
        try:
            if os.getxattr(group, name) == b"1":
                return True
        except OSError:
            continue
    return False


def mount() -> None:
    """Where the host can see the hierarchy. Fails in silence where the kernel has none: `start` says so."""
    if not (MOUNT / "cgroup.controllers").exists():
        MOUNT.mkdir(exist_ok=True)
        subprocess.run(["mount", "-n", "-t", "cgroup2", "none", str(MOUNT)], capture_output=True)


if __name__ == "__main__":
    release()
