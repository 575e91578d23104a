"""Namespaces pinned to files, and the links between them: what hostagent/machine/namespaces.py builds hosts of."""

import hashlib
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict


class CannotBuild(Exception):
    """The namespaces cannot be made or changed; the message is for the person at the terminal."""


class Record(TypedDict, total=False):
    """The hosts and links that `up` built, as the file of a cloud keeps it."""

    hosts: Required[dict[str, int]]  # name → number
    external: str  # the range of the external network
    netns: str  # the namespace of the machine's end; "": the machine's own
    netns_made: bool  # by us
    nat_out: bool
    cloud: str
    mode: str
    underlay_ip: str
    forwarding_was_off: bool


@dataclass(frozen=True)
class Cloud:
    """Where one cloud keeps its namespaces."""

    data: Path
    run: Path

    @property
    def id(self) -> str:
        return hashlib.sha256(str(self.data).encode()).hexdigest()[:8]

    @property
    def pinned(self) -> Path:
        return self.run / "ns"

    @property
    def record(self) -> Path:
        return self.data / "hosts" / "namespaces.json"

    @property
    def outer_link(self) -> str:
        return f"stk-{self.id}"

    @property
    def alias(self) -> str:
        """The alias that this cloud gives to a machine's br-ex that it made."""
        return f"stackling {self.id}"

    @property
    def table(self) -> str:
        return f"stackling_{self.id}"

    def read(self) -> Record:
        """Read the record of what `up` built; one without hosts where nothing was."""
        empty: Record = {"hosts": {}}
        found: Record = json.loads(self.record.read_text()) if self.record.exists() else empty
        return found

    def write(self, record: Record) -> None:
        self.record.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(record, indent=1, sort_keys=True))
        fresh.chmod(0o600)
        fresh.replace(self.record)

    def underlay_ip(self, number: int) -> str:
        """Address of host `number` (1–250) on the underlay. Only the cloud's own namespaces ever see it."""
        return f"10.{96 + int(self.id[:2], 16) % 32}.{int(self.id[2:4], 16)}.{number}"

    def net(self, name: str) -> Path:
        return self.pinned / name / "net"

    def mnt(self, name: str) -> Path:
        return self.pinned / name / "mnt"


def run(*command: str, check: bool = True, text: str | None = None) -> str:
    """Standard output of a command. Raises: CannotBuild with its error text when it fails and `check` is set."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if check and done.returncode:
        raise CannotBuild(f"{shlex.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def inside(net: Path | None, *command: str, check: bool = True, text: str | None = None) -> str:
    """As `run`, in the network namespace pinned at `net` (None: the one we are in)."""
    return run(*(("nsenter", f"--net={net}") if net else ()), *command, check=check, text=text)


def is_pinned(path: Path) -> bool:
    return path.exists() and path.stat().st_dev != path.parent.stat().st_dev


def mounts_on(path: Path) -> int:
    """How many mounts lie on exactly this path: a bind mount of a folder on itself shows nowhere else."""
    return sum(line.split(" ")[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def has_link(net: Path | None, name: str) -> bool:
    return bool(inside(net, "ip", "-o", "link", "show", "dev", name, check=False).strip())


# ── Pinning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def pin(cloud: Cloud, name: str, *, mount: bool, net: Path | None = None) -> bool:
    """Make and pin the namespaces of `name`. False if they exist already.

    `net`: the network namespace it shares instead of having one of its own.
    """
    folder = cloud.pinned / name
    folder.mkdir(parents=True, exist_ok=True)
    if is_pinned(folder / "net") and (not mount or is_pinned(folder / "mnt")):
        return False
    unpin(cloud, name)
    if mount:  # a mount namespace can be pinned only on a mount that is private
        run("mount", "--bind", str(folder), str(folder))
        run("mount", "--make-private", str(folder))
        (folder / "mnt").touch()
    (folder / "net").touch()
    if net:
        run("mount", "--bind", str(net), str(folder / "net"))
    own = [f"--mount={folder}/mnt", "--propagation", "private"] if mount else []
    _unshare(folder, [*([] if net else [f"--net={folder}/net"]), *own])
    if not net:
        inside(folder / "net", "ip", "link", "set", "lo", "up")
    return True


def _unshare(folder: Path, wanted: list[str]) -> None:
    """Newer kernels number namespaces by processor, and refuse to pin one with a smaller number than our own (in a
    container, which has a namespace of its own): so each processor has a try. Raises: CannotBuild."""
    *others, last = sorted(os.sched_getaffinity(0))
    for processor in others:
        try:
            run("taskset", "--cpu-list", str(processor), "unshare", *wanted, "true")
            return
        except CannotBuild as error:
            if "Invalid argument" not in str(error):
                raise
            if is_pinned(folder / "net") and any(word.startswith("--net=") for word in wanted):
                run("umount", "-l", str(folder / "net"))
    run("taskset", "--cpu-list", str(last), "unshare", *wanted, "true")


def unpin(cloud: Cloud, name: str) -> None:
    folder = cloud.pinned / name
    for path in (folder / "net", folder / "mnt", folder):
        for _ in range(mounts_on(path)):
            run("umount", "-l", str(path))


# ── Links ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def bridge(net: Path | None, name: str, *, mtu: int) -> None:
    if not has_link(net, name):
        inside(
            net,
            "ip",
            "link",
            "add",
            name,
            "mtu",
            str(mtu),
            "type",
            "bridge",
            "stp_state",
            "0",
            "forward_delay",
            "0",
            "mcast_snooping",
            "0",
        )
    refuse_announcements(net, name)
    inside(net, "ip", "link", "set", name, "up")


def refuse_announcements(net: Path | None, link: str) -> None:
    """Refuse IPv6 addresses and routes that somebody on this link announces."""
    if not Path("/proc/sys/net/ipv6").exists():
        return  # a machine without IPv6 hears no announcements
    for name in ("accept_ra", "autoconf"):
        inside(net, "sysctl", "-q", "-w", f"net.ipv6.conf.{link}.{name}=0")


def wire(near: Path, near_name: str, far: Path | None, far_name: str, *, mtu: int, master: str) -> None:
    """Make a veth pair: `near_name` in namespace `near` on bridge `master`, `far_name` in namespace `far`.

    Made here and its far end moved over: an open file names a namespace that has no other name.
    """
    if has_link(near, near_name) and has_link(far, far_name):
        return
    if has_link(near, near_name):
        inside(near, "ip", "link", "del", near_name)
    if has_link(far, far_name):
        inside(far, "ip", "link", "del", far_name)
    target = far or Path(f"/proc/{os.getpid()}/ns/net")
    handle = os.open(target, os.O_RDONLY)
    try:
        peer = f"/proc/{os.getpid()}/fd/{handle}"
        inside(
            near,
            "ip",
            "link",
            "add",
            near_name,
            "mtu",
            str(mtu),
            "type",
            "veth",
            "peer",
            "name",
            far_name,
            "mtu",
            str(mtu),
            "netns",
            peer,
        )
    finally:
        os.close(handle)
    inside(near, "ip", "link", "set", near_name, "master", master, "up")
    inside(far, "ip", "link", "set", far_name, "up")
