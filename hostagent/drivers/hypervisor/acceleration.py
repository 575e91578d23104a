"""Whether KVM runs guests here. Having /dev/kvm proves nothing: one Linux kernel that speaks on its serial port does.

Seen on a real machine: the device opens, virtual machines are made, the firmware runs, and every 64-bit kernel hangs
for ever. So a kernel is booted once, with 15 s to say its version. The verdict is kept with what it was reached on
(machine boot, QEMU, kernel). A guest that is defined before there is one waits for it.
"""

import json
import logging
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hostagent.machine import confinement, guest_users
from hostagent.process.durable import read_whole, write_whole

log = logging.getLogger(__name__)

DEVICE: Final = Path("/dev/kvm")
QEMU: Final = "/usr/bin/qemu-system-x86_64"
PROOF_SECONDS: Final = 15.0
SLACK: Final = 5.0  # seconds for QEMU to start and to end
SPOKEN: Final = b"Linux version"
PROOF: Final = (
    QEMU, "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-no-reboot", "-nodefaults",
    "-serial", "stdio", "-append", "console=ttyS0 earlyprintk=serial panic=-1",
)  # fmt: skip


class Acceleration:
    """`kvm` and `reason` are what is known now; `on_verdict` is called when a proof has ended."""

    def __init__(self, data: Path, kernel: str, on_verdict: Callable[[], None]) -> None:
        self.kvm = False
        self._settled = threading.Event()
        self.reason = "not looked at yet"
        self._kept = data / "acceleration.json"
        self._kernel = kernel or _own_kernel()
        self._on_verdict = on_verdict

    @staticmethod
    def is_there() -> bool:
        """Whether the device exists: a machine without it cannot go on with KVM, whatever it could before."""
        return DEVICE.exists()

    def verdict(self, *, within: float) -> bool:
        """Whether to use KVM, once that is known: a guest that is defined while the proof is under way waits for it."""
        self._settled.wait(max(0.0, min(within, PROOF_SECONDS + SLACK)))
        return self.kvm

    def start(self) -> None:
        """Look at what is known; a proof, where it is needed, runs aside."""
        if not self._look():
            self.reason = "a proof of KVM is under way"
            threading.Thread(target=self._prove_once, name="kvm-proof", daemon=True).start()
        else:
            self._settled.set()

    def _prove_once(self) -> None:
        try:
            self._prove()
        finally:
            self._settled.set()

    def _look(self) -> bool:
        """Whether the verdict is known without a proof."""
        if not DEVICE.exists():
            self.reason = "/dev/kvm does not exist"
            return True
        if not self._kernel:
            self.reason = "/dev/kvm exists, but no Linux kernel was found to prove it with (STACKLING_PROOF_KERNEL)"
            return True
        kept = read_whole(self._kept, lambda said: isinstance(said, dict), absent={}, damaged={})
        if kept.get("ground") == self._ground():
            self.kvm, self.reason = kept["kvm"], kept["reason"]
            return True
        return False

    def _ground(self) -> dict[str, object]:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return {"boot": boot, "qemu": Path(QEMU).stat().st_mtime, "kernel": self._kernel}

    def _own_copy(self) -> str:
        """The kernel where guests' user may read it: the proof is made as whom the guests will be."""
        copy = guest_users.folder(self._kept.with_name("proof")) / "kernel"
        copy.unlink(missing_ok=True)
        shutil.copyfile(self._kernel, copy)
        return str(guest_users.share(copy))

    def _prove(self) -> None:
        begun = time.monotonic()
        try:
            spoke, said = _boot(self._own_copy())
        except OSError as error:
            spoke, said = False, str(error)
        seconds = time.monotonic() - begun
        self.kvm = spoke
        self.reason = (
            f"a Linux kernel spoke after {seconds:.1f} s"
            if spoke
            else f"a Linux kernel did not speak within {seconds:.0f} s: {said}"
        )
        write_whole(self._kept, json.dumps({"ground": self._ground(), "kvm": self.kvm, "reason": self.reason}))
        log.info("acceleration: %s: %s", "kvm" if spoke else "tcg", self.reason)
        self._on_verdict()


def _boot(kernel: str) -> tuple[bool, str]:
    """Whether the kernel spoke, and the last thing that was said."""
    argv = confinement.command("guest", *PROOF, "-kernel", kernel, pdeathsig=True)
    said = b""
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=confinement.ENVIRONMENT,
        cwd="/",
    ) as qemu:
        assert qemu.stdout is not None
        until = time.monotonic() + PROOF_SECONDS
        try:
            while SPOKEN not in said and (left := until - time.monotonic()) > 0:
                if not select.select([qemu.stdout], [], [], left)[0]:
                    break
                piece = os.read(qemu.stdout.fileno(), 65536)
                if not piece:
                    break
                said += piece
        finally:
            qemu.kill()
    lines = said.decode(errors="replace").strip().splitlines()
    return SPOKEN in said, (lines[-1][-200:] if lines else "not a word")


def _own_kernel() -> str:
    """The newest kernel of this machine, or nothing."""
    kernels = sorted(Path("/boot").glob("vmlinuz-*")) if Path("/boot").is_dir() else []
    return str(kernels[-1]) if kernels else ""
