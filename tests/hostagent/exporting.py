"""Exports with their real daemons, in namespaces of our own: `unshare --mount --net python -m tests.hostagent.exporting FOLDER CASE [ROUNDS]`.

Each case prints one JSON object of what it found; the tests beside it say what that must be.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hostagent.contract.failures import Failure
from hostagent.drivers.loading import driver_class
from hostagent.drivers.registry import choose
from hostagent.drivers.storage.exports import IscsiExports
from hostagent.drivers.storage.volumes.file import FileVolumes
from hostagent.machine.daemons import Daemon, Daemons
from hostagent.process.threads import Threads
from tests.hostagent.test_storage_file import new_job

ONE = "11111111-2222-4333-8444-555555555555"
SNAPSHOT, SERVER, ATTACHMENT = (f"{n}0000000-2222-4333-8444-555555555555" for n in "abc")
ADDRESS = "127.0.0.1"
BLOCK, SLOTS = 2**16, 64
PROMPT = b"qemu-io> "


class World:
    """A host without a hypervisor: its backend, its exports, its keeper of daemons."""

    def __init__(self, folder: Path) -> None:
        self.events: list[dict[str, object]] = []
        own = SimpleNamespace(data=folder / "data", run=folder / "run", name="host1")
        for path in (own.data, own.run):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o711)
        self.threads = Threads()
        self.daemons = Daemons(own.run)
        self.has: list[str] = []
        reporter = SimpleNamespace(event=lambda event, **facts: self.events.append({"event": str(event), **facts}))
        self.host: Any = SimpleNamespace(
            name="host1", own=own, threads=self.threads, daemons=self.daemons, reporter=reporter,
            settings=SimpleNamespace(image_cache=0, underlay_ip=ADDRESS, private_mounts=True),
            hypervisor=SimpleNamespace(holders=lambda volume: list(self.has)),
        )  # fmt: skip
        self.exports = self.host.exports = IscsiExports(self.host)
        chosen = choose({"volume": "file=file"})
        self.files: FileVolumes = driver_class(chosen.main("volume"), "volume")(self.host, chosen.main("volume"))

    def export(self, password: str = "a-password-of-16", clients: tuple[str, ...] = (ADDRESS,)) -> str:
        """Give the volume out; its address for qemu-io."""
        wanted: Any = {
            "volume_id": ONE, "backend": "file", "attachment_id": ATTACHMENT, "username": "guest", "password": password,
            "clients": list(clients),
        }  # fmt: skip
        told = self.files.ensure_export(wanted, new_job())
        return f"iscsi://guest%{password}@{told['address']}:{told['port']}/{told['target']}/1"

    def daemon(self, which: str) -> Daemon:
        export = self.exports._exports[ONE]
        return self.exports._storage(export) if which == "storage" else self.exports._target(export)

    def kill(self, which: str) -> None:
        """kill -9 the storage daemon, or tgtd."""
        for process in self.daemons.find(self.daemon(which)):
            os.kill(process.pid, signal.SIGKILL)

    def make(self) -> None:
        made: Any = {"volume_id": ONE, "backend": "file", "size_gib": 1}
        self.files.ensure(made, new_job())


def qemu_io(address: str, *commands: str, seconds: float = 30) -> str:
    words = [word for command in commands for word in ("-c", command)]
    done = subprocess.run(["qemu-io", "-f", "raw", *words, address], capture_output=True, text=True, timeout=seconds)
    return done.stdout + done.stderr


def refused(call: Callable[[], object]) -> str:
    try:
        call()
    except Failure as failure:
        return failure.code
    return ""


def lives(pid: int) -> bool:
    """Whether a process is there that is not merely waited for by nobody."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Writer:
    """A qemu-io that writes numbered blocks, each once the one before it was acknowledged, and remembers which were.

    One that failed is written again, as a guest does that was stopped by the error and let go on.
    """

    def __init__(self, address: str) -> None:
        self.acknowledged: dict[int, int] = {}  # slot → the number that was acknowledged last
        self.failed = 0
        self.under_way: tuple[int, int] | None = None  # (slot, number) that was asked for and not answered
        self._process = subprocess.Popen(
            ["qemu-io", "-f", "raw", "-t", "none", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        self._said()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _said(self) -> bytes:
        """What it says up to its next prompt: of several writers' lines none is taken for another's."""
        said = b""
        while not said.endswith(PROMPT):
            more = self._out.read(4096)
            assert more, f"qemu-io ended: {said!r}"
            said += more
        return said

    @property
    def _out(self) -> Any:
        return self._process.stdout

    def _write(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            slot, value = number % SLOTS, number % 255 + 1
            while not self._stopping.is_set():
                self.under_way = (slot, value)
                if self._one(slot, value):
                    self.acknowledged[slot] = value
                    self.under_way = None
                    break
                self.failed += 1
                time.sleep(0.05)

    def _one(self, slot: int, value: int) -> bool:
        assert self._process.stdin is not None
        self._process.stdin.write(f"write -P {value} {slot * BLOCK} {BLOCK}\n".encode())
        return b"wrote 65536/65536" in self._said()

    def wait(self, more: int) -> None:
        """Wait for that many further acknowledged blocks."""
        begun, seen, last = time.monotonic(), 0, self.count()
        while seen < more:
            time.sleep(0.005)
            now = self.count()
            seen += int(now != last)
            last = now
            assert time.monotonic() - begun < 60, "the writer stands still"

    def count(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted(self.acknowledged.items()))

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)
        self._process.kill()
        self._process.wait()


def mismatches(path: str, fmt: str, writer: Writer) -> list[int]:
    """The slots that hold another number than the one that was acknowledged last, or was under way at the end."""
    bad = []
    for slot, value in sorted(writer.acknowledged.items()):
        may = {value, *([writer.under_way[1]] if writer.under_way and writer.under_way[0] == slot else [])}
        reads = [f"read -P {one} {slot * BLOCK} {BLOCK}" for one in sorted(may)]
        found = [
            subprocess.run(["qemu-io", "-r", "-f", fmt, "-c", read, path], capture_output=True, text=True).stdout
            for read in reads
        ]
        if all("verification failed" in text or "read 65536" not in text for text in found):
            bad.append(slot)
    return bad


@contextmanager
def watching(world: World) -> Iterator[None]:
    world.exports.start()
    try:
        yield
    finally:
        world.exports.stop()


# ── Cases ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def gives_out(folder: Path, rounds: int) -> dict[str, object]:
    world = World(folder)
    world.make()
    found: dict[str, object] = {}
    address = world.export()
    found["written"] = "wrote 1048576" in qemu_io(address, "write -P 0xa5 1M 1M", "flush")
    found["read"] = "read 1048576" in qemu_io(address, "read -P 0xa5 1M 1M")
    found["wrong password"] = "Authentication failure" in qemu_io(
        address.replace("a-password", "b-password"), "read 0 64k"
    )
    found["users"] = sorted({Path(f"/proc/{one.pid}").stat().st_uid for which in ("storage", "target") for one in world.daemons.find(world.daemon(which))})  # fmt: skip
    found["shown"] = any(
        "a-password" in path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()
    )
    found["while it is given out"] = [
        refused(lambda: world.files.locate(ONE, SERVER)),
        refused(lambda: world.files.ensure_snapshot(ONE, SNAPSHOT, new_job())),
        refused(lambda: world.files.ensure_size(ONE, 2, new_job())),
        refused(lambda: world.files.copy_out(ONE, "raw", new_job())),
    ]
    again = world.export()
    found["again"] = again == address
    other = world.export(password="another-password")
    found["the old password"] = "Authentication failure" in qemu_io(address, "read 0 64k")
    found["the new one"] = "read 1048576" in qemu_io(other, "read -P 0xa5 1M 1M")
    elsewhere = world.export(clients=("127.0.0.9",))
    found["from another address"] = "can't open" in qemu_io(elsewhere, "read 0 64k")
    world.export()
    processes = [one.pid for which in ("storage", "target") for one in world.daemons.find(world.daemon(which))]
    for _again in range(2):
        world.files.remove_export(ONE, new_job())
    found["left"] = [pid for pid in processes if lives(pid)]
    found["mounts"] = "fuse" in [line.split()[2] for line in Path("/proc/self/mounts").read_text().splitlines()]
    found["files"] = [path.name for path in (folder / "run").iterdir() if path.name.startswith("export-")]
    top = str(Path(str(world.files.locate(ONE, SERVER).get("path"))))
    read = ["qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0xa5 1M 1M", top]
    found["read as a file"] = "read 1048576" in subprocess.run(read, capture_output=True, text=True).stdout
    found["check"] = subprocess.run(["qemu-img", "check", "-q", top]).returncode
    world.has = [SERVER]
    found["while a guest of this host has it"] = refused(world.export)
    return found


def kills(folder: Path, rounds: int) -> dict[str, object]:
    """kill -9 of the storage daemon and of tgtd in the middle of writes, each round one of them at a moment of its own."""
    world = World(folder)
    world.make()
    writer = Writer(world.export())
    choice = random.Random(rounds)
    cut = 0
    with watching(world):
        for number in range(rounds):
            writer.wait(3)
            time.sleep(choice.random() * 0.05)
            until = time.monotonic() + 10
            while writer.under_way is None and time.monotonic() < until:
                pass
            cut += writer.under_way is not None
            world.kill("storage" if number % 2 else "target")
        writer.wait(3)
    writer.stop()
    world.files.remove_export(ONE, new_job())
    top = str(world.files.locate(ONE, SERVER).get("path"))
    bad = mismatches(top, "qcow2", writer)
    check = subprocess.run(["qemu-img", "check", "-q", top]).returncode
    return {
        "rounds": rounds, "in a write": cut, "slots": len(writer.acknowledged), "failed": writer.failed, "bad": bad,
        "check": check, "told": len(world.events),
    }  # fmt: skip


def restart(folder: Path, rounds: int) -> dict[str, object]:
    """An agent that begins anew finds what runs; one after a restart of its machine builds it again."""
    world = World(folder)
    world.make()
    address = world.export()
    qemu_io(address, "write -P 7 0 64k", "flush")
    before = [one.pid for one in world.daemons.find(world.daemon("storage"))]
    second = World(folder)
    with watching(second):
        time.sleep(2)
        same = [one.pid for one in second.daemons.find(second.daemon("storage"))] == before
    for which in ("target", "storage"):
        second.kill(which)
    time.sleep(0.2)
    third = World(folder)
    with watching(third):
        time.sleep(3)
        read = "read 65536" in qemu_io(address, "read -P 7 0 64k")
    third.files.remove_export(ONE, new_job())
    return {"found again": same, "events": len(second.events), "built again": read, "told": len(third.events)}


CASES = {"gives_out": gives_out, "kills": kills, "restart": restart}

if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    print(json.dumps(CASES[sys.argv[2]](Path(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
