"""The tables of durable work: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import Audited
from common import keeping
from common.keeping import bounded, gone_with, periodic_task

KEEPERS = {
    "operations.Operation": periodic_task("operations.prune"),
    "operations.OperationStep": gone_with("operations.Operation"),
    "operations.Hold": gone_with("operations.Operation"),
    "operations.Subscription": gone_with("operations.Operation"),
    "operations.BackgroundJob": bounded("goes when it has run; one a kind and key"),
    "operations.Lease": bounded("one a clock"),
    "operations.Schedule": bounded("one a periodic task"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "operations.Operation": Audited("", is_operation=True),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "operations.OperationStep": "how the cloud does what was asked, which is recorded where it begins and where it ends",
    "operations.Hold": "how the cloud does what was asked, which is recorded where it begins and where it ends",
    "operations.Subscription": "how the cloud does what was asked, which is recorded where it begins and where it ends",
    "operations.BackgroundJob": "how the cloud does what was asked, which is recorded where it begins and where it ends",
    "operations.Schedule": "when the cloud's own tasks are due",
    "operations.Lease": "how the cloud does what was asked, which is recorded where it begins and where it ends",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
