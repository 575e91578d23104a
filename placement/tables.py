"""Placement's tables: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import Audited, part
from common import keeping
from common.keeping import bounded, by_people, gone_with

_PLC = "service/placement"

KEEPERS = {
    "placement.ResourceProvider": bounded("one a host"),
    "placement.Inventory": gone_with("placement.ResourceProvider"),
    "placement.Consumer": bounded("one a server; goes when the server is deleted"),
    "placement.Allocation": gone_with("placement.Consumer"),
    "placement.Usage": gone_with("placement.ResourceProvider"),
    "placement.ResourceClass": by_people("resource class delete"),
    "placement.Trait": by_people("trait delete"),
    "placement.ProviderTrait": gone_with("placement.ResourceProvider"),
    "placement.ProviderAggregate": gone_with("placement.ResourceProvider"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "placement.ResourceProvider": Audited(f"{_PLC}/resource_providers"),
    "placement.Inventory": part(part_of="placement.ResourceProvider", by="provider_id", part="inventories"),
    "placement.ProviderTrait": part(part_of="placement.ResourceProvider", by="provider_id", part="traits", value="name"),
    "placement.ProviderAggregate": part(
        part_of="placement.ResourceProvider", by="provider_id", part="aggregates", value="aggregate_id"
    ),
    "placement.Consumer": Audited(f"{_PLC}/allocations", name=""),
    "placement.Allocation": part(part_of="placement.Consumer", by="consumer_id", part="allocations"),
    "placement.ResourceClass": Audited(f"{_PLC}/resource_classes"),
    "placement.Trait": Audited(f"{_PLC}/traits"),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "placement.Usage": "sums of what is recorded",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
