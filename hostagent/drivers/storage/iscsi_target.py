"""Words to one tgtd, the daemon of an iSCSI target: by its socket, since a command line shows a password to every user of the host.

Source: tgt's usr/tgtadm.h and usr/tgtadm.c, version 1.0.85.
"""

import struct
import subprocess
from pathlib import Path
from typing import Final

from hostagent.machine import confinement

# struct tgtadm_req: mode, op, lld[64], len, tid, sid, lun, cid, host_no, device_type, ac_dir, pack, force
_REQUEST: Final = struct.Struct("=II64sIiQqIIIIII")
_MODES: Final = {"target": 1, "logicalunit": 2, "account": 7}
_OPERATIONS: Final = {"new": 0, "bind": 3, "update": 5}
TARGET: Final = 1  # the number of the one target of a tgtd
UNIT: Final = 1  # of the volume in it; unit 0 is the controller
SECONDS: Final = 10.0  # for a tgtd that was started to listen, and for each answer
PYTHON: Final = "/usr/bin/python3"  # what the daemons' user may run: our own need not be open to it


class TargetRefused(Exception):
    """tgtd did not do what it was asked; the message says what, never a password."""


#: Sends what it reads, each with its length before it, one connection each, and prints the answers: until one is no 0.
_RELAY: Final = """
import socket, struct, sys, time
path, seconds, asked = sys.argv[1], float(sys.argv[2]), sys.stdin.buffer.read()
until = time.monotonic() + seconds
while asked:
    size = struct.unpack("=I", asked[:4])[0]
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(seconds)
    try:
        link.connect(path)
    except OSError:
        if time.monotonic() > until:
            raise
        time.sleep(0.01)
        continue
    link.sendall(asked[4 : 4 + size])
    answer = link.recv(8, socket.MSG_WAITALL)
    code = struct.unpack("=II", answer)[0] if len(answer) == 8 else 1
    print(code, flush=True)
    if code:
        break
    asked = asked[4 + size :]
"""


class TargetDaemon:
    """The tgtd that listens at a socket. It takes words from its own user alone, so another process speaks for us."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def configure(self, name: str, disk: Path, username: str, password: str, clients: list[str]) -> None:
        """Have it give a file out as unit 1 of a target of this name, to these addresses and this user. Raises: TargetRefused."""
        words = [
            ("target", "new", f"targetname={name}", TARGET, -1),
            ("logicalunit", "new", f"path={disk},bstype=rdwr", TARGET, UNIT),
            ("logicalunit", "update", "thin_provisioning=1", TARGET, UNIT),  # the guest may give blocks back
            ("account", "new", f"user={username},password={password}", -1, -1),
            ("account", "bind", f"user={username}", TARGET, -1),
            *(("target", "bind", f"initiator-address={address}", TARGET, -1) for address in clients),
        ]
        frames = [_frame(*word) for word in words]
        asked = b"".join(struct.pack("=I", len(frame)) + frame for frame in frames)
        relay = confinement.command("target", PYTHON, "-I", "-S", "-c", _RELAY, str(self._path), str(SECONDS))
        done = subprocess.run(
            relay, env=confinement.ENVIRONMENT, input=asked, capture_output=True, timeout=2 * SECONDS, check=False
        )
        answers = done.stdout.decode().split()
        if answers != ["0"] * len(words):
            mode, operation, *_rest = words[min(len([one for one in answers if one == "0"]), len(words) - 1)]
            said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise TargetRefused(f"tgtd did not do {operation} {mode}: {said or 'it refused'}")


def _frame(mode: str, operation: str, parameters: str, target: int, unit: int) -> bytes:
    text = parameters.encode() + b"\0"
    size = _REQUEST.size + len(text)
    head = _REQUEST.pack(_MODES[mode], _OPERATIONS[operation], b"iscsi", size, target, 0, unit, 0, 0, 0, 0, 0, 0)
    return head + text
