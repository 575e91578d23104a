"""The images of a pool: fetched from control once, verified, and kept for the disks that rest on them."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hostagent.agent.control_link import ControlError, ControlLink
from hostagent.agent.job import Job
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource
from hostagent.drivers.storage import qemu_img
from hostagent.drivers.storage.image_cache import ImageCache
from hostagent.machine import guest_users
from hostagent.process.durable import put_whole

TRIES: Final = 2  # a broken download is made once more before it is a failure


class Images:
    """`need(bytes)` raises Failure no_space where the pool has less room."""

    def __init__(self, link: Callable[[], ControlLink], cache: ImageCache, need: Callable[[int], None]) -> None:
        self._link = link
        self._need = need
        self.cache = cache
        self.folder = cache.folder
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def ensure(self, image: ImageSource, job: Job) -> Path:
        """Bring an image here, with the bytes that its checksum says.

        Raises: Failure image_unreachable, image_corrupt, no_space, timed_out.
        """
        path = self.path_of(image)
        with self._guard:
            lock = self._locks.setdefault(image["checksum"], threading.Lock())
        with lock:
            if not path.exists():
                self._fetch(image, path, job)
                self.cache.make_room()
            self.cache.note_use(path)
        return path

    def path_of(self, image: ImageSource) -> Path:
        """Where an image lies, or would lie."""
        return self.folder / (image["checksum"] + (".qcow2" if image["disk_format"] in qemu_img.CONVERTED else ""))

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
        if image["disk_format"] in qemu_img.CONVERTED:
            part = self._convert(image, part, job)
        put_whole(part, path)

    def _convert(self, image: ImageSource, part: Path, job: Job) -> Path:
        """A verified image as qcow2, in the place of its own bytes. Raises: Failure no_space, hypervisor_refused."""
        self._need(image["size"])
        fresh = guest_users.fresh_image(part.with_suffix(".new.part"))
        qemu_img.call(
            job, "convert", "-q", "-f", qemu_img.own_format(image), "-O", "qcow2", str(part), str(fresh), of=part
        )
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
                    for piece in self._link().download(image["path"], start):
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
        info = qemu_img.info(path, qemu_img.own_format(image), job)
        data_file = info.get("format-specific", {}).get("data", {}).get("data-file")
        if info.get("backing-filename") or data_file:
            path.unlink()
            raise Failure(
                "image_corrupt",
                image_id=image["id"],
                want="an image that stands alone",
                have="one with a backing or data file",
            )


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
