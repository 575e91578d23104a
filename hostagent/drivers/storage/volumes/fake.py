"""Volumes without bytes: it remembers which there would be. For scale tests and demonstrations."""

from pathlib import Path
from typing import ClassVar, TypedDict

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import Failure
from hostagent.contract.location import FileLocation
from hostagent.contract.volume import BackendFacts, Exported, ExportEnsure, VolumeEnsure
from hostagent.drivers.context import HostContext
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage.fake import DISK_GIB, empty_qcow2
from hostagent.drivers.storage.volumes import require_free, require_no_holder, require_not_given_out
from hostagent.process.journal import Journal

GIB = 2**30


class FakeVolume(TypedDict):
    """A volume as the journal keeps it."""

    size_gib: int
    snapshots: list[str]  # the oldest first


class FakeVolumes:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.VOLUME_THIN, can.VOLUME_SNAPSHOT, can.VOLUME_EXPORT})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        self._folder = host.own.data / "backends" / choice.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.bases = self._folder / "images"
        self.volumes = Journal(self._folder / "fake-volumes.jsonl")  # volume id → FakeVolume

    def close(self) -> None:
        self.volumes.close()

    def _find(self, volume_id: str) -> FakeVolume:
        found: FakeVolume | None = self.volumes.get(volume_id)
        if found is None:
            raise Failure("not_found", what="volume", id=volume_id)
        return found

    def ensure(self, volume: VolumeEnsure, job: Job) -> None:
        if self.volumes.get(volume["volume_id"]) is not None:
            return
        size, image, copied = volume["size_gib"], volume.get("image"), volume.get("copy")
        if image and image["size"] > size * GIB:
            raise Failure("too_small", what="image", id=image["id"], need=image["size"], have=size * GIB)
        if copied:
            source = self._find(copied["volume_id"])
            if copied["snapshot_id"] and copied["snapshot_id"] not in source["snapshots"]:
                raise Failure("not_found", what="snapshot", id=copied["snapshot_id"])
            if not copied["snapshot_id"]:
                require_free(self._host, copied["volume_id"])
            if source["size_gib"] > size:
                need = source["size_gib"] * GIB
                raise Failure("too_small", what="volume", id=copied["volume_id"], need=need, have=size * GIB)
        if size > (have := self.read_facts()["free_gib"]):
            raise Failure("no_space", path=str(self._folder), need=size * GIB, have=have * GIB)
        self.volumes.set(volume["volume_id"], FakeVolume(size_gib=size, snapshots=[]))

    def remove(self, volume_id: str, job: Job) -> None:
        self._host.exports.remove(volume_id)
        require_no_holder(self._host, volume_id)
        self.volumes.drop(volume_id)

    def ensure_size(self, volume_id: str, size_gib: int, job: Job) -> None:
        found = self._find(volume_id)
        if found["size_gib"] < size_gib:
            require_free(self._host, volume_id)
            self.volumes.set(volume_id, {**found, "size_gib": size_gib})

    def ensure_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        found = self._find(volume_id)
        if snapshot_id not in found["snapshots"]:
            require_free(self._host, volume_id)
            self.volumes.set(volume_id, {**found, "snapshots": [*found["snapshots"], snapshot_id]})

    def remove_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        found: FakeVolume | None = self.volumes.get(volume_id)
        if found is not None and snapshot_id in found["snapshots"]:
            require_free(self._host, volume_id)
            left = [one for one in found["snapshots"] if one != snapshot_id]
            self.volumes.set(volume_id, {**found, "snapshots": left})

    def revert(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        if self._find(volume_id)["snapshots"][-1:] != [snapshot_id]:
            raise Failure("not_found", what="newest snapshot", id=snapshot_id)
        require_free(self._host, volume_id)

    def locate(self, volume_id: str, server_id: str) -> FileLocation:
        self._find(volume_id)
        require_not_given_out(self._host, volume_id)
        return {"kind": "file", "path": str(self._folder / f"{volume_id}.qcow2"), "format": "qcow2"}

    def ensure_export(self, wanted: ExportEnsure, job: Job) -> Exported:
        self._find(wanted["volume_id"])
        require_no_holder(self._host, wanted["volume_id"])
        return self._host.exports.ensure(wanted, self._folder / wanted["volume_id"], "raw")

    def remove_export(self, volume_id: str, job: Job) -> None:
        self._host.exports.remove(volume_id)

    def copy_out(self, volume_id: str, disk_format: str, job: Job) -> tuple[Path, int]:
        size = self._find(volume_id)["size_gib"] * GIB
        require_free(self._host, volume_id)
        copy = self._folder / f"{volume_id}.{disk_format}"
        copy.write_bytes(empty_qcow2(size))
        return copy, size

    def read_volumes(self) -> list[str]:
        return sorted(self.volumes.values)

    def read_facts(self) -> BackendFacts:
        taken = sum(volume["size_gib"] for volume in self.volumes.values.values())
        return {"total_gib": DISK_GIB, "free_gib": DISK_GIB - taken}
