"""Volumes that guests of other hosts open, each given out by daemons of its own.

    chain of qcow2 files ← qemu-storage-daemon, its only opener → a raw file (FUSE) ← tgtd → iSCSI with CHAP → QEMU on the other host

<host data>/exports/<volume>.json   what is given out, on the disk before anything of it runs: made again after a restart of the host
<host run>/export-<volume>/         the daemons' own: the raw file `disk`, their sockets and pid files

What was found by doing (each a loss, or errors in the guest, if it is done otherwise):
- The storage daemon writes through: else a write that was acknowledged and not flushed is gone when it dies, and nobody notices.
- Whatever changes behind a target, tgtd goes first and is the last to come: a unit that is taken away under a session fails the guest's writes.
- tgtd ends by SIGKILL: it keeps nothing, and after SIGTERM it holds its port as long as a session lives. A session comes back by itself.
- A guest that got an error is paused (error_policy) and let go on by its own host.
"""

import json
import logging
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hostagent.contract.failures import Failure
from hostagent.contract.reports import Event
from hostagent.contract.volume import Exported, ExportEnsure
from hostagent.drivers.context import HostContext
from hostagent.drivers.storage.iscsi_target import TargetDaemon, TargetRefused
from hostagent.machine import confinement, guest_users
from hostagent.machine.accounts import NoAccount
from hostagent.machine.daemons import Daemon
from hostagent.process.durable import read_whole, sync_folder, write_whole

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5  # seconds between looks at the daemons: a guest stands still meanwhile
PAUSE_LIMIT: Final = 60.0  # seconds between two tries to bring back an export that does not come
STOP_SECONDS: Final = 5.0  # for a storage daemon to close its files
PORTS: Final = range(3300, 5300)  # one for each export of a host
FUSE: Final = Path("/dev/fuse")
#: How targets are called, before the volume's id. Source: RFC 7143, 4.2.7.
NAME: Final = "iqn.2026-12.dev.stackling:"


@dataclass(frozen=True)
class Export:
    """A volume that is given out. `image`: the file that the storage daemon opens, and its format."""

    volume_id: str
    attachment_id: str
    image: str
    format: str
    port: int
    username: str
    password: str
    clients: list[str]

    @property
    def target(self) -> str:
        return NAME + self.volume_id


def _is_export(said: Any) -> bool:
    return isinstance(said, dict) and said.keys() == Export.__dataclass_fields__.keys()


