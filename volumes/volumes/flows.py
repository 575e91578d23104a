"""How volumes are made, grow, go back, leave as images, and go. Each step may be repeated; each undo tolerates that nothing had happened."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Data
from common.live import announce
from hostagent.contract.verb import AnyVerb
from hostagent.contract.volume import (
    SNAPSHOT_RESTORE,
    VOLUME_ENSURE,
    VOLUME_REMOVE,
    VOLUME_RESIZE,
    VOLUME_SEND,
    VolumeCopy,
)
from images import services as images
from images.images import filling
from operations import Flow, Step, Wait, parking
from operations import steps as base
from operations.op import Op
from operations.steps import finalizing, to_error
from volumes import scheduling
from volumes.attachments.models import Attachment
from volumes.snapshots.models import Snapshot
from volumes.volumes import errors, states
from volumes.volumes.models import Volume


def of(op: Op) -> Volume:
    """Read and lock the volume of an operation."""
    return Volume.locked_by_id(op.subject_id)


def cast(op: Op, volume: Volume, verb: AnyVerb, **body: object) -> Wait | None:
    """Cast a verb about a volume to the host where it lies, once; nothing to do for one that lies nowhere."""
    return base.cast(op, verb, {"backend": volume.backend, **body}, about=volume)


# ── Create ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose_backend(op: Op) -> None:
    """Choose where the volume goes. Raises: NoBackendFits, NoBackends."""
    volume = of(op)
    if volume.host:
        return
    decision = scheduling.decide(_spec_of(volume))
    op.show(**decision.verdict())
    if decision.chosen is None:
        best = decision.best_refusal()
        raise errors.NoBackendFits(pool=best[0], need=best[1], have=best[2]) if best else errors.NoBackends()
    op.on_host(decision.chosen.host)
    volume.change(host=decision.chosen.host, backend=decision.chosen.backend)


def _spec_of(volume: Volume) -> scheduling.RequestSpec:
    hints = volume.scheduler_hints
    return scheduling.RequestSpec(
        size=volume.size,
        zone=volume.availability_zone,
        extra_specs=volume.type.extra_specs if volume.type else {},
        only=_place_of_source(volume),
        within=_places(volume, hints.get("same_host")),
        avoid=_places(volume, hints.get("different_host")) or frozenset(),
        prefer=str(hints.get("host", "")),
    )


def _place_of_source(volume: Volume) -> tuple[str, str] | None:
    """Where the volume lies that this one is a copy of: a copy lies beside it."""
    source = _source_of(volume)
    return (source.host, source.backend) if source is not None else None


def _source_of(volume: Volume) -> Volume | None:
    if volume.snapshot_id:
        snapshot = Snapshot.objects.select_related("volume").filter(pk=volume.snapshot_id).first()
        return snapshot.volume if snapshot is not None else None
    return Volume.objects.filter(pk=volume.source_volume_id).first() if volume.source_volume_id else None


def _places(volume: Volume, named: object) -> frozenset[tuple[str, str]] | None:
    """Where the project's own volumes of a hint lie; None without the hint."""
    if not named:
        return None
    ids = [str(one) for one in named] if isinstance(named, list) else [str(named)]
    rows = Volume.objects.filter(project_id=volume.project_id, id__in=ids).exclude(host="")
    return frozenset(rows.values_list("host", "backend"))


def release_backend(op: Op) -> None:
    volume = of(op)
    if volume.host:
        volume.change(host="", backend="")


def make(op: Op) -> Wait | None:
    """Have the volume made: of zeros, of its image, or as a copy."""
    volume = of(op)
    body: Data = {"size_gib": volume.size}
    if volume.image_id:
        body["image"] = images.source(volume.image_id)
    elif (source := _source_of(volume)) is not None:
        body["copy"] = VolumeCopy(volume_id=source.id, snapshot_id=volume.snapshot_id or "")
    return cast(op, volume, VOLUME_ENSURE, **body)


def remove(op: Op) -> Wait | None:
    return cast(op, of(op), VOLUME_REMOVE)


