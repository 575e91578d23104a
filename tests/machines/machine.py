"""A lab machine: a whole Debian with systemd, its own kernel, cards, disks and a power switch, under QEMU without KVM."""

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.machines.net import CARDS, Wires, tap
from tests.machines.qmp import Qmp

#: 20 s alone on two processors, 180 s with a dozen others who want them: a limit for what will never come.
BOOT_SECONDS = 1200.0
RUN_SECONDS = 600.0
# Not tsc=reliable: measured at the start of a machine that others crowd out, its TSC made the clock run three times too fast.
_KERNEL = (
    "quiet loglevel=3 mitigations=off nokaslr audit=0 no_timer_check nowatchdog rcupdate.rcu_expedited=1"
    " cryptomgr.notests random.trust_cpu=on"
)
_SSH = (
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=12",
    "-o", "ControlMaster=auto", "-o", "ControlPersist=120",
)  # fmt: skip


class MachineError(AssertionError):
    """A machine did not do what it was asked; the message ends with what it said."""


@dataclass(frozen=True)
class Disk:
    """A disk besides the root disk, found in the machine as /dev/disk/by-id/virtio-<name>.

    Empty, of `size`; or a copy-on-write layer over `base` (qcow2); or, with `read_only`, the raw file `base` itself.
    """

    size: str = "1G"
    base: Path | None = None
    read_only: bool = False


@dataclass(frozen=True)
class Shape:
    """What a machine is made of. A saved machine can be restored only into the same shape. It has no KVM to give to guests."""

    memory: int = 1024  # MiB
    processors: int = 2
    disks: dict[str, Disk] = field(default_factory=dict)
    apparmor: bool = False
    code_cache: int = 128  # MiB of translated code: 512 where a machine does much of different kinds