class IscsiExports:
    """All exports of a host. Safe from any thread."""

    def __init__(self, host: HostContext) -> None:
        self._host = host
        self._folder = host.own.data / "exports"
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._waits: dict[str, tuple[float, float]] = {}  # volume → (pause, when it is tried again) of one that fails
        self._deaths: dict[str, int] = {}
        found = (read_whole(path, _is_export, absent=None, damaged=None) for path in self._folder.glob("*.json"))
        self._exports = {said["volume_id"]: Export(**said) for said in found if said}

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Bring back what was given out, and keep it so."""
        self._host.threads.keep(f"{self._host.name}-exports", self._watch)

    def stop(self) -> None:
        """Let go. What is given out stays so."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY):
            for id in list(self._exports):
                self._revive(id)

    def _revive(self, volume_id: str) -> None:
        with self._lock:
            export = self._exports.get(volume_id)
            if export is None or self._runs(export):
                self._waits.pop(volume_id, None)
                return
            pause, due = self._waits.get(volume_id, (LOOK_EVERY / 2, 0.0))
            if time.monotonic() < due:
                return
            pause = min(2 * pause, PAUSE_LIMIT)
            self._waits[volume_id] = (pause, time.monotonic() + pause)
            try:
                self._build(export)
                detail = "it was built again"
            except Failure as failure:
                detail = f"it cannot be built again: {failure.data.get('detail')}"
        log.warning("the export of volume %s had died; %s", volume_id, detail)
        self._deaths[volume_id] = self._deaths.get(volume_id, 0) + 1
        told = ascii(detail)[1:-1][:300]
        self._host.reporter.event(Event.DAEMON, name=f"export {volume_id}", count=self._deaths[volume_id], detail=told)

    def _runs(self, export: Export) -> bool:
        return all(self._host.daemons.runs(daemon) for daemon in (self._storage(export), self._target(export)))

    # ── One export ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, volume_id: str) -> str:
        """Return for which attachment a volume is given out; "" where it is not."""
        export = self._exports.get(volume_id)
        return "" if export is None else export.attachment_id

    def volumes(self) -> list[str]:
        """List the volumes that are given out."""
        return sorted(self._exports)

    def ensure(self, wanted: ExportEnsure, image: Path, fmt: str) -> Exported:
        """Give a volume out as is wanted, and no other way. Raises: Failure unreachable."""
        with self._lock:
            old = self._exports.get(wanted["volume_id"])
            export = Export(
                wanted["volume_id"],
                wanted["attachment_id"],
                str(image),
                fmt,
                old.port if old else self._free_port(),
                wanted["username"],
                wanted["password"],
                sorted(wanted["clients"]),
            )
            if export != old:
                self._write(export)
            if export != old or not self._runs(export):
                self._build(export)
            return Exported(address=self._address(), port=export.port, target=export.target)

    def remove(self, volume_id: str) -> None:
        """Give a volume out no more. Absent is success. Raises: Failure unreachable where a daemon does not end."""
        with self._lock:
            export = self._exports.get(volume_id)
            if export is None:
                return
            self._end(export)
            folder = self._place(export)
            for path in folder.iterdir() if folder.exists() else ():
                path.unlink(missing_ok=True)
            if folder.exists():
                folder.rmdir()
            (self._folder / f"{volume_id}.json").unlink(missing_ok=True)
            sync_folder(self._folder)
            del self._exports[volume_id]
            self._waits.pop(volume_id, None)
            self._deaths.pop(volume_id, None)

    def _write(self, export: Export) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._folder / f"{export.volume_id}.json", json.dumps(asdict(export)))
        self._exports[export.volume_id] = export

    def _address(self) -> str:
        address = self._host.settings.underlay_ip
        if not address:
            raise _unreachable(
                "this host has no address for other hosts: set STACKLING_UNDERLAY_IP in its settings and start it again"
            )
        return address

    def _free_port(self) -> int:
        """Raises: Failure unreachable."""
        taken, address = {export.port for export in self._exports.values()}, self._address()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in PORTS:
            if port not in taken:
                with socket.socket(family) as tried, suppress(OSError):
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    tried.bind((address, port))
                    return port
        raise _unreachable(f"no port from {PORTS.start} to {PORTS.stop - 1} is free on this host")

    # ── Its daemons ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _place(self, export: Export) -> Path:
        return self._host.own.run / f"export-{export.volume_id}"

    def _storage(self, export: Export) -> Daemon:
        """Describe the only opener of the volume's files."""
        place = self._place(export)
        pid_file = str(place / "storage.pid")
        command = (
            "qemu-storage-daemon", "--daemonize", "--pidfile", pid_file,
            "--chardev", f"socket,path={place}/qmp,server=on,wait=off,id=monitor", "--monitor", "chardev=monitor",
            "--blockdev", f"driver=file,node-name=file,filename={export.image},discard=unmap",
            "--blockdev", f"driver={export.format},node-name=volume,file=file,discard=unmap",
            "--export", f"type=fuse,id=export,node-name=volume,mountpoint={place}/disk,writable=on,writethrough=on",
        )  # fmt: skip
        return Daemon(f"storage daemon {export.volume_id}", "storage", command, pid_file, is_restarted=False)

    def _target(self, export: Export) -> Daemon:
        place = self._place(export)
        pid_file = str(place / "target.pid")
        address = self._host.settings.underlay_ip
        portal = f"portal={f'[{address}]' if ':' in address else address}:{export.port}"
        command = ("tgtd", "-p", pid_file, "--iscsi", portal, "-C", "0")
        socket_path = (f"TGT_IPC_SOCKET={place}/tgt",)
        return Daemon(
            f"target {export.volume_id}", "target", command, pid_file, environment=socket_path, is_restarted=False
        )

    def _build(self, export: Export) -> None:
        """Start both daemons anew, in the order that loses nothing. Raises: Failure unreachable."""
        place = self._place(export)
        self._address()
        try:
            self._end(export)
            _open_fuse(self._host.settings.private_mounts, self._host.own.run)
            place.mkdir(parents=True, exist_ok=True)
            # fusermount3, which has no rights to files, passes it
            confinement.give(place, "storage", mode=0o711, whole=True)
            disk = guest_users.empty(place / "disk")
            confinement.give(disk, "storage", mode=0o600, whole=True)
            self._host.daemons.ensure(self._storage(export))
            self._host.daemons.ensure(self._target(export))
            target = TargetDaemon(place / "tgt.0")
            target.configure(export.target, disk, export.username, export.password, export.clients)
        except (confinement.NotStarted, NoAccount, TargetRefused, OSError, subprocess.SubprocessError) as error:
            raise _unreachable(str(error)) from error

    def _end(self, export: Export) -> None:
        """End the target, then the storage daemon, which closes its files. Raises: Failure unreachable."""
        daemons = self._host.daemons
        try:
            daemons.send(self._target(export), signal.SIGKILL)
            daemons.remove(self._target(export))
            daemons.remove(self._storage(export), within=STOP_SECONDS)
        except RuntimeError as error:
            raise _unreachable(str(error)) from error
        disk = str(self._place(export) / "disk")
        if disk in _mounts():  # it was killed. As its user: the folder is its own, and root follows no path in it
            argv = confinement.command("storage", "fusermount3", "-u", "-z", "-q", disk)
            subprocess.run(argv, env=confinement.ENVIRONMENT, capture_output=True, timeout=STOP_SECONDS, check=False)


def _unreachable(detail: str) -> Failure:
    return Failure("unreachable", what="export", detail=detail)


def _mounts() -> set[str]:
    """Name the places where FUSE files are mounted."""
    lines = [line.split(" ") for line in Path("/proc/self/mounts").read_text().splitlines()]
    return {words[1] for words in lines if words[2] == "fuse"}


def _open_fuse(is_private: bool, run: Path) -> None:
    """Have /dev/fuse be there for users that are not root, as on every Debian; where it is not, in this host's own mounts.

    Raises: Failure unreachable.
    """
    if os.geteuid() or (FUSE.exists() and FUSE.stat().st_mode & 0o006 == 0o006):
        return
    if not is_private:
        raise _unreachable(f"{FUSE} is not open to users: `modprobe fuse; chmod 0666 {FUSE}` as udev does it")
    own = run / "fuse"
    if not own.exists():
        os.mknod(own, stat.S_IFCHR | 0o666, os.makedev(10, 229))
        own.chmod(0o666)
    FUSE.touch()
    done = subprocess.run(["mount", "-n", "--bind", str(own), str(FUSE)], capture_output=True, text=True)
    if done.returncode:
        raise _unreachable(f"{own} cannot be mounted on {FUSE}: {done.stderr.strip()}")
