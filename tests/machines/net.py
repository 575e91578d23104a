"""The wires between lab machines: a network namespace with two bridges in it. This machine's own links know nothing of it.

outside (10.77.0.1) ── lab0 ── m1's eth0 (10.77.0.11), m2's eth0 (10.77.0.12): the way in
                       lab1 ── m1's eth1, m2's eth1: no addresses, for a test's own networks
"""

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

PREFIX = "stk-machines-"
MACHINES = (1, 2)
CARDS = (0, 1)
_CLONE_NEWNET = 0x40000000


class Wires:
    """`namespace` is what everything is in that reaches the machines; `sockets` a folder with a short path."""

    def __init__(self) -> None:
        self.namespace = f"{PREFIX}{os.getpid()}"
        self.sockets = Path("/run") / self.namespace

    def enter(self, *command: str) -> list[str]:
        """The command line that runs `command` where the machines can be reached."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def ip(self, *words: str) -> None:
        subprocess.run(["ip", "-n", self.namespace, *words], check=True, capture_output=True, text=True)

    def build(self) -> None:
        for old in left(Path("/run/netns")):
            subprocess.run(["ip", "netns", "del", old.name], check=True)
        for old in left(Path("/run")):
            shutil.rmtree(old)
        self.sockets.mkdir()
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        self.ip("link", "set", "lo", "up")
        plain = ("stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        for card in CARDS:
            self.ip("link", "add", f"lab{card}", "type", "bridge", *plain)
            for number in MACHINES:
                self.ip("tuntap", "add", tap(number, card), "mode", "tap")
                self.ip("link", "set", tap(number, card), "master", f"lab{card}", "up")
            self.ip("link", "set", f"lab{card}", "up")
        self.ip("addr", "add", "10.77.0.1/24", "dev", "lab0")
        # Frames between machines pass as over a switch, whatever this machine's firewall says of what it forwards.
        for family in ("arp", "ip", "ip6"):
            subprocess.run(
                self.enter("sysctl", "-q", "-w", f"net.bridge.bridge-nf-call-{family}tables=0"), capture_output=True
            )

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def connect(self, address: tuple[str, int], timeout: float = 60.0) -> socket.socket:
        """A TCP connection that begins in the namespace. Raises: OSError."""
        found: list[socket.socket | OSError] = []

        def dial() -> None:  # a thread of its own, which ends there: the caller stays where it is
            try:
                handle = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
                try:
                    if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                finally:
                    os.close(handle)
                found.append(socket.create_connection(address, timeout))
            except OSError as error:
                found.append(error)

        thread = threading.Thread(target=dial)
        thread.start()
        thread.join()
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]


def left(place: Path) -> list[Path]:
    """What runs that were killed left in a folder: ours by name, of a process that is no more."""
    return [path for path in place.glob(f"{PREFIX}*") if not Path("/proc", path.name.removeprefix(PREFIX)).exists()]


def tap(number: int, card: int) -> str:
    return f"m{number}t{card}"
