"""The volume service's tables: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry)."""

from audit import registry
from audit.registry import Audited, part
from common import keeping
from common.keeping import by_people, gone_with

_VOL = "service/storage/block"
_FAULT = frozenset({"fault_code", "fault_data", "fault_at"})

KEEPERS = {
    "volumes.Volume": by_people("volume delete"),
    "volumes.Snapshot": by_people("volume snapshot delete"),
    "volumes.VolumeType": by_people("volume type delete"),
    "volumes.TypeAccess": gone_with("volumes.VolumeType"),
    "volumes.Attachment": by_people("server remove volume"),
    "volumes.Backend": by_people("a host that names the backend no more, once no volume lies there"),
}

AUDITED = {
    "volumes.Volume": Audited(f"{_VOL}/volumes", subject="volume", skip=_FAULT | {"generation", "launched_at"}),
    "volumes.Snapshot": Audited(f"{_VOL}/snapshots", subject="volume_snapshot", skip=_FAULT | {"generation"}),
    "volumes.VolumeType": Audited(f"{_VOL}/types"),
    "volumes.TypeAccess": part(part_of="volumes.VolumeType", by="type_id", part="access", value="project_id"),
    "volumes.Attachment": part(
        part_of="volumes.Volume",
        by="volume_id",
        part="attachments",
        value="server_id",
        secret=frozenset({"encrypted_password"}),
    ),
    "volumes.Backend": Audited(
        f"{_VOL}/backends", skip=frozenset({"driver", "capabilities", "total_gib", "free_gib", "is_told"})
    ),
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED)
