"""Bounds of the volume service's tables that users can grow."""

from common.ceilings import elsewhere
from volumes.attachments.models import Attachment
from volumes.backends.models import Backend
from volumes.snapshots.models import Snapshot
from volumes.types.models import TypeAccess, VolumeType
from volumes.volumes.models import Volume


def register() -> None:
    elsewhere(Volume, "the quota of volumes")
    elsewhere(Snapshot, "the quota of snapshots")
    elsewhere(Attachment, "one of a volume and a server: the quotas of both")
    for model in (VolumeType, TypeAccess):
        elsewhere(model, "rows that only operators make")
    elsewhere(Backend, "what hosts say of themselves: hosts.drivers.MOST of each")
