"""Answers of a member of a shared image."""

from typing import Final

from operations.subject import Lifecycle

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"

STATES: Final = {
    PENDING: "It has not answered: the image is there, and in no list.",
    ACCEPTED: "It lists the image.",
    REJECTED: "It does not list the image.",
}
LIFECYCLE: Final = Lifecycle("image_member", STATES, {})


def is_known(status: str) -> bool:
    return status in STATES
