"""Placement of a network's DHCP or a router on a host, by hand."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from hosts.models import Host
from networking.networks.services import find as find_network
from networking.routers.services import find as find_router
from networking.scheduling import carry_dhcp, carry_router


class NetworkHostedByDHCPAgent(Conflict):
    template = _("The network %(network)s has been already hosted by the DHCP Agent on %(host)s.")


class NetworkNotHostedByDhcpAgent(Conflict):
    template = _("The network %(network)s is not hosted by the DHCP agent on %(host)s.")


class RouterHostedByL3Agent(Conflict):
    template = _("The router %(router)s has been already hosted by the L3 Agent on %(host)s.")


class RouterNotHostedByL3Agent(Conflict):
    template = _("The router %(router)s is not hosted by L3 agent on %(host)s.")


@transaction.atomic
def place_network(actor: RequestContext, host: Host, network_id: str) -> None:
    """Carry a network's DHCP on this host from now on: it has one server, so it leaves any other host."""
    policy.require(actor, "create_dhcp-network")
    network = find_network(actor, network_id, lock=True)
    if network.dhcp_host == host.name:
        raise NetworkHostedByDHCPAgent(network=network_id, host=host.name)
    carry_dhcp(network, host.name, by_hand=True)


@transaction.atomic
def remove_network(actor: RequestContext, host: Host, network_id: str) -> None:
    """Take a network's DHCP server away, until it is placed again."""
    policy.require(actor, "delete_dhcp-network")
    network = find_network(actor, network_id, lock=True)
    if network.dhcp_host != host.name:
        raise NetworkNotHostedByDhcpAgent(network=network_id, host=host.name)
    carry_dhcp(network, "")


@transaction.atomic
def place_router(actor: RequestContext, host: Host, router_id: str) -> None:
    """Carry a router on this host from now on. Raises: RouterHostedByL3Agent."""
    policy.require(actor, "create_l3-router")
    router = find_router(actor, router_id, lock=True)
    if router.host == host.name:
        raise RouterHostedByL3Agent(router=router_id, host=host.name)
    carry_router(router, host.name, by_hand=True)


@transaction.atomic
def remove_router(actor: RequestContext, host: Host, router_id: str) -> None:
    """Take a router from its host, until it is placed again."""
    policy.require(actor, "delete_l3-router")
    router = find_router(actor, router_id, lock=True)
    if router.host != host.name:
        raise RouterNotHostedByL3Agent(router=router_id, host=host.name)
    carry_router(router, "")
