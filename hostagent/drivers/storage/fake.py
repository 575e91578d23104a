"""A storage without bytes: it remembers which disks would exist. For scale tests and demonstrations."""

import struct
from pathlib import Path
from typing import ClassVar

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.contract.location import DiskLocation, FileLocation, LocalSource
from hostagent.contract.volume import Exported, ExportEnsure
from hostagent.drivers.context import HostContext
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage import Overlays, folder_of
from hostagent.process.journal import Journal

DISK_GIB = 100_000
CLUSTER = 2**16  # bytes


def empty_qcow2(size: int) -> bytes:
    """Return a disk of `size` bytes without data that any reader of qcow2 accepts.

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


class NoOverlays:
    """A fake guest writes nothing: there is never an overlay."""

    def begin(self, name: str, job: Job) -> FileLocation:
        raise Failure("unsupported", what="an overlay", driver="fake")

    def are_listed(self) -> bool:
        return False

    def is_one(self, location: DiskLocation) -> bool:
        return False

    def note(self, overlay: DiskLocation, *, held: bool = False) -> None: ...

    def is_held(self) -> bool:
        return False

    def forget(self) -> None: ...

    def settle(self, job: Job) -> None: ...


class FakeExports:
    """It remembers what would be given out."""

    def __init__(self, host: HostContext) -> None:
        self._exports = Journal(host.own.data / "fake-exports.jsonl")  # volume id → attachment id

    def start(self) -> None: ...

    def stop(self) -> None:
        self._exports.close()

    def find(self, volume_id: str) -> str:
        return str(self._exports.get(volume_id) or "")

    def volumes(self) -> list[str]:
        return sorted(self._exports.values)

    def ensure(self, wanted: ExportEnsure, image: Path, fmt: str) -> Exported:
        self._exports.set(wanted["volume_id"], wanted["attachment_id"])
        return Exported(address="192.0.2.1", port=3260, target=f"iqn.2026-12.dev.stackling:{wanted['volume_id']}")

    def remove(self, volume_id: str) -> None:
        self._exports.drop(volume_id)


class FakeStorage:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.DISK_RESIZE, can.SNAPSHOT, can.KERNEL_IMAGES})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        self._folder = folder_of(choice, host.settings.drivers, host.own.data)
        self.sizes = Journal(self._folder / "fake-disks.jsonl")  # server id → GiB of its root disk
        self.kept = Journal(self._folder / "fake-kept.jsonl")  # server id → GiB of the one from before it grew
        self.bases = self._folder / "cache"
        self._images: set[str] = set()

    def close(self) -> None:
        self.sizes.close()
        self.kept.close()

    def ensure_image(self, image: ImageSource, job: Job) -> FileLocation:
        self._images.add(image["id"])
        return {"kind": "file", "path": str(self.bases / image["checksum"]), "format": "raw"}

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

    def root(self, server_id: str) -> DiskLocation:
        return self._file(server_id, "root.qcow2", "qcow2")

    def _file(self, server_id: str, name: str, fmt: str) -> FileLocation:
        return {"kind": "file", "path": str(self._folder / "disks" / server_id / name), "format": fmt}

    def locate(self, server_id: str, source: LocalSource, job: Job) -> DiskLocation:
        if source["kind"] == "blank":
            return self._file(server_id, f"{source['name']}.raw", "raw")
        if source["kind"] == "root" or source["kind"] == "rescue":
            if source["kind"] == "rescue" or self.sizes.get(server_id) is None:
                raise Failure("not_found", what=f"{source['kind']} disk", id=server_id)
            return self.root(server_id)
        return source

    def overlays(self, server_id: str) -> Overlays:
        return NoOverlays()

    def copy_out(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        size = self.sizes.get(server_id)
        if size is None:
            raise Failure("not_found", what="root disk", id=server_id)
        copy = self._folder / "snapshots" / f"{name}.qcow2"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(empty_qcow2(size * 2**30))
        return copy, size * 2**30

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

    def read_disks(self) -> list[str]:
        return sorted(self.sizes.values)

    def read_facts(self) -> dict[str, int]:
        return {"disk_gib": DISK_GIB, "disk_free_gib": DISK_GIB - sum(self.sizes.values.values())}
