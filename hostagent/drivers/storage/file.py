"""Disks as qcow2 files on the host, each an overlay on a cached image whose bytes were verified once.

<host data>/cache/<sha512>             images, read-only, shared by all servers of the host
<host data>/disks/<server>/root.qcow2  the root disk;  config.iso the config drive;  before-growth.qcow2 the root disk
                                       as it was, while it may have to come back
<host data>/consoles/<server>.log      the kept serial log
"""

import hashlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any, ClassVar, Final

from hostagent.agent.control_link import ControlError
from hostagent.agent.job import ChildError, Job
from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.drivers.context import HostContext
from hostagent.drivers.registry import Choice
from hostagent.drivers.storage import folder_of, overlays
from hostagent.drivers.storage.image_cache import ImageCache
from hostagent.machine import guest_users
from hostagent.process.durable import put_whole, read_whole, sync_file, sync_folder, write_whole

CONFIG_DRIVE: Final = "config.iso"
SPARE: Final = 256 * 2**20  # bytes never promised: logs, journals and metadata need to grow too
EMPTY_OVERLAY: Final = 2 * 2**20  # bytes an overlay takes at first
RECORD: Final = "server.json"  # beside the disks: what control last said of the server
TRIES: Final = 2  # a broken download is made once more before it is a failure
#: What makes the content of a blank disk; the label and the file follow.
MAKERS: Final = {"ext4": ("/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L"), "swap": ("/usr/sbin/mkswap", "-L")}
#: Glance's names → QEMU's. Others are the same in both.
FORMATS: Final = {"iso": "raw", "ami": "raw", "ari": "raw", "aki": "raw", "vhd": "vpc"}
#: Formats that QEMU reads and libvirt does not (it would open them as raw): such an image is kept as qcow2.
CONVERTED: Final = frozenset({"vhdx"})


