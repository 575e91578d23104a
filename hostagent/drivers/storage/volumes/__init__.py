"""Backends of volumes: where the volumes of a host lie, and what is done with them there."""

from pathlib import Path
from typing import ClassVar, Protocol

from hostagent.agent.job import Job
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import Failure
from hostagent.contract.location import DiskLocation
from hostagent.contract.volume import BackendFacts, Exported, ExportEnsure, VolumeEnsure
from hostagent.drivers.context import HostContext


def require_free(host: HostContext, volume_id: str) -> None:
    """Raises: Failure in_use while a domain of this host has a volume, or one of another host: no file is written by two."""
    require_not_given_out(host, volume_id)
    require_no_holder(host, volume_id)


def require_not_given_out(host: HostContext, volume_id: str) -> None:
    """Raises: Failure in_use while a guest of another host has a volume, or may have."""
    if attachment := host.exports.find(volume_id):
        raise Failure("in_use", what="volume", id=volume_id, server=f"of attachment {attachment}")


def require_no_holder(host: HostContext, volume_id: str) -> None:
    """Raises: Failure in_use while a domain of this host has a volume."""
    if holders := host.hypervisor.holders(volume_id):
        raise Failure("in_use", what="volume", id=volume_id, server=holders[0])


class Volumes(Protocol):
    """Every verb may be repeated. A volume is written to only while no domain of the host has it. Raises: Failure."""

    capabilities: ClassVar[frozenset[Capability]]
    #: The folder with what volumes may rest on; a guest may read it.
    bases: Path

    def ensure(self, volume: VolumeEnsure, job: Job) -> None:
        """Make a volume, where it is missing: of zeros, of an image, or as a copy."""

    def remove(self, volume_id: str, job: Job) -> None:
        """Remove a volume and its snapshots. Absent is success."""

    def ensure_size(self, volume_id: str, size_gib: int, job: Job) -> None:
        """Grow a volume to this size, where it is smaller."""

    def ensure_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        """Keep the volume as it is now under this id, unless that was done before."""

    def remove_snapshot(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        """Forget a snapshot; the volume and its other snapshots stay as they are. Absent is success."""

    def revert(self, volume_id: str, snapshot_id: str, job: Job) -> None:
        """Make the volume as it was when its newest snapshot was made."""

    def locate(self, volume_id: str, server_id: str) -> DiskLocation:
        """Tell where a volume is, ready to be opened by this server's guest. Raises: Failure not_found, in_use."""

    def ensure_export(self, wanted: ExportEnsure, job: Job) -> Exported:
        """Give a volume out to the guest of another host, as is wanted and no other way."""

    def remove_export(self, volume_id: str, job: Job) -> None:
        """Give it out no more. Absent is success."""

    def copy_out(self, volume_id: str, disk_format: str, job: Job) -> tuple[Path, int]:
        """Copy a volume into a file of QEMU's format that stands alone, the caller's to remove; and its virtual size."""

    def read_volumes(self) -> list[str]:
        """List the volumes that are here."""

    def read_facts(self) -> BackendFacts: ...
