"""States of a floating IP. No verb asks for one: associating it writes DOWN, the report of its router's host ACTIVE."""

from typing import Final

from operations.subject import Lifecycle

ACTIVE: Final = "ACTIVE"
DOWN: Final = "DOWN"

STATES: Final = {
    DOWN: "It leads nowhere, or the host of its router has not yet said that it leads to its port.",
    ACTIVE: "The host of its router has said that it leads to its port.",
}
LIFECYCLE: Final = Lifecycle("floatingip", STATES, {})
