"""The verbs of volumes."""

from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from authorization import policy
from authorization.context import RequestContext
from images import services as images
from images.images.models import Image
from openstackapi import resource
from operations.starting import run
from quota import services as quota
from volumes.quotas import SERVICE
from volumes.snapshots.models import Snapshot
from volumes.volumes import errors, flows
from volumes.volumes.models import Volume

LARGEST: Final = 2**21  # GiB of one volume: two EiB overflow what QEMU and clients count in


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def visible(actor: RequestContext) -> QuerySet[Volume]:
    """Query the volumes that an actor may see. Raises: Forbidden."""
    policy.require(actor, "volume:get_all", actor.project_id)
    return Volume.objects.visible_to(actor)


def find(actor: RequestContext, id: str, rule: str = "volume:get", *, lock: bool = False) -> Volume:
    """Find a volume, and check the policy rule for it. Raises: VolumeNotFound, Forbidden."""
    volume = resource.find(Volume.objects.visible_to(actor), id, errors.VolumeNotFound, lock=lock)
    policy.require(actor, rule, volume, missing=errors.VolumeNotFound(id=id))
    return volume


#: Verb → the policy rule that it wants.
RULES: Final = {
    "delete": "volume:delete",
    "extend": "volume:extend",
    "snapshot": "volume:create_snapshot",
    "copy": "volume:create",
    "revert": "volume:revert_to_snapshot",
    "upload": "volume_extension:volume_actions:upload_image",
    "reserve": "volume:attachment_create",
    "detach": "volume:attachment_delete",
}


def for_verb(actor: RequestContext, id: str, verb: str) -> Volume:
    """Find and lock a volume for one of its verbs, which it allows now. Raises: VolumeNotFound, Forbidden, WrongVolumeStatus."""
    volume = find(actor, id, RULES[verb], lock=True)
    volume.allow(verb)
    return volume


# ── Change ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def update(actor: RequestContext, id: str, **values: object) -> Volume:
    """Change name, description, metadata. Raises: VolumeNotFound, Forbidden."""
    volume = find(actor, id, "volume:update", lock=True)
    volume.change(**values)
    return volume


@transaction.atomic
def set_metadata(actor: RequestContext, id: str, items: dict[str, str], *, replace: bool) -> dict[str, str]:
    """Set some metadata, or (`replace`) all. Returns all. Raises: VolumeNotFound, Forbidden."""
    volume = find(actor, id, f"volume:{'update' if replace else 'create'}_volume_metadata", lock=True)
    volume.change(metadata=dict(items) if replace else {**volume.metadata, **items})
    return dict(volume.metadata)


@transaction.atomic
def unset_metadata(actor: RequestContext, id: str, key: str) -> None:
    """Remove a key of the metadata. Raises: VolumeNotFound, VolumeMetadataNotFound, Forbidden."""
    volume = find(actor, id, "volume:delete_volume_metadata", lock=True)
    if key not in volume.metadata:
        raise errors.VolumeMetadataNotFound(id=id, key=key)
    volume.change(metadata={name: value for name, value in volume.metadata.items() if name != key})


@transaction.atomic
def delete(actor: RequestContext, id: str) -> None:
    """Begin to remove a volume. Raises: VolumeNotFound, Forbidden, WrongVolumeStatus, VolumeHasSnapshots."""
    volume = for_verb(actor, id, "delete")
    snapshots = Snapshot.objects.filter(volume=volume).count()
    if snapshots:
        raise errors.VolumeHasSnapshots(id=id, count=snapshots)
    run(actor, volume, "delete", flows.DELETE)


def delete_with_server(actor: RequestContext, id: str) -> None:
    """Begin to remove a volume with the server that had it, in the caller's transaction. One with snapshots stays, as in Nova."""
    volume = Volume.objects.select_for_update().filter(pk=id).first()
    if volume is not None and not volume.snapshots.exists() and volume.why_not("purge") is None:
        run(actor, volume, "purge", flows.DELETE)


def require_quota(project_id: str, size: int, asked: dict[str, int]) -> None:
    """Go on only if a volume may have `size` GiB, and `asked` more still fits, inside the caller's transaction. Raises: QuotaExceeded."""
    most = quota.limits(project_id, SERVICE)["per_volume_gigabytes"]
    if 0 <= most < size:
        raise quota.QuotaExceeded(resource="per_volume_gigabytes", used=0, limit=most, asked=size, service=SERVICE)
    quota.require(project_id, SERVICE, asked)


@transaction.atomic
def extend(actor: RequestContext, id: str, *, size: int) -> None:
    """Begin to grow a volume to `size` GiB. Raises: VolumeNotFound, Forbidden, WrongVolumeStatus, BadVolumeSize, QuotaExceeded."""
    volume = for_verb(actor, id, "extend")
    if size > LARGEST:
        raise errors.BadVolumeSize(size=size, most=LARGEST)
    if size <= volume.size:
        raise errors.VolumeNotLarger(size=size, have=volume.size)
    require_quota(volume.project_id, size, {"gigabytes": size - volume.size})
    run(actor, volume, "extend", flows.EXTEND, {"size": size})


@transaction.atomic
def upload(
    actor: RequestContext, id: str, *, image_name: str, visibility: str = "private", protected: bool = False
) -> tuple[Volume, Image]:
    """Begin to copy a volume into a new image. Raises: VolumeNotFound, WrongVolumeStatus, Forbidden, QuotaExceeded."""
    volume = for_verb(actor, id, "upload")
    image = images.create_snapshot(
        actor,
        name=image_name,
        server_id="",
        properties={"image_type": "image"},
        visibility=visibility,
        protected=protected,
    )
    run(actor, volume, "upload", flows.UPLOAD, {"snapshot_id": image.id, "disk_format": image.disk_format})
    return volume, image