def mark_available(op: Op) -> None:
    of(op).end("create", launched_at=now())


CREATE = Flow(
    "volume.create",
    version=1,
    steps=(
        Step("choose_backend", do=choose_backend, undo=release_backend, label=_("Choose a backend")),
        Step("make", do=make, undo=remove, deadline=1800, label=_("Make the volume")),
        Step("mark_available", do=mark_available, final=True, label=_("Mark available")),
    ),
    on_failed=to_error,
    label=_("Create a volume"),
)

# ── Delete ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def wait_turn(op: Op) -> Wait | None:
    """Wait until no server has the volume, and nobody is busy with it or its snapshots: one that goes with its project may be in use."""
    snapshots = Snapshot.objects.filter(volume_id=op.subject_id).values_list("id", flat=True)
    others = base.busy_with(op, ("volume", op.subject_id), *(("volume_snapshot", id) for id in snapshots))
    is_held = Attachment.objects.filter(volume_id=op.subject_id).exists()
    return Wait(1.0, on=others) if others or is_held else None


def forget(op: Op) -> None:
    volume = Volume.objects.select_for_update().filter(pk=op.subject_id).first()
    if volume is not None:
        for snapshot in volume.snapshots.all():  # its files went with the volume's
            announce("volume_snapshot", snapshot.id, op.project_id)
            snapshot.delete()
        volume.delete()
    announce("volume", op.subject_id, op.project_id)
    transaction.on_commit(lambda: parking.subject_gone("volume", op.subject_id), robust=True)


DELETE = Flow(
    "volume.delete",
    version=1,
    steps=(
        Step("wait_turn", do=wait_turn, deadline=600, label=_("Wait for what is going on")),
        Step("remove", do=remove, deadline=300, label=_("Remove the volume")),
        Step("forget", do=forget, final=True, label=_("Forget the volume")),
    ),
    on_failed=base.to(states.ERROR_DELETING),
    label=_("Delete"),
)

# ── Extend ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def grow(op: Op) -> Wait | None:
    return cast(op, of(op), VOLUME_RESIZE, size_gib=op.data["size"])


def mark_grown(op: Op) -> None:
    of(op).end("extend", size=op.data["size"])


EXTEND = Flow(
    "volume.extend",
    version=1,
    steps=(
        Step("grow", do=grow, deadline=300, label=_("Grow the volume")),
        Step("mark", do=mark_grown, final=True, label=_("Mark the new size")),
    ),
    on_failed=base.to(states.ERROR_EXTENDING),
    label=_("Extend a volume"),
)

# ── Revert ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def restore(op: Op) -> Wait | None:
    return cast(op, of(op), SNAPSHOT_RESTORE, snapshot_id=op.data["snapshot_id"])


REVERT = Flow(
    "volume.revert",
    version=1,
    steps=(
        Step("restore", do=restore, deadline=300, label=_("Go back to the snapshot")),
        Step("mark", do=finalizing(), final=True, label=_("Mark available")),
    ),
    on_failed=base.to(states.AVAILABLE),
    label=_("Revert a volume to a snapshot"),
)

# ── Upload ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(op: Op) -> Wait | None:
    """Have the host send a copy to the image service, which compares its length and checksum with the reply."""
    image_id = op.data[filling.IMAGE]
    body = {"image_id": image_id, "upload_path": f"/internal/images/{image_id}", "disk_format": op.data["disk_format"]}
    return cast(op, of(op), VOLUME_SEND, **body)


UPLOAD = Flow(
    "volume.upload",
    version=1,
    steps=(
        Step("send", do=send, undo=filling.drop, deadline=1800, label=_("Copy the volume into an image")),
        Step("settle_image", do=filling.settling("send"), undo=filling.drop, label=_("Check the image")),
        Step("mark", do=finalizing(), final=True, label=_("Mark available")),
    ),
    on_failed=base.to(states.AVAILABLE),
    label=_("Upload a volume to an image"),
)
