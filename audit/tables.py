"""The table of audit records: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from common import keeping
from common.keeping import purged

KEEPERS = {
    "audit.Event": purged("audit"),
}

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "audit.Event": "it is the record",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare({}, NOT_AUDITED)
