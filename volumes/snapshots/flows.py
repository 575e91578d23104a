"""How snapshots are made and go."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.live import announce
from hostagent.contract.volume import SNAPSHOT_ENSURE, SNAPSHOT_REMOVE
from operations import Flow, Step, Wait, parking
from operations.op import Op
from operations.steps import finalizing, to, to_error
from volumes.snapshots import states
from volumes.snapshots.models import Snapshot
from volumes.volumes.flows import cast
from volumes.volumes.models import Volume


def of(op: Op) -> Snapshot:
    """Read and lock the snapshot of an operation."""
    return Snapshot.locked_by_id(op.subject_id)


def keep(op: Op) -> Wait | None:
    return cast(op, Volume.locked_by_id(of(op).volume_id), SNAPSHOT_ENSURE, snapshot_id=op.subject_id)


def remove(op: Op) -> Wait | None:
    return cast(op, Volume.locked_by_id(of(op).volume_id), SNAPSHOT_REMOVE, snapshot_id=op.subject_id)


CREATE = Flow(
    "volume_snapshot.create",
    version=1,
    steps=(
        Step("keep", do=keep, undo=remove, deadline=300, label=_("Keep the volume as it is")),
        Step("mark_available", do=finalizing(), final=True, label=_("Mark available")),
    ),
    on_failed=to_error,
    label=_("Create a volume snapshot"),
)


def forget(op: Op) -> None:
    snapshot = Snapshot.objects.select_for_update().filter(pk=op.subject_id).first()
    if snapshot is not None:
        snapshot.delete()
    announce("volume_snapshot", op.subject_id, op.project_id)
    transaction.on_commit(lambda: parking.subject_gone("volume_snapshot", op.subject_id), robust=True)


DELETE = Flow(
    "volume_snapshot.delete",
    version=1,
    steps=(
        Step("remove", do=remove, deadline=900, label=_("Merge what only it needs")),
        Step("forget", do=forget, final=True, label=_("Forget the snapshot")),
    ),
    on_failed=to(states.ERROR_DELETING),
    label=_("Delete"),
)
