"""Statuses of a volume, and the verbs that may begin in each. Names are Cinder's own."""

from typing import Final

from operations.subject import Lifecycle, Verb

CREATING: Final = "creating"
AVAILABLE: Final = "available"
RESERVED: Final = "reserved"
ATTACHING: Final = "attaching"
IN_USE: Final = "in-use"
DETACHING: Final = "detaching"
EXTENDING: Final = "extending"
REVERTING: Final = "reverting"
UPLOADING: Final = "uploading"
DELETING: Final = "deleting"
ERROR: Final = "error"
ERROR_DELETING: Final = "error_deleting"
ERROR_EXTENDING: Final = "error_extending"

STATES: Final = {
    CREATING: "A backend with room is looked for, and the volume is made there.",
    AVAILABLE: "It is whole, and no server has it.",
    RESERVED: "A server is to get it; nothing was opened yet.",
    ATTACHING: "It is being given to a server.",
    IN_USE: "A server has it.",
    DETACHING: "It is being taken from a server.",
    EXTENDING: "It grows.",
    REVERTING: "It is made as it was when its newest snapshot was made.",
    UPLOADING: "A copy of it goes into an image.",
    DELETING: "Its bytes are removed, then it is gone.",
    ERROR: "It could not be made, or is not what it should be; its fault says why.",
    ERROR_DELETING: "It could not be removed; it may be deleted again.",
    ERROR_EXTENDING: "It could not grow; its data are as they were.",
}

_RESTING: Final = frozenset({AVAILABLE, ERROR, ERROR_DELETING, ERROR_EXTENDING})

VERBS: Final = {
    #                  allowed from             meanwhile   ends as
    "create": Verb({CREATING}, "", AVAILABLE, "create"),
    "delete": Verb(_RESTING, DELETING, DELETING, "delete"),
    # With its project: whatever it is, once nobody is busy with it and no server has it.
    "purge": Verb(frozenset(STATES), DELETING, DELETING, "delete", preempts=True),
    "extend": Verb({AVAILABLE}, EXTENDING, AVAILABLE, "extend"),
    "snapshot": Verb({AVAILABLE}, "", None, "snapshot"),
    "drop_snapshot": Verb(_RESTING, "", None, "drop_snapshot"),
    "copy": Verb({AVAILABLE}, "", None, "copy"),
    "revert": Verb({AVAILABLE}, REVERTING, AVAILABLE, "revert"),
    "upload": Verb({AVAILABLE}, UPLOADING, AVAILABLE, "upload"),
    "reserve": Verb({AVAILABLE}, RESERVED, RESERVED, "reserve"),
    "attach": Verb({RESERVED}, ATTACHING, IN_USE, "attach"),
    "begin_detaching": Verb({IN_USE}, DETACHING, DETACHING, "begin_detaching"),
    "roll_detaching": Verb({DETACHING}, "", IN_USE, "roll_detaching"),
    # Of a volume that is given out to another host: free once that has ended.
    "unexport": Verb({RESERVED, IN_USE, DETACHING, ATTACHING}, DETACHING, AVAILABLE, "detach", preempts=True),
    "detach": Verb({IN_USE, DETACHING, ATTACHING}, "", AVAILABLE, "detach"),
}

LIFECYCLE: Final = Lifecycle("volume", STATES, VERBS, error=ERROR)


def is_whole(status: str) -> bool:
    """Whether its host has it whole, and nothing is under way."""
    return status in (AVAILABLE, IN_USE, ERROR_EXTENDING)
