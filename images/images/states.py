"""Statuses of an image, and the verbs that may begin in each. Names are Glance's own."""

from typing import Final

from operations.subject import Lifecycle, Verb

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


STATES: Final = {
    QUEUED: "It is described; its bytes have not come.",
    SAVING: "Its bytes are arriving, or a host's snapshot has arrived and is held against what the host says it sent.",
    UPLOADING: "Its bytes are arriving in, or lie in, the staging area, and wait for an import.",
    IMPORTING: "Its bytes are taken from the staging area, or fetched from an address.",
    ACTIVE: "Its bytes are whole: servers boot from it.",
    DEACTIVATED: "Its bytes are whole, and only operators, and servers that have it already, read them.",
}

VERBS: Final = {
    #                       allowed from      meanwhile  ends as
    "upload": Verb({QUEUED}, SAVING, ACTIVE, "upload"),
    "stage": Verb({QUEUED}, UPLOADING, UPLOADING, "stage"),
    "import": Verb({UPLOADING}, IMPORTING, ACTIVE, "import"),
    "web-download": Verb({QUEUED}, IMPORTING, ACTIVE, "web-download"),
    # A host may send a snapshot a second time, when its report of the first was lost.
    "snapshot": Verb({QUEUED, SAVING}, SAVING, SAVING, "snapshot"),
    "settle_snapshot": Verb({SAVING, ACTIVE}, "", ACTIVE, "settle_snapshot"),
    "fail": Verb({QUEUED, SAVING, UPLOADING, IMPORTING}, "", QUEUED, "fail"),
    "boot": Verb({ACTIVE}, "", None, "boot"),
    "deactivate": Verb({ACTIVE, DEACTIVATED}, "", DEACTIVATED, "deactivate"),
    "reactivate": Verb({ACTIVE, DEACTIVATED}, "", ACTIVE, "reactivate"),
}
#: Verbs whose refusal Glance answers otherwise than that of the rest.
SWITCHES: Final = ("deactivate", "reactivate")

LIFECYCLE: Final = Lifecycle("image", STATES, VERBS)

#: In these the bytes are all there.
HAS_DATA: Final = frozenset({ACTIVE, DEACTIVATED})
#: In these somebody is bringing bytes; without a sign of life the image goes back to queued.
ARRIVING: Final = frozenset({SAVING, UPLOADING, IMPORTING})
#: In these the formats may still change.
FORMATS_OPEN: Final = frozenset({QUEUED, IMPORTING})


def usable(status: str) -> bool:
    """Whether a server may boot from an image in this status."""
    return LIFECYCLE.why_not("boot", state=status) is None


def has_data(status: str) -> bool:
    return status in HAS_DATA


def is_arriving(status: str) -> bool:
    return status in ARRIVING


def has_open_formats(status: str) -> bool:
    return status in FORMATS_OPEN


def downloadable_by_all(status: str) -> bool:
    return status != DEACTIVATED
