"""Storages: where the disks of a host's servers lie."""

from pathlib import Path
from typing import ClassVar, Protocol

from hostagent.agent.job import Job
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.image import ImageSource
from hostagent.contract.location import DiskLocation, FileLocation, LocalSource
from hostagent.contract.volume import Exported, ExportEnsure
from hostagent.drivers.registry import Choice, Choices


def folder_of(choice: Choice, chosen: Choices, data: Path) -> Path:
    """Where a pool lies: the folder that settings name; else the host's own, `data`, for the first, and a part of it for others."""
    if choice.place:
        return Path(choice.place)
    return data if choice == chosen.main("storage") else data / "pools" / choice.name


class Overlays(Protocol):
    """The overlays to which a guest writes while its root disk is copied. Raises: Failure.

    An overlay that is listed may be newer than what lies below it; one in no list is older than the root disk.
    """

    def begin(self, name: str, job: Job) -> FileLocation:
        """Make an empty overlay on the root disk and list it, before a guest writes to it."""

    def are_listed(self) -> bool: ...

    def is_one(self, location: DiskLocation) -> bool:
        """Whether this is where an overlay lies."""

    def note(self, overlay: DiskLocation, *, held: bool = False) -> None:
        """List this overlay alone, on the disk before it returns. `held`: the guest is being held still meanwhile."""

    def is_held(self) -> bool: ...

    def forget(self) -> None:
        """Remove the list, then the overlays: the root disk alone is live."""

    def settle(self, job: Job) -> None:
        """Write the listed overlays, which no guest uses, into the root disk. May be cut and repeated."""


class Exports(Protocol):
    """Volumes of a host that guests of other hosts have."""

    def start(self) -> None:
        """Bring back what was given out, and keep it so."""

    def stop(self) -> None:
        """Let go. What is given out stays so."""

    def find(self, volume_id: str) -> str:
        """Return for which attachment a volume is given out; "" where it is not."""

    def volumes(self) -> list[str]:
        """List the volumes that are given out."""

    def ensure(self, wanted: ExportEnsure, image: Path, fmt: str) -> Exported:
        """Give a volume out as is wanted, and no other way: a file with the bytes, and QEMU's name for its format. Raises: Failure unreachable."""

    def remove(self, volume_id: str) -> None:
        """Give a volume out no more. Absent is success. Raises: Failure unreachable."""


class Storage(Protocol):
    """Every verb may be repeated. Raises: Failure."""

    capabilities: ClassVar[frozenset[Capability]]
    #: The folder with what disks may rest on; a guest may read it, and nothing else beside its own.
    bases: Path

    def ensure_image(self, image: ImageSource, job: Job) -> FileLocation:
        """Bring an image to the host, with the bytes that its checksum says."""

    def ensure_disk(self, disk: DiskEnsure, job: Job) -> DiskMade:
        """Make the root disk, where it is missing."""

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        """Grow the root disk to this size, where it is smaller. The server is off."""

    def root(self, server_id: str) -> DiskLocation:
        """Tell where the root disk is, or would be."""

    def locate(self, server_id: str, source: LocalSource, job: Job) -> DiskLocation:
        """Tell where a disk of a domain is, ready to be opened by the guest; a blank one is made. Raises: Failure not_found."""

    def overlays(self, server_id: str) -> Overlays: ...

    def copy_out(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        """Copy the root disk as it is now into a qcow2 file that stands alone, the caller's to remove; and its virtual size."""

    def remove_disk(self, server_id: str) -> None:
        """Remove all disks of a server. Absent is success."""

    def put_aside(self, server_id: str, place: Path) -> None:
        """Move all disks of a server to `place`. Absent is success."""

    def take_back(self, server_id: str, place: Path) -> None:
        """Move them the other way. Raises: Failure hypervisor_refused where the server has something here by now."""

    def read_disks(self) -> list[str]:
        """List the servers that have something here."""

    def read_facts(self) -> dict[str, int]:
        """Tell disk_gib, disk_free_gib and image_cache_gib."""
