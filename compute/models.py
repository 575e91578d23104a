"""All rows of compute, for Django's own look-up; each resource declares its own."""

from compute.aggregates.models import Aggregate, AggregateHost
from compute.consoles.models import ConsoleLink, ConsoleTicket
from compute.drafts.models import Draft
from compute.flavors.models import Flavor, FlavorAccess
from compute.keypairs.models import KeyPair
from compute.servergroups.models import ServerGroup
from compute.servers.block_devices import BlockDevice
from compute.servers.models import Migration, Server

__all__ = [
    "Aggregate",
    "AggregateHost",
    "BlockDevice",
    "ConsoleLink",
    "ConsoleTicket",
    "Draft",
    "Flavor",
    "FlavorAccess",
    "KeyPair",
    "Migration",
    "Server",
    "ServerGroup",
]
