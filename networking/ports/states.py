"""States of a port. No verb asks for one: services bind it, and the report of its host says that it is plugged."""

from typing import Final

from operations.subject import Lifecycle

ACTIVE: Final = "ACTIVE"
DOWN: Final = "DOWN"
NOT_BOUND: Final = "N/A"

STATES: Final = {
    DOWN: "It is bound nowhere, or its host has not yet said that it is plugged. Each binding to a host begins here.",
    ACTIVE: "Its host has said that it, and what it needs, stands.",
    NOT_BOUND: "It holds a floating IP's outer address, and is never bound.",
}
LIFECYCLE: Final = Lifecycle("port", STATES, {})
