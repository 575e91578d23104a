"""The state of a router: only one, as a router without a host is served as soon as there is one."""

from typing import Final

from operations.subject import Lifecycle

ACTIVE: Final = "ACTIVE"

STATES: Final = {ACTIVE: "It is served by its host, or by the next that comes up. Its ports say what stands."}
LIFECYCLE: Final = Lifecycle("router", STATES, {})
