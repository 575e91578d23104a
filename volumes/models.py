"""All tables of the volume service."""

from volumes.attachments.models import Attachment
from volumes.backends.models import Backend
from volumes.snapshots.models import Snapshot
from volumes.types.models import TypeAccess, VolumeType
from volumes.volumes.models import Volume

__all__ = ["Attachment", "Backend", "Snapshot", "TypeAccess", "Volume", "VolumeType"]
