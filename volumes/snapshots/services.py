"""The verbs of snapshots."""

from django.db import transaction
from django.db.models import QuerySet

from authorization import policy
from authorization.context import RequestContext
from openstackapi import resource
from operations.starting import run
from quota import services as quota
from volumes.quotas import SERVICE
from volumes.snapshots import errors, flows
from volumes.snapshots.models import Snapshot
from volumes.volumes import services as volumes
from volumes.volumes.flows import REVERT
from volumes.volumes.models import Volume


def visible(actor: RequestContext) -> QuerySet[Snapshot]:
    """Query the snapshots that an actor may see. Raises: Forbidden."""
    policy.require(actor, "volume:get_all_snapshots", actor.project_id)
    return Snapshot.objects.visible_to(actor)


def find(actor: RequestContext, id: str, rule: str = "volume:get_snapshot", *, lock: bool = False) -> Snapshot:
    """Find a snapshot, and check the policy rule for it. Raises: SnapshotNotFound, Forbidden."""
    snapshot = resource.find(Snapshot.objects.visible_to(actor), id, errors.SnapshotNotFound, lock=lock)
    policy.require(actor, rule, snapshot, missing=errors.SnapshotNotFound(id=id))
    return snapshot


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    volume_id: str,
    name: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Snapshot:
    """Begin to keep a volume as it is. Returns at once, creating. Raises: VolumeNotFound, WrongVolumeStatus, QuotaExceeded, Forbidden."""
    volume = volumes.for_verb(actor, volume_id, "snapshot")
    quota.require(volume.project_id, SERVICE, {"snapshots": 1, "gigabytes": volume.size})
    volume.begin("snapshot")  # a new generation: what its host is asked now is newer than all before
    snapshot = Snapshot.objects.create(
        project_id=volume.project_id,
        user_id=actor.user_id,
        volume=volume,
        name=name,
        description=description,
        metadata=metadata or {},
        size=volume.size,
    )
    run(actor, snapshot, "create", flows.CREATE, None, (f"volume:{volume.id}",))
    return snapshot


@transaction.atomic
def update(actor: RequestContext, id: str, **values: object) -> Snapshot:
    """Change name, description, metadata. Raises: SnapshotNotFound, Forbidden."""
    snapshot = find(actor, id, "volume:update_snapshot", lock=True)
    snapshot.change(**values)
    return snapshot


@transaction.atomic
def delete(actor: RequestContext, id: str) -> None:
    """Begin to remove a snapshot; its volume stays as it is. Raises: SnapshotNotFound, WrongSnapshotStatus, WrongVolumeStatus, Forbidden."""
    snapshot = find(actor, id, "volume:delete_snapshot", lock=True)
    snapshot.allow("delete")
    volume = Volume.locked_by_id(snapshot.volume_id)
    volume.begin("drop_snapshot")
    run(actor, snapshot, "delete", flows.DELETE, None, (f"volume:{volume.id}",))


@transaction.atomic
def revert(actor: RequestContext, *, volume_id: str, snapshot_id: str) -> None:
    """Begin to take a volume back to its newest snapshot. Raises: VolumeNotFound, NotNewestSnapshot, WrongVolumeStatus, Forbidden."""
    volume = volumes.for_verb(actor, volume_id, "revert")
    newest = Snapshot.objects.select_for_update().filter(volume=volume).order_by("-created_at", "-id").first()
    if newest is None or newest.id != snapshot_id:
        raise errors.NotNewestSnapshot(volume=volume.id, newest=newest.id if newest else "-")
    newest.allow("copy")
    run(actor, volume, "revert", REVERT, {"snapshot_id": newest.id}, (f"volume_snapshot:{newest.id}",))
