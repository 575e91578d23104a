"""The tables of hosts: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import FOLLOWS_OTHERS, Audited
from common import keeping
from common.keeping import bounded, periodic_task

KEEPERS = {
    "hosts.Host": bounded("one a host"),
    "hosts.Life": bounded("one a start of the cloud; a host may have seen any of them"),
    "hosts.HostDebt": periodic_task("hosts.debts"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "hosts.Host": Audited("compute/node", skip=frozenset({"heard", "told", "inventory", "last_seen_at", "question", "state_changed_at"})),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "hosts.Life": "one a start of the cloud",
    "hosts.HostDebt": FOLLOWS_OTHERS,
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
