"""Storages: where the disks of a host's servers lie."""

from pathlib import Path
from typing import Any, ClassVar, Protocol

from hostagent.agent.job import Job
from hostagent.contract.capabilities import Capability
from hostagent.contract.disk import DiskEnsure, DiskMade
from hostagent.contract.image import ImageSource
from hostagent.drivers.registry import Choice, Choices


def folder_of(choice: Choice, chosen: Choices, data: Path) -> Path:
    """Where a pool lies: the folder that settings name; else the host's own, `data`, for the first, and a part of it for others."""
    if choice.place:
        return Path(choice.place)
    return data if choice == chosen.main("storage") else data / "pools" / choice.name


class Storage(Protocol):
    """Every verb may be repeated. Raises: Failure."""

    capabilities: ClassVar[frozenset[Capability]]

    def ensure_image(self, image: ImageSource, job: Job) -> Path:
        """The image is here, and its bytes are what their checksum says."""

    def ensure_disk(self, disk: DiskEnsure, job: Job) -> DiskMade:
        """The root disk exists."""

    def ensure_size(self, server_id: str, size_gib: int, job: Job) -> None:
        """The root disk is at least this large. The server is off."""

    def ensure_blank(self, server_id: str, source: dict[str, Any], job: Job) -> Path:
        """A disk that starts empty exists: `source` of a DiskSpec of kind "blank"."""

    def ensure_config_drive(self, server_id: str, files: dict[str, str]) -> Path:
        """An ISO labelled config-2 with these files (name → base64)."""

    def remove_disk(self, server_id: str) -> None:
        """Everything of a server: root disk, config drive, console log. Absent is success."""

    def put_aside(self, server_id: str, place: Path) -> None:
        """Everything of a server lies in `place`. Absent is success."""

    def take_back(self, server_id: str, place: Path) -> None:
        """The same, the other way. Raises: Failure hypervisor_refused where the server has something here by now."""

    def keep_record(self, server_id: str, record: dict[str, Any]) -> None:
        """What control says of a server lies beside its disks: it may have to be told from there one day."""

    def read_record(self, server_id: str) -> dict[str, Any]: ...

    def root_path(self, server_id: str) -> Path: ...

    def flatten(self, source: Path, target: Path, job: Job) -> None:
        """Copy a qcow2 chain into one file that stands alone."""

    def read_disks(self) -> list[str]:
        """Servers that have something here."""

    def read_facts(self) -> dict[str, int]:
        """disk_gib, disk_free_gib, image_cache_gib."""
