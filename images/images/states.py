"""What an image may do in which status."""

from dataclasses import dataclass
from typing import Final

QUEUED: Final = "queued"
SAVING: Final = "saving"
UPLOADING: Final = "uploading"  # staged, not yet imported
IMPORTING: Final = "importing"
ACTIVE: Final = "active"
DEACTIVATED: Final = "deactivated"

#: Every status Glance knows; the last three never last here.
STATUSES: Final = (QUEUED, SAVING, UPLOADING, IMPORTING, ACTIVE, DEACTIVATED, "killed", "deleted", "pending_delete")

VISIBILITIES: Final = ("community", "public", "private", "shared")
DISK_FORMATS: Final = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso")
CONTAINER_FORMATS: Final = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker")

#: Formats of kernels and machine images: nothing in them is parsed by anything here.
AMAZON_FORMATS: Final = frozenset({"ami", "ari", "aki"})


@dataclass(frozen=True)
class Verb:
    """From where a verb may start, what the image is meanwhile, and what it is in the end."""

    allowed: frozenset[str]
    meanwhile: str
    ends: str


VERBS: Final = {
    "upload": Verb(frozenset({QUEUED}), SAVING, ACTIVE),
    "stage": Verb(frozenset({QUEUED}), UPLOADING, UPLOADING),
    "import": Verb(frozenset({UPLOADING}), IMPORTING, ACTIVE),
    "web-download": Verb(frozenset({QUEUED}), IMPORTING, ACTIVE),
    # A host may send a snapshot a second time, when its report of the first was lost.
    "snapshot": Verb(frozenset({QUEUED, SAVING}), SAVING, SAVING),
    "settle_snapshot": Verb(frozenset({SAVING, ACTIVE}), SAVING, ACTIVE),
    "fail": Verb(frozenset({QUEUED, SAVING, UPLOADING, IMPORTING}), QUEUED, QUEUED),
    "deactivate": Verb(frozenset({ACTIVE, DEACTIVATED}), DEACTIVATED, DEACTIVATED),
    "reactivate": Verb(frozenset({ACTIVE, DEACTIVATED}), ACTIVE, ACTIVE),
}

#: In these the bytes are all there.
HAS_DATA: Final = frozenset({ACTIVE, DEACTIVATED})
#: In these somebody is bringing bytes; without a sign of life the image goes back to queued.
ARRIVING: Final = frozenset({SAVING, UPLOADING, IMPORTING})
#: In these the formats may still change.
FORMATS_OPEN: Final = frozenset({QUEUED, IMPORTING})


def may(verb: str, status: str) -> bool:
    return status in VERBS[verb].allowed


def usable(status: str) -> bool:
    """Whether a server may boot from an image in this status."""
    return status == ACTIVE


def downloadable_by_all(status: str) -> bool:
    return status != DEACTIVATED
