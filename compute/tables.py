"""Compute's tables: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import FOLLOWS_OTHERS, Audited, part
from common import keeping
from common.keeping import by_people, gone_with, periodic_task, purged

_COM = "service/compute"
_SERVER = frozenset(
    {
        *("image_meta", "readable_images", "flavor", "fault_code", "fault_data", "fault_at", "power_state", "progress"),
        *("leased_at", "metadata_at", "login_at", "local_disks", "before_resize", "task_state", "host", "launched_at"),
    }
)

KEEPERS = {
    "compute.Aggregate": by_people("aggregate delete"),
    "compute.AggregateHost": gone_with("compute.Aggregate"),
    "compute.Flavor": by_people("flavor delete"),
    "compute.FlavorAccess": gone_with("compute.Flavor"),
    "compute.KeyPair": by_people("keypair delete"),
    "compute.ServerGroup": by_people("server group delete"),
    "compute.Draft": purged("drafts"),
    "compute.Server": purged("servers"),
    "compute.Migration": purged("migrations"),
    "compute.BlockDevice": by_people("server remove volume"),
    "compute.ConsoleTicket": periodic_task("compute.consoles"),
    "compute.ConsoleLink": periodic_task("compute.consoles"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "compute.Server": Audited(
        f"{_COM}/servers", subject="server", skip=_SERVER,
        secret=frozenset({"user_data", "guest_password", "key_data", "personality"}),
    ),
    "compute.ServerGroup": Audited(f"{_COM}/os-server-groups"),
    "compute.KeyPair": Audited(f"{_COM}/os-keypairs", own=True, skip=frozenset({"public_key"})),
    "compute.Flavor": Audited(f"{_COM}/flavors"),
    "compute.BlockDevice": part(part_of="compute.Server", by="server_id", part="volumes", value="volume_id"),
    "compute.FlavorAccess": part(part_of="compute.Flavor", by="flavor_id", part="access", value="project_id"),
    "compute.Aggregate": Audited(f"{_COM}/os-aggregates"),
    "compute.ConsoleLink": Audited(
        f"{_COM}/servers/remote-consoles/links", name="", own=True, secret=frozenset({"secret"}), skip=frozenset({"who"})
    ),
    "compute.AggregateHost": part(part_of="compute.Aggregate", by="aggregate_id", part="hosts", value="host"),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "compute.ConsoleTicket": "who asks for a console is recorded, and when it is opened",
    "compute.Migration": FOLLOWS_OTHERS,
    "compute.Draft": "a user's own notes for launches; what is launched is recorded",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
