"""The tables of the outbox: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry)."""

from audit import registry
from common import keeping
from common.keeping import bounded, periodic_task

KEEPERS = {
    "outbox.Event": periodic_task("outbox.forget"),
    "outbox.Place": bounded("one a reader"),
}

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "outbox.Event": "it says what changed elsewhere, where people's changes are recorded",
    "outbox.Place": "how far a reader has read",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare({}, NOT_AUDITED)