class Machine:
    """`number` 1 or 2: m1 at 10.77.0.11, m2 at 10.77.0.12. `parts`: the folder of image.ready()."""

    def __init__(self, number: int, wires: Wires, parts: Path, folder: Path, shape: Shape) -> None:
        self.number, self.name, self.address = number, f"m{number}", f"10.77.0.1{number}"
        self.wires, self.parts, self.folder, self.shape = wires, parts, folder, shape
        self._socket, self._control = (wires.sockets / f"{self.name}.{kind}" for kind in ("qmp", "ssh"))
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    # ── Power ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def power_on(self, *, memory_file: Path | None = None) -> None:
        """Boot from the disks as they are, and wait for ssh. `memory_file`: for a machine that is to be saved."""
        self._start(self._memory(memory_file, keep=True))
        self.wait_ssh()

    def power_off(self) -> None:
        """As by the plug: QEMU is killed, what the machine had not written is gone."""
        self._hang_up()
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def reboot(self, seconds: float = BOOT_SECONDS) -> None:
        """`systemctl reboot`, in order, and wait until the machine is there again."""
        before = self.boot_id()
        self.run("systemctl reboot", check=False)
        self._hang_up()
        self.until(lambda: self.boot_id() not in ("", before), seconds, "the machine has booted anew")

    @property
    def is_on(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # ── Being saved ─────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, into: Path) -> None:
        """Keep the running machine (switched on with `memory_file` = into/memory) for any number of restores; it is off then."""
        self.run("sync")
        self._hang_up()
        link = Qmp(self._socket)
        link.save(into / "devices")
        link.close()
        assert self._process is not None
        self._process.wait(60)
        self._process = None
        for disk in self.folder.glob("*.qcow2"):
            shutil.move(disk, into / disk.name)

    def restore(self, saved: Path) -> None:
        """Go on where `save` stopped, on fresh layers over the saved disks, with the clock of now."""
        for disk in saved.glob("*.qcow2"):
            self._layer(disk, self.folder / disk.name)
        self._start([*self._memory(saved / "memory", keep=False), "-incoming", "defer"])
        link = Qmp(self._socket)
        link.load(saved / "devices")
        link.close()
        self.wait_ssh()
        self.run(f"date -s @{time.time():.0f}")

    # ── Being asked ─────────────────────────────────────────────────────────────────────────────────────────────────

    def run(
        self, command: str, *, check: bool = True, seconds: float = RUN_SECONDS, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """A shell command as root in the machine; `text` is its standard input. Raises: MachineError when it fails and `check`."""
        line = self._ssh(command)
        try:
            done = subprocess.run(line, input=text, capture_output=True, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise MachineError(f"{self.name}: {command}: no end after {seconds:.0f} s") from late
        if check and done.returncode:
            raise MachineError(f"{self.name}: {command}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def ask(self, command: str, **more: Any) -> str:
        """Standard output of a command, without the white space around it. Raises: MachineError."""
        return self.run(command, **more).stdout.strip()

    def popen(self, command: str) -> subprocess.Popen[str]:
        """A command that goes on in the machine; its output can be read as it comes. It ends with the machine."""
        return subprocess.Popen(
            self._ssh(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def _ssh(self, command: str) -> list[str]:
        return self.wires.enter("ssh", *_SSH, "-o", f"ControlPath={self._control}", *self._login, command)

    def put(self, path: Path, target: str) -> None:
        """Copy a file into the machine. Raises: MachineError."""
        line = self.wires.enter("scp", "-q", *_SSH, "-o", f"ControlPath={self._control}", "-i", str(self.parts / "key"))
        done = subprocess.run([*line, str(path), f"root@{self.address}:{target}"], capture_output=True, text=True)
        if done.returncode:
            raise MachineError(f"{self.name}: {path} → {target}: {done.stderr[-1000:]}")

    def boot_id(self) -> str:
        """Another after each boot; empty while nobody answers."""
        try:
            return self.run("cat /proc/sys/kernel/random/boot_id", check=False, seconds=60).stdout.strip()
        except MachineError:
            return ""

    def wait_ssh(self, seconds: float = BOOT_SECONDS) -> None:
        """Raises: MachineError when it does not answer in time, or QEMU has ended."""
        self.until(lambda: self.boot_id() != "", seconds, "ssh answers")

    def until(self, true: Callable[[], Any], seconds: float, what: str, every: float = 0.5) -> Any:
        """What `true` gives once it is true. Raises: MachineError after `seconds`, or when QEMU has ended."""
        end = time.monotonic() + seconds
        while not (found := true()):
            if not self.is_on:
                raise MachineError(f"{self.name} is off while waiting until {what}:\n{self._log.read_text()[-2000:]}")
            if time.monotonic() > end:
                raise MachineError(f"{self.name}: not after {seconds:.0f} s: {what}\n{self.serial()[-2000:]}")
            time.sleep(every)
        return found

    def serial(self) -> str:
        """What the machine wrote to its serial port since it was last switched on."""
        path = self.folder / "serial"
        return path.read_text(errors="replace") if path.exists() else ""

    def dump(self) -> str:
        """The end of the serial port and of the journal of this boot, for a failed test."""
        parts = [f"── {self.name}: serial ──", self.serial()[-3000:]]
        if self.is_on:
            try:
                said = self.run("journalctl -b --no-pager -o short-monotonic -n 250", check=False, seconds=60).stdout
            except MachineError as error:
                said = str(error)
            parts += [f"── {self.name}: journalctl -b ──", said[-16000:]]
        return "\n".join(parts)

    # ── How it is made ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _log(self) -> Path:
        return self.folder / "qemu.log"

    @property
    def _login(self) -> tuple[str, ...]:
        return ("-i", str(self.parts / "key"), f"root@{self.address}")

    def _hang_up(self) -> None:
        """End the kept ssh connection: it would not outlive a boot."""
        if self._control.exists():
            line = self.wires.enter("ssh", "-o", f"ControlPath={self._control}", "-O", "exit", *self._login)
            subprocess.run(line, capture_output=True)
            self._control.unlink(missing_ok=True)

    def _memory(self, file: Path | None, *, keep: bool) -> list[str]:
        """`keep`: what the machine writes to its memory goes to the file; else the file stays as it is."""
        if file is None:
            return []
        share = "on" if keep else "off"
        return [
            "-object", f"memory-backend-file,id=ram0,size={self.shape.memory}M,mem-path={file},share={share}",
        ]  # fmt: skip

    def _start(self, memory: list[str]) -> None:
        assert not self.is_on, f"{self.name} is on already"
        for leftover in (self._socket, self._control):
            leftover.unlink(missing_ok=True)
        with self._log.open("wb") as log:  # the kernel ends QEMU with us, whatever happens to us
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.wires.enter(*self._command(memory))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _command(self, memory: list[str]) -> list[str]:
        shape, number = self.shape, self.number
        backend = ",memory-backend=ram0" if memory else ""
        kernel = (
            f"root=/dev/vda rw console=ttyS0 {_KERNEL} systemd.hostname={self.name} systemd.machine_id={number:032x}"
            f" net.ifnames=0 ip={self.address}::10.77.0.1:255.255.255.0::eth0:none"
            + (" apparmor=1 security=apparmor" if shape.apparmor else " apparmor=0 selinux=0")
        )  # with one machine id for all, udev would give bridges of both machines the same MAC addresses
        line = [
            "qemu-system-x86_64", "-name", self.name, "-machine", f"q35{backend}", "-cpu", "qemu64,-svm",
            "-accel", f"tcg,thread=multi,tb-size={shape.code_cache}", "-smp", str(shape.processors), "-m", str(shape.memory),
            "-nodefaults", "-no-user-config", "-display", "none", "-uuid", f"00000000-0000-4000-8000-{number:012d}",
            "-serial", f"file:{self.folder / 'serial'}", "-qmp", f"unix:{self._socket},server=on,wait=off",
            "-kernel", str(self.parts / "vmlinuz"), "-initrd", str(self.parts / "initrd"), "-append", kernel,
            "-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0",
        ]  # fmt: skip
        line += self._disk("root", Disk(base=self.parts / "disk.qcow2"))
        for card in CARDS:
            line += ["-netdev", f"tap,id=n{card},ifname={tap(number, card)},script=no,downscript=no"]
            line += ["-device", f"virtio-net-pci,netdev=n{card},mac=52:54:00:77:0{card}:1{number}"]
        for name, disk in shape.disks.items():
            line += self._disk(name, disk)
        return [*line, *memory]

    def _disk(self, name: str, disk: Disk) -> list[str]:
        """Of qcow2, whose fresh clusters show a layer above that forgets a flush; a raw file would hide it."""
        path = self.folder / f"{name}.qcow2"
        if disk.read_only:
            drive = f"file={disk.base},format=raw,readonly=on"
        else:
            if not path.exists():
                self._layer(disk.base, path, disk.size)
            drive = f"file={path},format=qcow2,cache=writeback,discard=unmap"
        return ["-drive", f"if=none,id=d-{name},{drive}", "-device", f"virtio-blk-pci,drive=d-{name},serial={name}"]

    @staticmethod
    def _layer(base: Path | None, path: Path, size: str = "") -> None:
        over = ["-F", "qcow2", "-b", str(base)] if base else []
        line = ["qemu-img", "create", "-q", "-f", "qcow2", *over, str(path), *([] if base else [size])]
        subprocess.run(line, check=True, capture_output=True, text=True)
