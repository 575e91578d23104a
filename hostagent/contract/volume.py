"""The verbs of volumes and their snapshots, in the backends of a host."""

from typing import Final, Literal, NotRequired, TypedDict

from hostagent.contract.image import FETCH_FAILS, ImageSource
from hostagent.contract.server import SnapshotSent
from hostagent.contract.verb import Nothing, Serial, Verb

#: One cast a volume at a time, of it and of its snapshots.
VOLUME: Final = Serial("volume", "volume_id")


class OfVolume(TypedDict):
    volume_id: str
    backend: str  # the name of the backend in which it lies


class VolumeCopy(TypedDict):
    """What a new volume is a copy of: another volume of the backend that nobody writes to, or a snapshot of one."""

    volume_id: str
    snapshot_id: str  # "": the volume as it is


class VolumeEnsure(OfVolume):
    size_gib: int
    image: NotRequired[ImageSource | None]  # what it starts as; nothing: zeros
    copy: NotRequired[VolumeCopy | None]


class VolumeResize(OfVolume):
    size_gib: int


class OfSnapshot(OfVolume):
    snapshot_id: str


class VolumeSend(OfVolume):
    image_id: str
    upload_path: str  # on control: the copy is PUT there
    disk_format: Literal["raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx"]  # QEMU's names


class ExportEnsure(OfVolume):
    """Gives a volume out to the guest of one other host."""

    attachment_id: str  # whose it is: another one takes the place of the first
    username: str
    password: str  # CHAP's
    clients: list[str]  # the addresses from which it may be opened


class Exported(TypedDict):
    """Where a volume is given out: an iSCSI target with one unit, 1."""

    address: str
    port: int
    target: str  # its name; it ends with the volume's id


class BackendFacts(TypedDict):
    """What an inventory says of a backend."""

    total_gib: int
    free_gib: int


#: How what is asked of a volume that is there may fail.
_FAILS: Final = ("not_found", "in_use", "no_space", "hypervisor_refused")

#: The volume exists, as large and with what is said in it. Made once: what is there stays as it is.
VOLUME_ENSURE: Final = Verb(
    "volume.ensure", VolumeEnsure, Nothing, fails=(*{*_FAILS, *FETCH_FAILS, "too_small"},), serial=VOLUME, pool="bulk"
)
#: With its snapshots; absent is success.
VOLUME_REMOVE: Final = Verb("volume.remove", OfVolume, Nothing, fails=(*_FAILS, "unreachable"), serial=VOLUME)
#: It is at least this large. No guest has it.
VOLUME_RESIZE: Final = Verb("volume.resize", VolumeResize, Nothing, fails=_FAILS, serial=VOLUME, pool="bulk")
#: The snapshot exists: the volume as it was when this was first done. No guest has it.
SNAPSHOT_ENSURE: Final = Verb("snapshot.ensure", OfSnapshot, Nothing, fails=_FAILS, serial=VOLUME, pool="bulk")
#: Absent is success.
SNAPSHOT_REMOVE: Final = Verb("snapshot.remove", OfSnapshot, Nothing, fails=_FAILS, serial=VOLUME, pool="bulk")
#: The volume is as it was when its newest snapshot was made. No guest has it.
SNAPSHOT_RESTORE: Final = Verb("snapshot.restore", OfSnapshot, Nothing, fails=_FAILS, serial=VOLUME, pool="bulk")
#: A copy goes to control as an image. No guest has it.
VOLUME_SEND: Final = Verb(
    "volume.send", VolumeSend, SnapshotSent, fails=(*_FAILS, "image_unreachable"), serial=VOLUME, pool="bulk",
    is_remembered=True,
)  # fmt: skip
#: The volume is given out as said, and no other way. No guest of its own host has it.
EXPORT_ENSURE: Final = Verb(
    "export.ensure", ExportEnsure, Exported, fails=(*_FAILS, "unreachable"), serial=VOLUME, secret=("password",)
)
#: The volume is given out no more: whoever had it open has lost it. Absent is success.
EXPORT_REMOVE: Final = Verb("export.remove", OfVolume, Nothing, fails=(*_FAILS, "unreachable"), serial=VOLUME)
