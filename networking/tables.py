"""The network service's tables: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import FOLLOWS_OTHERS, Audited, part
from common import keeping
from common.keeping import bounded, by_people, gone_with, periodic_task

_NET = "service/network"

KEEPERS = {
    "networking.Tag": by_people("tag remove; with the thing that has it"),
    "networking.Network": by_people("network delete"),
    "networking.NetworkGrant": gone_with("networking.Network"),
    "networking.SecurityGroup": by_people("security group delete"),
    "networking.SecurityGroupRule": gone_with("networking.SecurityGroup"),
    "networking.AddressScope": by_people("address scope delete"),
    "networking.SubnetPool": by_people("subnet pool delete"),
    "networking.Subnet": gone_with("networking.Network"),
    "networking.Port": by_people("port delete; with its server, router or network"),
    "networking.FixedIP": gone_with("networking.Port"),
    "networking.PortGroup": gone_with("networking.Port"),
    "networking.Probe": gone_with("networking.Port"),
    "networking.Router": by_people("router delete"),
    "networking.FloatingIP": by_people("floating ip delete"),
    "networking.AgentNote": bounded("one an agent that an operator wrote of"),
    "networking.Change": periodic_task("networking"),
    "networking.HostPiece": periodic_task("networking"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "networking.Tag": Audited(f"{_NET}/tags", name="tag", own=True),
    "networking.Network": Audited(f"{_NET}/networks", skip=frozenset({"status", "dhcp_host"})),
    "networking.NetworkGrant": Audited(f"{_NET}/rbac-policies", name="action"),
    "networking.SecurityGroup": Audited(f"{_NET}/security-groups"),
    "networking.SecurityGroupRule": part(
        part_of="networking.SecurityGroup", by="group_id", part="rules", skip=frozenset({"group_id", "project_id"})
    ),
    "networking.AddressScope": Audited(f"{_NET}/address-scopes"),
    "networking.SubnetPool": Audited(f"{_NET}/subnetpools"),
    "networking.Subnet": Audited(f"{_NET}/subnets", skip=frozenset({"cursor"})),
    "networking.Port": Audited(f"{_NET}/ports", skip=frozenset({"status", "host", "dhcp_refusal"})),
    "networking.FixedIP": part(part_of="networking.Port", by="port_id", part="fixed_ips", value="ip_address"),
    "networking.PortGroup": part(part_of="networking.Port", by="port_id", part="security_groups", value="group_id"),
    "networking.Router": Audited(f"{_NET}/routers", skip=frozenset({"status", "host"})),
    "networking.AgentNote": Audited(f"{_NET}/agents", name="kind"),
    "networking.FloatingIP": Audited(f"{_NET}/floatingips", name="floating_ip_address", skip=frozenset({"status"})),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "networking.Change": FOLLOWS_OTHERS,
    "networking.HostPiece": FOLLOWS_OTHERS,
    "networking.Probe": FOLLOWS_OTHERS,
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
