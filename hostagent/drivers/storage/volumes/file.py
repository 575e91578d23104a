"""Volumes as chains of qcow2 files in a folder of the host; chain.py says how they lie there.

<place>/volumes/<volume>/   a volume
<place>/images/<sha512>     what volumes rest on
<place>/exports/<name>      copies on their way to control

<place> is the folder that the settings name, else one of the host's own. A volume belongs to a user of its own until a guest is given it,
then to that guest's, or to the daemons that give it out to another host (storage/exports.py).
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import Failure
from hostagent.contract.location import FileLocation
from hostagent.contract.volume import BackendFacts, Exported, ExportEnsure, VolumeCopy, VolumeEnsure
from hostagent.drivers.context import HostContext
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage import qemu_img
from hostagent.drivers.storage.image_cache import ImageCache
from hostagent.drivers.storage.images import Images
from hostagent.drivers.storage.volumes import chain, require_free, require_no_holder, require_not_given_out
from hostagent.drivers.storage.volumes.chain import Chain, Layer
from hostagent.machine import confinement, guest_users
from hostagent.machine.disk_space import EMPTY_QCOW2, require_room
from hostagent.process.durable import put_whole, sync_file, sync_folder

GIB: Final = 2**30
GONE: Final = ".gone"  # ends the name of a volume's folder that is being removed


class FileVolumes:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.VOLUME_THIN, can.VOLUME_SNAPSHOT, can.VOLUME_EXPORT})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        own = host.own.data / "backends"
        place = Path(choice.place) if choice.place else own / choice.name
        self.volumes, self.bases, self._exports = place / "volumes", place / "images", place / "exports"
        for folder in (*(() if choice.place else (own, place)), self.volumes, self.bases, self._exports):
            guest_users.folder(folder)
        cache = ImageCache(place, self.bases, host.settings.image_cache)
        self.images = Images(lambda: host.link, cache, self._need)

    # ── Volumes ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure(self, volume: VolumeEnsure, job: Job) -> None:
        """Raises: Failure of Images.ensure, no_space, too_small, not_found, in_use, hypervisor_refused (qemu-img's own word)."""
        folder = self.volumes / volume["volume_id"]
        if chain.read(folder) is not None:
            return
        self._folder(folder)
        fresh = guest_users.fresh(folder / "0.new", volume["volume_id"])
        image, copied = volume.get("image"), volume.get("copy")
        base = self.images.ensure(image, job) if image else None
        made = Chain(folder, (Layer("0.qcow2"),))
        if image and base:
            made = replace(made, base=str(base), base_format=qemu_img.kept_format(image))
            self._fits(volume, self._virtual_size(base, made.base_format, job), "image", image["id"])
        if copied:
            self._of_copy(volume, copied, fresh, job)
        else:
            self._create(fresh, made.below(0), job, volume["size_gib"])
        put_whole(fresh, made.top)
        made.write()

    def _folder(self, folder: Path) -> None:
        is_new = not folder.exists()
        guest_users.folder(folder)
        if is_new:
            sync_folder(self.volumes)

    def _create(self, fresh: Path, below: tuple[str, str], job: Job, size_gib: int | None = None) -> None:
        """Make an empty layer of what is an empty file now. Without a size it has that of what it rests on."""
        self._need(EMPTY_QCOW2)
        path, fmt = below
        rests = ("-b", path, "-F", fmt) if path else ()
        size = () if size_gib is None else (str(size_gib * GIB),)
        qemu_img.call(job, "create", "-q", "-f", "qcow2", *rests, str(fresh), *size, of=fresh)

    def _of_copy(self, volume: VolumeEnsure, copied: VolumeCopy, fresh: Path, job: Job) -> None:
        source = self._source(copied)
        self._fits(volume, self._virtual_size(source, "qcow2", job), "volume", copied["volume_id"])
        self._as_owner_of(fresh, source)  # one program reads the one and writes the other
        self._copy(source, fresh, "qcow2", job)
        guest_users.give(fresh, volume["volume_id"])
        qemu_img.call(job, "resize", "-q", "-f", "qcow2", str(fresh), str(volume["size_gib"] * GIB), of=fresh)

    def _source(self, copied: VolumeCopy) -> Path:
        """Find the file to copy: a snapshot's is written by nobody, the volume's own while no guest has it."""
        found = self._chain(copied["volume_id"])
        if not copied["snapshot_id"]:
            require_free(self._host, copied["volume_id"])
            return found.top
        place = found.find(copied["snapshot_id"])
        if place is None:
            raise Failure("not_found", what="snapshot", id=copied["snapshot_id"])
        return found.files[place]

    @staticmethod
    def _fits(volume: VolumeEnsure, need: int, what: str, id: str) -> None:
        have = volume["size_gib"] * GIB
        if need > have:
            raise Failure("too_small", what=what, id=id, need=need, have=have)

    def remove(self, volume_id: str, job: Job) -> None:
        folder = self.volumes / volume_id
        self._host.exports.remove(volume_id)  # control deletes what nobody has, also where a close failed before
        if folder.exists():
            require_no_holder(self._host, volume_id)
            folder.rename(folder.with_name(volume_id + GONE))  # so that it is there whole or not at all
            sync_folder(self.volumes)
        shutil.rmtree(folder.with_name(volume_id + GONE), ignore_errors=True)

    def ensure_size(self, volume_id: str, size_gib: int, job: Job) -> None:
        top = self._chain(volume_id).top
        if self._virtual_size(top, "qcow2", job) < size_gib * GIB:
            require_free(self._host, volume_id)
            qemu_img.call(job, "resize", "-q", "-f", "qcow2", str(top), str(size_gib * GIB), of=top)
            sync_file(top)

    # ── Snapshots ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        found = self._chain(volume_id)
        if found.find(snapshot_id) is None:
            require_free(self._host, volume_id)
            kept = replace(found.layers[-1], snapshot=snapshot_id)
            self._put_layer(found, (*found.layers[:-1], kept), job)

    def revert(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        """Raises: Failure not_found where it is not the newest snapshot, in_use, no_space, hypervisor_refused."""
        found = self._chain(volume_id)
        if found.find(snapshot_id) != len(found.layers) - 2:
            raise Failure("not_found", what="newest snapshot", id=snapshot_id)
        require_free(self._host, volume_id)
        self._put_layer(found, found.layers[:-1], job)

    def _put_layer(self, found: Chain, below: tuple[Layer, ...], job: Job) -> None:
        """Make an empty layer over these, and with them the volume's chain."""
        name = found.next_file()
        fresh = guest_users.fresh(found.folder / f"{name}.new", found.folder.name)
        longer = replace(found, layers=(*below, Layer(name)))
        path, fmt = longer.below(len(below))
        self._as_owner_of(fresh, Path(path))
        self._create(fresh, (path, fmt), job)
        put_whole(fresh, longer.top)
        longer.write()

    @staticmethod
    def _as_owner_of(fresh: Path, other: Path) -> None:
        if os.geteuid() == 0:
            os.chown(fresh, other.lstat().st_uid, -1, follow_symlinks=False)

    def remove_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        found = chain.read(self.volumes / volume_id)
        if found is None:
            return
        kept = tuple(replace(one, snapshot="") if one.snapshot == snapshot_id else one for one in found.layers)
        if all(layer.snapshot for layer in kept[:-1]):
            return
        require_free(self._host, volume_id)
        found = replace(found, layers=kept)
        found.write()
        self._merge(found, job)

    def _merge(self, found: Chain, job: Job) -> None:
        """Merge each layer that no snapshot needs into the one above it, which takes what only the lower one has."""
        while (
            place := next((at for at, layer in enumerate(found.layers[:-1]) if not layer.snapshot), None)
        ) is not None:
            upper = found.files[place + 1]
            self._need(found.files[place].stat().st_blocks * 512)
            path, fmt = found.below(place)
            rests = ("-b", path, *(("-F", fmt) if path else ()))
            qemu_img.call(job, "rebase", "-q", "-f", "qcow2", *rests, str(upper), of=upper)
            sync_file(upper)
            found = replace(found, layers=(*found.layers[:place], *found.layers[place + 1 :]))
            found.write()

    # ── Where they are ──────────────────────────────────────────────────────────────────────────────────────────────

    def locate(self, volume_id: str, server_id: str) -> FileLocation:
        found = self._chain(volume_id)
        require_not_given_out(self._host, volume_id)
        for path in found.files:
            guest_users.give(path, server_id)
        return {"kind": "file", "path": str(found.top), "format": "qcow2"}

    def ensure_export(self, wanted: ExportEnsure, job: Job) -> Exported:
        """Raises: Failure not_found, in_use, hypervisor_refused, unreachable."""
        found = self._chain(wanted["volume_id"])
        require_no_holder(self._host, wanted["volume_id"])
        for path in found.files:
            confinement.give(path, "storage", mode=0o600, whole=True)
        return self._host.exports.ensure(wanted, found.top, "qcow2")

    def remove_export(self, volume_id: str, job: Job) -> None:
        """Raises: Failure unreachable, hypervisor_refused."""
        self._host.exports.remove(volume_id)
        if (found := chain.read(self.volumes / volume_id)) is not None and not self._host.hypervisor.holders(volume_id):
            for path in found.files:
                guest_users.give(path, volume_id)

    def copy_out(self, volume_id: str, disk_format: str, job: Job) -> tuple[Path, int]:
        found = self._chain(volume_id)
        require_free(self._host, volume_id)
        copy = guest_users.fresh(self._exports / f"{volume_id}.{disk_format}", volume_id)
        self._as_owner_of(copy, found.top)
        try:
            self._copy(found.top, copy, disk_format, job)
        except Failure:
            copy.unlink(missing_ok=True)
            raise
        return copy, self._virtual_size(found.top, "qcow2", job)

    def _copy(self, source: Path, target: Path, disk_format: str, job: Job) -> None:
        """Copy what a layer and all below it say, as its owner: `target` is its own too."""
        self._need(sum(Path(layer["filename"]).stat().st_blocks * 512 for layer in qemu_img.chain(source, job)))
        argv = ("convert", "-q", "-U", "-f", "qcow2", "-O", disk_format, str(source), str(target))
        qemu_img.call(job, *argv, of=source)

    def _chain(self, volume_id: str) -> Chain:
        found = chain.read(self.volumes / volume_id)
        if found is None:
            raise Failure("not_found", what="volume", id=volume_id)
        return found

    @staticmethod
    def _virtual_size(path: Path, fmt: str, job: Job) -> int:
        return int(qemu_img.info(path, fmt, job)["virtual-size"])

    # ── Facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def read_volumes(self) -> list[str]:
        return sorted(path.parent.name for path in self.volumes.glob(f"*/{chain.NAME}") if path.parent.suffix != GONE)

    def read_facts(self) -> BackendFacts:
        room = os.statvfs(self.volumes)
        return {
            "total_gib": room.f_blocks * room.f_frsize // GIB,
            "free_gib": room.f_bavail * room.f_frsize // GIB,
        }

    def _need(self, size: int) -> None:
        require_room(self.volumes, size)
