"""Making volumes: of nothing, of an image, of a snapshot, of another volume."""

from dataclasses import dataclass, field
from typing import Final

from django.db import transaction

from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound
from images import services as images
from images.images.models import Image
from operations.starting import run
from volumes import scheduling
from volumes.snapshots import services as snapshots
from volumes.types import services as types
from volumes.volumes import errors, flows, services
from volumes.volumes.models import Volume

GIB: Final = 2**30
#: What a volume keeps of every image that it is made of; the rest are the image's own properties.
IMAGE_FACTS: Final = frozenset(
    {"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size"}
)


@dataclass(frozen=True)
class Wanted:
    """A volume that is asked for. `size` in GiB, None: as large as what it is made of. `type`: an id or a name."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    image_id: str | None = None
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    hints: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Source:
    """What a volume is made of: its least size in GiB, what is known of its image, and what stays until it is made."""

    least: int = 0
    image_metadata: dict[str, object] = field(default_factory=dict)
    holds: tuple[str, ...] = ()


@transaction.atomic
def create(actor: RequestContext, wanted: Wanted) -> Volume:
    """Begin to make a volume. Returns at once, creating.

    Raises: Forbidden, QuotaExceeded, TypeNotFound, BadVolumeSize, SeveralSources, VolumeZoneUnknown, VolumeImageUnknown,
    SnapshotNotFound, VolumeNotFound, and what refuses a copy of the source now.
    """
    project_id = actor.project_id or ""
    policy.require(actor, "volume:create", project_id)
    if wanted.availability_zone and wanted.availability_zone != scheduling.DEFAULT_ZONE:
        raise errors.VolumeZoneUnknown(zone=wanted.availability_zone, known=scheduling.DEFAULT_ZONE)
    source = _source_of(actor, wanted)
    size = _size(wanted.size, source)
    services.require_quota(project_id, size, {"volumes": 1, "gigabytes": size})
    volume = Volume(
        project_id=project_id,
        user_id=actor.user_id,
        name=wanted.name,
        description=wanted.description,
        size=size,
        type=types.of_request(actor, wanted.type),
        availability_zone=wanted.availability_zone or scheduling.DEFAULT_ZONE,
        metadata=wanted.metadata,
        bootable=bool(source.image_metadata),
        image_metadata=source.image_metadata,
        scheduler_hints=wanted.hints,
        image_id=wanted.image_id,
        snapshot_id=wanted.snapshot_id,
        source_volume_id=wanted.source_volume_id,
    )
    volume.save(force_insert=True)
    run(actor, volume, "create", flows.CREATE, None, source.holds)
    return volume


def _source_of(actor: RequestContext, wanted: Wanted) -> _Source:
    sources = [id for id in (wanted.image_id, wanted.snapshot_id, wanted.source_volume_id) if id]
    if len(sources) > 1:
        raise errors.SeveralSources()
    if wanted.image_id:
        return _image(actor, wanted.image_id)
    if wanted.snapshot_id:
        snapshot = snapshots.find(actor, wanted.snapshot_id, lock=True)
        snapshot.allow("copy")
        volume = Volume.objects.get(pk=snapshot.volume_id)
        return _Source(snapshot.size, volume.image_metadata, (f"volume_snapshot:{snapshot.id}",))
    if wanted.source_volume_id:
        volume = services.for_verb(actor, wanted.source_volume_id, "copy")
        return _Source(volume.size, volume.image_metadata, (f"volume:{volume.id}",))
    return _Source()


def _image(actor: RequestContext, image_id: str) -> _Source:
    """Look at the image that a volume is to be made of: active, and one that the actor may see."""
    try:
        image = images.find(actor, image_id)
    except NotFound as error:
        raise errors.VolumeImageUnknown(id=image_id) from error
    image.allow("boot")
    least = max(image.min_disk, -(-int(image.virtual_size or image.size or 0) // GIB))
    return _Source(least, image_facts(image))


def image_facts(image: Image) -> dict[str, object]:
    """Tell what a volume keeps of the image that it is made of. Cinder's names."""
    return {
        "image_id": image.id,
        "image_name": image.name or "",
        "checksum": image.checksum or "",
        "container_format": image.container_format or "",
        "disk_format": image.disk_format or "",
        "min_disk": str(image.min_disk),
        "min_ram": str(image.min_ram),
        "size": str(image.size or 0),
        **{name: str(value) for name, value in (image.properties or {}).items()},
    }


def _size(asked: int | None, source: _Source) -> int:
    size = source.least if asked is None else asked
    if not 0 < size <= services.LARGEST:
        raise errors.BadVolumeSize(size=size, most=services.LARGEST)
    if size < source.least:
        raise errors.VolumeTooSmall(size=size, least=source.least)
    return size
