"""Rows of volumes as their fields read them."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from openstackapi.fields import iso_micro
from volumes.attachments import states as attachment_states
from volumes.attachments.models import Attachment
from volumes.volumes.models import Volume

Shown: TypeAlias = dict[str, object]


def rows(volumes: Sequence[Volume]) -> list[Shown]:
    """Read what an answer has of volumes whose types are joined: one more query for all their attachments."""
    held: dict[str, list[dict[str, object]]] = {volume.id: [] for volume in volumes}
    for one in Attachment.objects.filter(volume_id__in=held, status__in=attachment_states.OPEN).order_by("created_at"):
        held[one.volume_id].append(attached(one))
    return [_row(volume, held[volume.id]) for volume in volumes]


def attached(attachment: Attachment) -> dict[str, object]:
    """Tell an attachment as a volume shows it."""
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": attachment.server_id,
        "host_name": attachment.host or None,
        "device": attachment.device or None,
        "attached_at": iso_micro(attachment.attached_at),
    }


def _row(volume: Volume, attachments: list[dict[str, object]]) -> Shown:
    names = (
        "id",
        "name",
        "description",
        "status",
        "size",
        "availability_zone",
        "created_at",
        "updated_at",
        "user_id",
        "project_id",
    )
    row: Shown = {name: getattr(volume, name) for name in names}
    return row | {
        "attachments": attachments,
        "volume_type": volume.type.name if volume.type else None,
        "volume_type_id": volume.type_id,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volume_id,
        "metadata": volume.metadata,
        "bootable": "true" if volume.bootable else "false",
        "encrypted": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": False,
        "migration_status": None,
        "pool": volume.pool or None,
        "group_id": None,
        "provider_id": None,
        "service_uuid": None,
        "shared_targets": False,
        "cluster_name": None,
        "consumes_quota": True,
        "image_metadata": volume.image_metadata,
    }


def with_image(shown: Shown, row: Mapping[str, object]) -> Shown:
    """Add what is known of the image that a volume was made of, where it was made of one."""
    return {**shown, "volume_image_metadata": row["image_metadata"]} if row["image_metadata"] else shown