class FileStorage:
    capabilities: ClassVar[frozenset[Capability]] = frozenset({can.DISK_RESIZE, can.SNAPSHOT, can.KERNEL_IMAGES})

    def __init__(self, host: HostContext, choice: Choice) -> None:
        self._host = host
        data = folder_of(choice, host.settings.drivers, host.own.data)
        self.cache, self.disks, self.consoles = data / "cache", data / "disks", data / "consoles"
        for folder in (self.cache, self.disks, data / "snapshots"):
            guest_users.folder(folder)
        self.consoles.mkdir(parents=True, exist_ok=True)
        self.consoles.chmod(0o700)
        self._put_right()
        self.images = ImageCache(data, self.cache, host.settings.image_cache)
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

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
        for path in self.consoles.iterdir():
            path.chmod(0o600)

    # ── Images ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure_image(self, image: ImageSource, job: Job) -> Path:
        """Raises: Failure image_unreachable, image_corrupt, no_space, timed_out."""
        path = self._cached(image)
        with self._guard:
            lock = self._locks.setdefault(image["checksum"], threading.Lock())
        with lock:
            if not path.exists():
                self._fetch(image, path, job)
                self.images.make_room()
            self.images.note_use(path)
        return path

    def _cached(self, image: ImageSource) -> Path:
        return self.cache / (image["checksum"] + (".qcow2" if image["disk_format"] in CONVERTED else ""))

    def _fetch(self, image: ImageSource, path: Path, job: Job) -> None:
        part = path.with_suffix(".part")
        for attempt in range(1, TRIES + 1):
            self._need(image["size"] - (part.stat().st_size if part.exists() else 0))
            self._download(image, part, job)
            have = _sha512(part)
            if have == image["checksum"]:
                break
            part.unlink()
            if attempt == TRIES:
                raise Failure("image_corrupt", image_id=image["id"], want=image["checksum"], have=have)
        self._refuse_chains(image, guest_users.share(part), job)
        if image["disk_format"] in CONVERTED:
            part = self._convert(image, part, job)
        put_whole(part, path)

    def _convert(self, image: ImageSource, part: Path, job: Job) -> Path:
        """A verified image as qcow2, in the place of its own bytes. Raises: Failure no_space, hypervisor_refused."""
        self._need(image["size"])
        fresh = guest_users.fresh_image(part.with_suffix(".new.part"))
        _qemu_img(job, "convert", "-q", "-f", _own_format(image), "-O", "qcow2", str(part), str(fresh), of=part)
        part.unlink()
        return guest_users.share(fresh)

    def _download(self, image: ImageSource, part: Path, job: Job) -> None:
        """Go on where an earlier try ended. A connection that breaks after some bytes is taken up again."""
        while True:
            start = part.stat().st_size if part.exists() else 0
            if start >= image["size"]:
                return
            try:
                with part.open("ab") as file:
                    for piece in self._host.link.download(image["path"], start):
                        job.check()
                        file.write(piece)
                        job.progress = round(file.tell() / max(image["size"], 1), 3)
            except ControlError as error:
                if not part.exists() or part.stat().st_size <= start:
                    raise Failure("image_unreachable", image_id=image["id"], detail=str(error)) from error
            else:
                if part.stat().st_size <= start:
                    raise Failure(
                        "image_unreachable", image_id=image["id"], detail="control sent fewer bytes than the image has"
                    )

    def _refuse_chains(self, image: ImageSource, path: Path, job: Job) -> None:
        """An image that points at another file could read the host's. Control refuses it too; this is the second lock."""
        info = self._info(path, _own_format(image), job)
        data_file = info.get("format-specific", {}).get("data", {}).get("data-file")
        if info.get("backing-filename") or data_file:
            path.unlink()
            raise Failure(
                "image_corrupt",
                image_id=image["id"],
                want="an image that stands alone",
                have="one with a backing or data file",
            )

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
        cached = image is None or self._cached(image).exists()
        if root.exists():
            return {"cached": True}
        base = self.ensure_image(image, job) if image is not None else None
        self._need(EMPTY_OVERLAY)
        self._folder(root.parent)
        fresh = guest_users.fresh(root.with_suffix(".new"), disk["server_id"])
        backing = ["-b", str(base), "-F", _format(image)] if image is not None else []
        size = self._size(disk, base, job)
        _qemu_img(job, "create", "-q", "-f", "qcow2", *backing, str(fresh), *size, of=fresh)
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
        virtual = self._info(base, _format(disk["image"]), job)["virtual-size"]
        return [str(wanted)] if wanted > virtual else []

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        """The disk as it is now is kept beside it until ensure_disk is told what becomes of that.

        Raises: Failure not_found, no_space, hypervisor_refused, timed_out.
        """
        root = self.root_path(server_id)
        if not root.exists():
            raise Failure("not_found", what="disk", id=server_id)
        self.settle(server_id, job)
        if self.virtual_size(root, job) < size_gib * 2**30:
            self._keep(root, self.kept_path(server_id), job)
            _qemu_img(job, "resize", "-q", "-f", "qcow2", str(root), str(size_gib * 2**30), of=root)
            sync_file(root)

    def _keep(self, root: Path, kept: Path, job: Job) -> None:
        """A copy once: what is there already is older, and what would come back. Free where files can share blocks."""
        if kept.exists():
            return
        self._need(root.stat().st_blocks * 512)
        fresh = guest_users.fresh(kept.with_suffix(".new"), kept.parent.name)
        _run(job, ["cp", "--reflink=auto", "--sparse=always", str(root), str(fresh)], of=root)
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

    def ensure_blank(self, server_id: str, source: dict[str, Any], job: Job) -> Path:
        """A sparse disk of `size_mib`, formatted once as `content` says and labelled `name`; it only grows.

        Raises: Failure no_space, hypervisor_refused (mke2fs's or mkswap's own word).
        """
        path = self.blank_path(server_id, source["name"])
        size = int(source["size_mib"]) * 2**20
        if not path.exists():
            self._need(EMPTY_OVERLAY)
            self._folder(path.parent)
            fresh = guest_users.fresh(path.with_suffix(".new"), server_id)
            os.truncate(fresh, size)
            _run(job, [*MAKERS[source["content"]], source["name"], str(fresh)], of=fresh)
            put_whole(fresh, path)
        elif path.stat().st_size < size:
            os.truncate(path, size)
            sync_file(path)
        return path

    def blank_path(self, server_id: str, name: str) -> Path:
        return self.disks / server_id / f"{name}.raw"

    def ensure_config_drive(self, server_id: str, files: dict[str, str]) -> Path:
        from hostagent.drivers.storage.config_drive import write_iso  # late: pycdlib is large and seldom used

        path = self.disks / server_id / CONFIG_DRIVE
        self._folder(path.parent)
        fresh = guest_users.fresh(path.with_suffix(".new"), server_id)
        write_iso(fresh, files)
        guest_users.give(fresh, server_id, mode=0o400)
        put_whole(fresh, path)
        return path

    def remove_disk(self, server_id: str) -> None:
        folder = self.disks / server_id
        if folder.exists():
            shutil.rmtree(folder)
        for log in self.consoles.glob(f"{server_id}.*"):
            log.unlink(missing_ok=True)

    def put_aside(self, server_id: str, place: Path) -> None:
        """Renamed, within one file system: nothing is copied, and a kill leaves each folder in one place or the other."""
        if (self.disks / server_id).exists():
            (self.disks / server_id).rename(place / "disks")
        logs = list(self.consoles.glob(f"{server_id}.*"))
        if logs:
            (place / "consoles").mkdir(exist_ok=True)
        for log in logs:
            log.rename(place / "consoles" / log.name)
        for folder in (self.disks, self.consoles, place):
            sync_folder(folder)

    def take_back(self, server_id: str, place: Path) -> None:
        own = self.disks / server_id
        if (place / "disks").exists():
            if own.exists():
                raise Failure("hypervisor_refused", detail=f"{own} is there already: what lies in {place} stays there")
            (place / "disks").rename(own)
        for log in sorted((place / "consoles").glob("*")) if (place / "consoles").exists() else ():
            log.rename(self.consoles / log.name)
        sync_folder(self.disks)

    def keep_record(self, server_id: str, record: dict[str, Any]) -> None:
        path = self.disks / server_id / RECORD
        if path.parent.exists() and record != self.read_record(server_id):
            write_whole(path, json.dumps(record))

    def read_record(self, server_id: str) -> dict[str, Any]:
        path = self.disks / server_id / RECORD
        found: dict[str, Any] = read_whole(path, lambda said: isinstance(said, dict), absent={}, damaged={})
        return found

    def root_path(self, server_id: str) -> Path:
        return self.disks / server_id / "root.qcow2"

    def flatten(self, source: Path, target: Path, job: Job) -> None:
        """Raises: Failure no_space, timed_out, hypervisor_refused."""
        guest_users.folder(target.parent)
        guest_users.fresh(target, source.parent.name)
        self._need(sum(Path(layer["filename"]).stat().st_blocks * 512 for layer in self._chain(source, job)))
        try:
            _qemu_img(job, "convert", "-U", "-f", "qcow2", "-O", "qcow2", str(source), str(target), of=source)
        except Failure:
            target.unlink(missing_ok=True)
            raise

    def commit(self, overlay: Path, job: Job) -> None:
        """Write an overlay that no guest uses back into the file below it."""
        _qemu_img(job, "commit", "-q", "-f", "qcow2", str(overlay), of=overlay)

    def settle(self, server_id: str, job: Job) -> None:
        """The root disk, which no guest uses, holds what overlays of a cut snapshot held. May be cut and repeated."""
        folder = self.disks / server_id
        for overlay in reversed(overlays.listed(folder)):
            if overlay.exists():
                self.commit(overlay, job)
                sync_file(self.root_path(server_id))
        overlays.forget(folder)

    def overlay_on(self, root: Path, overlay: Path, job: Job) -> None:
        """An empty overlay on a root disk that a guest may be using: made here, because the folder is not the guest's.

        Whole before it is listed, listed before it is there under its name, and all of it on the disk before a guest writes.
        """
        overlay.unlink(missing_ok=True)  # in no list: what it held has gone into the root disk
        fresh = guest_users.fresh(overlay.with_suffix(".new"), root.parent.name)
        size = str(self.virtual_size(root, job))
        _qemu_img(job, "create", "-q", "-u", "-f", "qcow2", "-b", str(root), "-F", "qcow2", str(fresh), size, of=fresh)
        sync_file(fresh)
        sync_folder(root.parent)
        overlays.note(root.parent, overlay)
        fresh.replace(overlay)
        sync_folder(root.parent)

    def virtual_size(self, path: Path, job: Job) -> int:
        return int(self._info(path, "qcow2", job)["virtual-size"])

    # ── Facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def read_disks(self) -> list[str]:
        return sorted(folder.name for folder in self.disks.iterdir())

    def read_facts(self) -> dict[str, int]:
        room = os.statvfs(self.disks)
        return {
            "disk_gib": room.f_blocks * room.f_frsize // 2**30,
            "disk_free_gib": room.f_bavail * room.f_frsize // 2**30,
            "image_cache_gib": -(-self.images.limit // 2**30),
        }

    def _need(self, size: int) -> None:
        room = os.statvfs(self.disks)
        have = room.f_bavail * room.f_frsize
        if have < size + SPARE:
            raise Failure("no_space", path=str(self.disks), need=size + SPARE, have=have)

    @staticmethod
    def _info(path: Path, fmt: str, job: Job) -> dict[str, Any]:
        return json.loads(_qemu_img(job, "info", "-U", "--output=json", "-f", fmt, str(path), of=path))

    @staticmethod
    def _chain(path: Path, job: Job) -> list[dict[str, Any]]:
        found = _qemu_img(job, "info", "-U", "--output=json", "--backing-chain", "-f", "qcow2", str(path), of=path)
        return json.loads(found)


def _own_format(image: ImageSource) -> str:
    """QEMU's name for the format in which an image comes."""
    return FORMATS.get(image["disk_format"], image["disk_format"])


def _format(image: ImageSource) -> str:
    """QEMU's name for the format in which an image lies in the cache."""
    return "qcow2" if image["disk_format"] in CONVERTED else _own_format(image)


def _qemu_img(job: Job, *argv: str, of: Path) -> bytes:
    """Raises: Failure no_space, hypervisor_refused, timed_out."""
    return _run(job, ["qemu-img", *argv], of=of)


def _run(job: Job, argv: list[str], *, of: Path) -> bytes:
    """As the guest whose file `of` is; an image is nobody's, and read as the user of all guests.

    Raises: Failure no_space, hypervisor_refused, timed_out.
    """
    try:
        return job.run(argv, uid=of.lstat().st_uid or None)
    except ChildError as error:
        if "No space left" in error.text:
            raise Failure("no_space", path=argv[-1], need=0, have=0) from error
        raise Failure("hypervisor_refused", detail=str(error)) from error


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
