"""The table of keys: who deletes its rows and when (common.keeping), and what is recorded of its changes (audit.registry)."""

from audit import registry
from common import keeping
from common.keeping import purged

KEEPERS = {"keystore.Key": purged("retired_keys")}

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "keystore.Key": "the cloud's own means; keys_rotate records what it did, and what a key is made for is recorded"
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare({}, NOT_AUDITED)
