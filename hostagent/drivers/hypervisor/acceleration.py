"""Whether KVM runs guests here. Having /dev/kvm proves nothing: one Linux kernel that speaks on its serial port does.

Seen on a real machine: the device opens, virtual machines are made, the firmware runs, and every 64-bit kernel hangs
for ever. So a kernel is booted once, with 15 s to say its version. The verdict is kept with what it was reached on
(machine boot, QEMU, kernel); until there is one, guests are translated.
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
from typing import Any, Final

from hostagent import confinement, guest_users

log = logging.getLogger(__name__)

DEVICE: Final = Path("/dev/kvm")
QEMU: Final = "/usr/bin/qemu-system-x86_64"
PROOF_SECONDS: Final = 15.0
SPOKEN: Final = b"Linux version"
PROOF: Final = (
    QEMU, "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-no-reboot", "-nodefaults",
    "-serial", "stdio", "-append", "console=ttyS0 earlyprintk=serial panic=-1",
)  # fmt: skip


class Acceleration:
    """`kvm` and `reason` are what is known now; `on_verdict` is called when a proof has ended."""

    def __init__(self, data: Path, kernel: str, on_verdict: Callable[[], None]) -> None:
        self.kvm = False
        self.reason = "not looked at yet"
        self._kept = data / "acceleration.json"
        self._kernel = kernel or _own_kernel()
        self._on_verdict = on_verdict

    def start(self) -> None:
        if not DEVICE.exists():
            self.reason = "/dev/kvm does not exist"
            return
        if not self._kernel:
            self.reason = "/dev/kvm exists, but no Linux kernel was found to prove it with (STACKLING_PROOF_KERNEL)"
            return
        kept = json.loads(self._kept.read_text()) if self._kept.exists() else {}
        if kept.get("ground") == self._ground():
            self.kvm, self.reason = kept["kvm"], kept["reason"]
            return
        self.reason = "a proof of KVM is under way"
        threading.Thread(target=self._prove, name="kvm-proof", daemon=True).start()

    def _ground(self) -> dict[str, Any]:
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
        self._kept.write_text(json.dumps({"ground": self._ground(), "kvm": self.kvm, "reason": self.reason}))
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
