"""The state of a network: only one, as it stands on each host on which it has a port."""

from typing import Final

from operations.subject import Lifecycle

ACTIVE: Final = "ACTIVE"

STATES: Final = {ACTIVE: "It stands on each host on which it has a port. Its ports say what stands."}
LIFECYCLE: Final = Lifecycle("network", STATES, {})
