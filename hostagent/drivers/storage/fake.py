"""A storage without bytes: it remembers which disks would exist. For scale tests and demonstrations."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.job import Job
from hostagent.journal import Journal

if TYPE_CHECKING:
    from hostagent.host import Host

DISK_GIB = 100_000


class FakeStorage:
    CAPABILITIES: frozenset[str] = frozenset({"disk_resize", "snapshot", "config_drive"})

    def __init__(self, host: "Host") -> None:
        self._folder = host.own.data
        self._disks = Journal(self._folder / "fake-disks.jsonl")  # server id → GiB
        self._images: set[str] = set()

    def ensure_image(self, image: ImageSource, job: Job) -> Path:
        self._images.add(image["id"])
        return self._folder / "cache" / image["checksum"]

    def ensure_disk(self, disk: DiskEnsure, job: Job) -> DiskMade:
        image = disk["image"]
        cached = image is None or image["id"] in self._images
        size = disk["size_gib"] or (-(-image["size"] // 2**30) if image else 1)
        if size > self.read_facts()["disk_free_gib"]:
            raise Failure(
                "no_space", path=str(self._folder), need=size * 2**30, have=self.read_facts()["disk_free_gib"] * 2**30
            )
        if image is not None:
            self.ensure_image(image, job)
        self._disks.set(disk["server_id"], size)
        return {"cached": cached}

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        have = self._disks.get(server_id)
        if have is None:
            raise Failure("not_found", what="disk", id=server_id)
        self._disks.set(server_id, max(have, size_gib))

    def ensure_blank(self, server_id: str, source: dict[str, Any], job: Job) -> Path:
        return self._folder / "disks" / server_id / f"{source['name']}.raw"

    def ensure_config_drive(self, server_id: str, files: dict[str, str]) -> Path:
        return self._folder / "disks" / server_id / "config.iso"

    def remove_disk(self, server_id: str) -> None:
        self._disks.drop(server_id)

    def put_aside(self, server_id: str, place: Path) -> None:
        size = self._disks.get(server_id)
        if size is not None:
            (place / "disks").write_text(str(size))
            self._disks.drop(server_id)

    def take_back(self, server_id: str, place: Path) -> None:
        if (place / "disks").exists():
            if self._disks.get(server_id) is not None:
                raise Failure("hypervisor_refused", detail=f"{server_id} has a disk already")
            self._disks.set(server_id, int((place / "disks").read_text()))

    def keep_record(self, server_id: str, record: dict[str, Any]) -> None:
        """A fake domain holds its whole spec, and so the record."""

    def read_record(self, server_id: str) -> dict[str, Any]:
        return {}

    def root_path(self, server_id: str) -> Path:
        return self._folder / "disks" / server_id / "root.qcow2"

    def flatten(self, source: Path, target: Path, job: Job) -> None:
        """An empty disk that any reader of qcow2 accepts."""
        target.parent.mkdir(parents=True, exist_ok=True)
        job.run(["qemu-img", "create", "-q", "-f", "qcow2", str(target), "1G"])

    def read_disks(self) -> list[str]:
        return sorted(self._disks.values)

    def read_facts(self) -> dict[str, int]:
        return {"disk_gib": DISK_GIB, "disk_free_gib": DISK_GIB - sum(self._disks.values.values())}
