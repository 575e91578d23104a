"""Statuses of an import's task. Names are Glance's own."""

from typing import Final

from operations.subject import Lifecycle

PENDING: Final = "pending"
PROCESSING: Final = "processing"
SUCCESS: Final = "success"
FAILURE: Final = "failure"

STATES: Final = {
    PENDING: "It waits for control.",
    PROCESSING: "Control is at it, or will begin it anew.",
    SUCCESS: "The image has its bytes.",
    FAILURE: "The image is queued again; its message says why.",
}
RUNNING: Final = (PENDING, PROCESSING)
LIFECYCLE: Final = Lifecycle("image_import", STATES, {})


def is_running(status: str) -> bool:
    return status in RUNNING


def has_succeeded(status: str) -> bool:
    return status == SUCCESS
