"""All rows of the network service (Django finds models through this module)."""

from networking.agents.models import AgentNote
from networking.desired.models import Change, HostPiece
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network, NetworkGrant
from networking.ports.models import FixedIP, Port, PortGroup, Probe
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.standard import Tag
from networking.subnetpools.models import AddressScope, SubnetPool
from networking.subnets.models import Subnet

__all__ = [
    "AddressScope",
    "AgentNote",
    "Change",
    "FixedIP",
    "FloatingIP",
    "HostPiece",
    "Network",
    "NetworkGrant",
    "Port",
    "PortGroup",
    "Probe",
    "Router",
    "SecurityGroup",
    "SecurityGroupRule",
    "Subnet",
    "SubnetPool",
    "Tag",
]
