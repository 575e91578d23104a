"""Statuses of a snapshot, and the verbs that may begin in each. Names are Cinder's own."""

from typing import Final

from operations.subject import Lifecycle, Verb

CREATING: Final = "creating"
AVAILABLE: Final = "available"
DELETING: Final = "deleting"
ERROR: Final = "error"
ERROR_DELETING: Final = "error_deleting"

STATES: Final = {
    CREATING: "The volume is kept as it is.",
    AVAILABLE: "It is whole: volumes are made of it.",
    DELETING: "What only it needs is merged into the volume, then it is gone.",
    ERROR: "It could not be made; its fault says why.",
    ERROR_DELETING: "It could not be removed; it may be deleted again.",
}
VERBS: Final = {
    "create": Verb({CREATING}, "", AVAILABLE, "create"),
    "delete": Verb({AVAILABLE, ERROR, ERROR_DELETING}, DELETING, DELETING, "delete"),
    "copy": Verb({AVAILABLE}, "", None, "copy"),
}

LIFECYCLE: Final = Lifecycle("volume_snapshot", STATES, VERBS, error=ERROR)
