"""A storage without bytes: it remembers which disks would exist. For scale tests and demonstrations."""

import struct
from pathlib import Path
from typing import Any, ClassVar

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.drivers.context import HostContext
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage import folder_of
from hostagent.process.journal import Journal

DISK_GIB = 100_000
CLUSTER = 2**16  # bytes


def empty_qcow2(size: int) -> bytes:
    """A disk of `size` bytes without data that any reader of qcow2 accepts.

    Version 2 (https://www.qemu.org/docs/master/interop/qcow2.html): the header, the table of blocks of reference counts, one
    such block, and the table of tables of clusters, which is empty.
    """
    tables = -(-size // (CLUSTER * CLUSTER // 8))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, CLUSTER.bit_length() - 1, size, 0, tables, 3 * CLUSTER, CLUSTER, 1, 0, 0
    )
    counts = struct.pack(">4H", 1, 1, 1, 1)
    parts = (header, (2 * CLUSTER).to_bytes(8, "big"), counts)
    return b"".join(part.ljust(CLUSTER, b"\0") for part in parts) + bytes(8 * tables)


class FakeStorage:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.DISK_RESIZE, can.SNAPSHOT, can.KERNEL_IMAGES})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        self._folder = folder_of(choice, host.settings.drivers, host.own.data)
        self.sizes = Journal(self._folder / "fake-disks.jsonl")  # server id → GiB of its root disk
        self.kept = Journal(self._folder / "fake-kept.jsonl")  # server id → GiB of the one from before it grew
        self._images: set[str] = set()

    def close(self) -> None:
        self.sizes.close()
        self.kept.close()

    def ensure_image(self, image: ImageSource, job: Job) -> Path:
        self._images.add(image["id"])
        return self._folder / "cache" / image["checksum"]

    def ensure_disk(self, disk: DiskEnsure, job: Job) -> DiskMade:
        if kept := disk.get("kept"):
            self._end_growth(disk["server_id"], back=kept == "back")
            return {"cached": True}
        if self.sizes.get(disk["server_id"]) is not None:
            return {"cached": True}
        image = disk["image"]
        cached = image is None or image["id"] in self._images
        size = disk["size_gib"] or (-(-image["size"] // 2**30) if image else 1)
        if size > self.read_facts()["disk_free_gib"]:
            raise Failure(
                "no_space", path=str(self._folder), need=size * 2**30, have=self.read_facts()["disk_free_gib"] * 2**30
            )
        if image is not None:
            self.ensure_image(image, job)
        self.sizes.set(disk["server_id"], size)
        return {"cached": cached}

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        have = self.sizes.get(server_id)
        if have is None:
            raise Failure("not_found", what="disk", id=server_id)
        if have < size_gib:
            if self.kept.get(server_id) is None:  # what is kept already is older, and what would come back
                self.kept.set(server_id, have)
            self.sizes.set(server_id, size_gib)

    def _end_growth(self, server_id: str, *, back: bool) -> None:
        """As the real one, but for a domain that is there: no cast may ever put another disk under it."""
        if back and server_id in self._host.hypervisor.read_states():
            raise Failure("hypervisor_refused", detail=f"the machine of {server_id} uses the disk that was to go")
        kept = self.kept.get(server_id)
        if back and kept is not None:
            self.sizes.set(server_id, kept)
        self.kept.drop(server_id)

    def ensure_blank(self, server_id: str, source: dict[str, Any], job: Job) -> Path:
        return self._folder / "disks" / server_id / f"{source['name']}.raw"

    def ensure_config_drive(self, server_id: str, files: dict[str, str]) -> Path:
        return self._folder / "disks" / server_id / "config.iso"

    def remove_disk(self, server_id: str) -> None:
        self.sizes.drop(server_id)
        self.kept.drop(server_id)

    def put_aside(self, server_id: str, place: Path) -> None:
        for name, journal in (("disks", self.sizes), ("kept", self.kept)):
            size = journal.get(server_id)
            if size is not None:
                (place / name).write_text(str(size))
                journal.drop(server_id)

    def take_back(self, server_id: str, place: Path) -> None:
        for name, journal in (("disks", self.sizes), ("kept", self.kept)):
            if (place / name).exists():
                if journal.get(server_id) is not None:
                    raise Failure("hypervisor_refused", detail=f"{server_id} has a disk already")
                journal.set(server_id, int((place / name).read_text()))

    def keep_record(self, server_id: str, record: dict[str, Any]) -> None:
        """A fake domain holds its whole spec, and so the record."""

    def read_record(self, server_id: str) -> dict[str, Any]:
        return {}

    def root_path(self, server_id: str) -> Path:
        return self._folder / "disks" / server_id / "root.qcow2"

    def flatten(self, source: Path, target: Path, job: Job) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(empty_qcow2(2**30))

    def read_disks(self) -> list[str]:
        return sorted(self.sizes.values)

    def read_facts(self) -> dict[str, int]:
        return {"disk_gib": DISK_GIB, "disk_free_gib": DISK_GIB - sum(self.sizes.values.values())}
