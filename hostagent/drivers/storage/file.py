"""Disks as qcow2 files on the host, each an overlay on a cached image whose bytes were verified once.

<pool>/cache/<sha512>             images, read-only, shared by all servers of the host
<pool>/disks/<server>/root.qcow2  the root disk;  before-growth.qcow2 the root disk as it was, while it may have to come back;
                                  beside them what drivers/guest_files.py keeps
<pool>/snapshots/<name>.qcow2     a flat copy on its way to control
"""

import os
import shutil
import stat
from pathlib import Path
from typing import ClassVar, Final

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.contract.location import BlankSource, DiskLocation, FileLocation, LocalSource
from hostagent.drivers.context import HostContext
from hostagent.drivers.guest_files import CONFIG_DRIVE
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage import folder_of, overlays, qemu_img
from hostagent.drivers.storage.image_cache import ImageCache
from hostagent.drivers.storage.images import Images
from hostagent.machine import guest_users
from hostagent.machine.disk_space import EMPTY_QCOW2, require_room
from hostagent.process.durable import put_whole, sync_file, sync_folder

#: What makes the content of a blank disk; the label and the file follow.
MAKERS: Final = {"ext4": ("/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L"), "swap": ("/usr/sbin/mkswap", "-L")}


class FileStorage:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.DISK_RESIZE, can.SNAPSHOT, can.KERNEL_IMAGES})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        data = folder_of(choice, host.settings.drivers, host.own.data)
        self.cache, self.disks, self._snapshots = data / "cache", data / "disks", data / "snapshots"
        for folder in (self.cache, self.disks, self._snapshots):
            guest_users.folder(folder)
        self.bases = self.cache
        self._put_right()
        cache = ImageCache(data, self.cache, host.settings.image_cache)
        self.images = Images(lambda: host.link, cache, self._need)

    def _put_right(self) -> None:
        """Files from when all guests were root, or from a host whose guests had other users."""
        for path in self.cache.iterdir():
            if path.suffix != ".part":
                guest_users.share(path)
        for home in self.disks.iterdir():
            guest_users.folder(home)
            for path in home.iterdir():
                if path.suffix != ".json":  # what is recorded of the server is root's: root believes it
                    guest_users.give(path, home.name, mode=0o400 if path.name == CONFIG_DRIVE else 0o600)

    # ── Disks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure_disk(self, disk: DiskEnsure, job: Job) -> DiskMade:
        """`kept` in the body says what becomes of the disk as it was before it grew: `back` puts it in the root disk's
        place, `gone` removes it. Neither makes a disk, and without one both have nothing to do.

        Raises: Failure of ensure_image, no_space, hypervisor_refused (qemu-img's own word).
        """
        root = self.root_path(disk["server_id"])
        if kept := disk.get("kept"):
            self._end_growth(disk["server_id"], back=kept == "back")
            return {"cached": True}
        image = disk["image"]
        cached = image is None or self.images.path_of(image).exists()
        if root.exists():
            return {"cached": True}
        base = self.images.ensure(image, job) if image is not None else None
        self._need(EMPTY_QCOW2)
        self._folder(root.parent)
        fresh = guest_users.fresh(root.with_suffix(".new"), disk["server_id"])
        backing = ["-b", str(base), "-F", qemu_img.kept_format(image)] if image is not None else []
        size = self._size(disk, base, job)
        qemu_img.call(job, "create", "-q", "-f", "qcow2", *backing, str(fresh), *size, of=fresh)
        put_whole(fresh, root)
        return {"cached": cached}

    def _folder(self, home: Path) -> None:
        is_new = not home.exists()
        guest_users.folder(home)
        if is_new:
            sync_folder(self.disks)

    def _size(self, disk: DiskEnsure, base: Path | None, job: Job) -> list[str]:
        """The size argument; none where the image is as large or larger."""
        wanted = disk["size_gib"] * 2**30
        if disk["image"] is None or base is None:
            return [str(wanted or 2**30)]
        virtual = qemu_img.info(base, qemu_img.kept_format(disk["image"]), job)["virtual-size"]
        return [str(wanted)] if wanted > virtual else []

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        """Grow the disk. As it is now it is kept beside it until ensure_disk is told what becomes of that.

        Raises: Failure not_found, no_space, hypervisor_refused, timed_out.
        """
        root = self.root_path(server_id)
        if not root.exists():
            raise Failure("not_found", what="disk", id=server_id)
        self.settle(server_id, job)
        if self.virtual_size(root, job) < size_gib * 2**30:
            self._keep(root, self.kept_path(server_id), job)
            qemu_img.call(job, "resize", "-q", "-f", "qcow2", str(root), str(size_gib * 2**30), of=root)
            sync_file(root)

    def _keep(self, root: Path, kept: Path, job: Job) -> None:
        """A copy once: what is there already is older, and what would come back. Free where files can share blocks."""
        if kept.exists():
            return
        self._need(root.stat().st_blocks * 512)
        fresh = guest_users.fresh(kept.with_suffix(".new"), kept.parent.name)
        qemu_img.run(job, ["cp", "--reflink=auto", "--sparse=always", str(root), str(fresh)], of=root)
        put_whole(fresh, kept)

    def _end_growth(self, server_id: str, *, back: bool) -> None:
        kept = self.kept_path(server_id)
        kept.with_suffix(".new").unlink(missing_ok=True)
        if not back:
            kept.unlink(missing_ok=True)
        elif kept.exists():
            overlays.forget(kept.parent)  # they lie over the disk that goes: in the older one they would be garbage
            put_whole(kept, self.root_path(server_id))

    def kept_path(self, server_id: str) -> Path:
        return self.disks / server_id / "before-growth.qcow2"

    def ensure_image(self, image: ImageSource, job: Job) -> FileLocation:
        """Raises: Failure image_unreachable, image_corrupt, no_space, timed_out."""
        return {"kind": "file", "path": str(self.images.ensure(image, job)), "format": qemu_img.kept_format(image)}

    def ensure_blank(self, server_id: str, source: BlankSource, job: Job) -> DiskLocation:
        """Return a sparse disk of `size_mib`, formatted once as `content` says and labelled `name`; it only grows.

        Raises: Failure no_space, hypervisor_refused (mke2fs's or mkswap's own word).
        """
        path = self.blank_path(server_id, source["name"])
        size = source["size_mib"] * 2**20
        if not path.exists():
            self._need(EMPTY_QCOW2)
            self._folder(path.parent)
            fresh = guest_users.fresh(path.with_suffix(".new"), server_id)
            os.truncate(fresh, size)
            qemu_img.run(job, [*MAKERS[source["content"]], source["name"], str(fresh)], of=fresh)
            put_whole(fresh, path)
        elif path.stat().st_size < size:
            os.truncate(path, size)
            sync_file(path)
        return {"kind": "file", "path": str(path), "format": "raw"}

    def blank_path(self, server_id: str, name: str) -> Path:
        return self.disks / server_id / f"{name}.raw"

    def remove_disk(self, server_id: str) -> None:
        folder = self.disks / server_id
        if folder.exists():
            shutil.rmtree(folder)

    def put_aside(self, server_id: str, place: Path) -> None:
        """Renamed, within one file system: nothing is copied, and a kill leaves each folder in one place or the other."""
        if (self.disks / server_id).exists():
            (self.disks / server_id).rename(place / "disks")
        for folder in (self.disks, place):
            sync_folder(folder)

    def take_back(self, server_id: str, place: Path) -> None:
        own = self.disks / server_id
        if (place / "disks").exists():
            if own.exists():
                raise Failure("hypervisor_refused", detail=f"{own} is there already: what lies in {place} stays there")
            (place / "disks").rename(own)
        sync_folder(self.disks)

    # ── Where disks are ─────────────────────────────────────────────────────────────────────────────────────────────

    def root(self, server_id: str) -> DiskLocation:
        return {"kind": "file", "path": str(self.root_path(server_id)), "format": "qcow2"}

    def locate(self, server_id: str, source: LocalSource, job: Job) -> DiskLocation:
        """Make what control names by its path the guest's. Raises: Failure not_found, and those of ensure_blank."""
        if source["kind"] == "blank":
            return self.ensure_blank(server_id, source, job)
        if source["kind"] == "root" or source["kind"] == "rescue":
            path = self.root_path(server_id).with_name(f"{source['kind']}.qcow2")
            if not path.exists():
                raise Failure("not_found", what=f"{source['kind']} disk", id=server_id)
            return {"kind": "file", "path": str(path), "format": "qcow2"}
        if source["kind"] != "network":
            _hand_over(Path(source["path"]), server_id)
        return source

    def root_path(self, server_id: str) -> Path:
        return self.disks / server_id / "root.qcow2"

    def copy_out(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        """Raises: Failure not_found, and as flatten()."""
        if not self.root_path(server_id).exists():
            raise Failure("not_found", what="root disk", id=server_id)
        copy = self._snapshots / f"{name}.qcow2"
        self.flatten(self.root_path(server_id), copy, job)
        return copy, self.virtual_size(copy, job)

    def overlays(self, server_id: str) -> "FileOverlays":
        return FileOverlays(self, server_id)

    def flatten(self, source: Path, target: Path, job: Job) -> None:
        """Raises: Failure no_space, timed_out, hypervisor_refused."""
        guest_users.folder(target.parent)
        guest_users.fresh(target, source.parent.name)
        self._need(sum(Path(layer["filename"]).stat().st_blocks * 512 for layer in qemu_img.chain(source, job)))
        try:
            qemu_img.call(job, "convert", "-U", "-f", "qcow2", "-O", "qcow2", str(source), str(target), of=source)
        except Failure:
            target.unlink(missing_ok=True)
            raise

    def commit(self, overlay: Path, job: Job) -> None:
        """Write an overlay that no guest uses back into the file below it."""
        qemu_img.call(job, "commit", "-q", "-f", "qcow2", str(overlay), of=overlay)

    def settle(self, server_id: str, job: Job) -> None:
        """Merge what overlays of a cut snapshot hold into the root disk, which no guest uses. May be cut and repeated."""
        folder = self.disks / server_id
        for overlay in reversed(overlays.listed(folder)):
            if overlay.exists():
                self.commit(overlay, job)
                sync_file(self.root_path(server_id))
        overlays.forget(folder)

    def overlay_on(self, root: Path, overlay: Path, job: Job) -> None:
        """Make an empty overlay on a root disk that a guest may be using, here because the folder is not the guest's.

        Whole before it is listed, listed before it is there under its name, and all of it on the disk before a guest writes.
        """
        overlay.unlink(missing_ok=True)  # in no list: what it held has gone into the root disk
        fresh = guest_users.fresh(overlay.with_suffix(".new"), root.parent.name)
        size = str(self.virtual_size(root, job))
        qemu_img.call(
            job, "create", "-q", "-u", "-f", "qcow2", "-b", str(root), "-F", "qcow2", str(fresh), size, of=fresh
        )
        sync_file(fresh)
        sync_folder(root.parent)
        overlays.note(root.parent, overlay)
        fresh.replace(overlay)
        sync_folder(root.parent)

    def virtual_size(self, path: Path, job: Job) -> int:
        return int(qemu_img.info(path, "qcow2", job)["virtual-size"])

    # ── Facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def read_disks(self) -> list[str]:
        return sorted(folder.name for folder in self.disks.iterdir())

    def read_facts(self) -> dict[str, int]:
        room = os.statvfs(self.disks)
        return {
            "disk_gib": room.f_blocks * room.f_frsize // 2**30,
            "disk_free_gib": room.f_bavail * room.f_frsize // 2**30,
            "image_cache_gib": -(-self.images.cache.limit // 2**30),
        }

    def _need(self, size: int) -> None:
        require_room(self.disks, size)


class FileOverlays:
    """The overlays over one root disk, kept by the list beside it (overlays.py)."""

    def __init__(self, storage: FileStorage, server_id: str) -> None:
        self._storage = storage
        self._server_id = server_id
        self._root = storage.root_path(server_id)

    def begin(self, name: str, job: Job) -> FileLocation:
        overlay = self._root.with_name(f"{overlays.PREFIX}{name}.qcow2")
        self._storage.overlay_on(self._root, overlay, job)
        return {"kind": "file", "path": str(overlay), "format": "qcow2"}

    def are_listed(self) -> bool:
        return bool(overlays.listed(self._root.parent))

    def is_one(self, location: DiskLocation) -> bool:
        return location["kind"] == "file" and Path(location["path"]).name.startswith(overlays.PREFIX)

    def note(self, overlay: DiskLocation, *, held: bool = False) -> None:
        assert overlay["kind"] == "file"  # nothing else is_one
        overlays.note(self._root.parent, Path(overlay["path"]), paused=held)

    def is_held(self) -> bool:
        return overlays.is_held(self._root.parent)

    def forget(self) -> None:
        overlays.forget(self._root.parent)

    def settle(self, job: Job) -> None:
        self._storage.settle(self._server_id, job)


def _hand_over(path: Path, server_id: str) -> None:
    """A plain file or a block device becomes the guest's; anything else stays whose it is."""
    if path.exists():
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISBLK(mode):
            guest_users.give(path, server_id)
