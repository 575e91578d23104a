"""Rows of a project in the network service, and how they go with the project: each before those that it depends on.

Ports of servers, routers and DHCP are theirs and do not count; nor does the default security group, which the cloud makes.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext_lazy

from identity.projects import owned
from networking.floatingips import services as floatingips
from networking.floatingips.models import FloatingIP
from networking.networks import services as networks
from networking.networks.models import Network, NetworkGrant
from networking.ports import services as ports
from networking.ports.models import Port
from networking.routers import services as routers
from networking.routers.models import Router
from networking.securitygroups import services as securitygroups
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.subnetpools import services as subnetpools
from networking.subnetpools.models import AddressScope, SubnetPool
from networking.subnets import services as subnets
from networking.subnets.models import Subnet

Row = Any
Rows = Callable[[str], "QuerySet[Row]"]


def _users_ports(project_id: str) -> "QuerySet[Port]":
    """Ports that somebody made for their own sake."""
    return _ports(project_id).filter(server_id="", role="")


def _users_groups(project_id: str) -> "QuerySet[SecurityGroup]":
    return SecurityGroup.objects.filter(project_id=project_id, is_default=False).order_by("created_at")


def _ports(project_id: str) -> "QuerySet[Port]":
    """All ports, also of servers, for each holds its network back. Ports of gateways and floating IPs go with these."""
    return Port.objects.filter(project_id=project_id, gateway_of=None, floating_ip_held=None).order_by("created_at")


def _unused_networks(project_id: str) -> "QuerySet[Network]":
    """Networks without ports. One that others still use stays, for an operator to see."""
    return Network.objects.filter(project_id=project_id, ports=None)


def _subnets_elsewhere(project_id: str) -> "QuerySet[Subnet]":
    """Subnets on networks of others: its own networks' go with these."""
    return Subnet.objects.filter(project_id=project_id).exclude(network__project_id=project_id).order_by("created_at")


def _unused_subnets(project_id: str) -> "QuerySet[Subnet]":
    return _subnets_elsewhere(project_id).filter(fixed_ips=None)


def _unused_pools(project_id: str) -> "QuerySet[SubnetPool]":
    return SubnetPool.objects.filter(project_id=project_id, subnets=None)


def _unused_scopes(project_id: str) -> "QuerySet[AddressScope]":
    return AddressScope.objects.filter(project_id=project_id, pools=None)


def _kind(
    order: int,
    label: object,
    model: Row,
    remove: Callable[[Row], None],
    *,
    counting: Rows | None = None,
    going: Rows | None = None,
    also: tuple[type, ...] = (),
    name: str = "name",
) -> owned.Owned:
    """`counting`: the rows that hold a project's deletion up, all by default; `going`: those that `remove` takes."""

    def every(project_id: str) -> "QuerySet[Row]":
        rows: QuerySet[Row] = model._default_manager.filter(project_id=project_id).order_by("created_at")
        return rows

    def remove_all(project_id: str) -> None:
        for row in list((going or every)(project_id)):
            remove(row)

    rows = counting or every
    return owned.Owned(order=order, label=label, rows=rows, remove=remove_all, models=(model, *also), name=name)


FLOATING_IPS = ngettext_lazy("%(count)s floating IP address", "%(count)s floating IP addresses", "count")
ROUTERS = ngettext_lazy("%(count)s router", "%(count)s routers", "count")
PORTS = ngettext_lazy("%(count)s port", "%(count)s ports", "count")
NETWORKS = ngettext_lazy("%(count)s network", "%(count)s networks", "count")
SUBNETS = ngettext_lazy("%(count)s subnet", "%(count)s subnets", "count")
GROUPS = ngettext_lazy("%(count)s security group", "%(count)s security groups", "count")
POOLS = ngettext_lazy("%(count)s subnet pool", "%(count)s subnet pools", "count")
SCOPES = ngettext_lazy("%(count)s address scope", "%(count)s address scopes", "count")


def register() -> None:
    """Register each kind, in the order in which it goes; what hangs on another of them goes with that."""
    owned.register(
        _kind(30, FLOATING_IPS, FloatingIP, floatingips.remove, name="floating_ip_address"),
        _kind(31, ROUTERS, Router, routers.remove),
        _kind(32, PORTS, Port, ports.remove, counting=_users_ports, going=_ports),
        _kind(33, NETWORKS, Network, networks.remove, going=_unused_networks),
        _kind(34, SUBNETS, Subnet, subnets.remove, counting=_subnets_elsewhere, going=_unused_subnets),
        _kind(35, GROUPS, SecurityGroup, securitygroups.remove, counting=_users_groups, also=(SecurityGroupRule,)),
        _kind(36, POOLS, SubnetPool, subnetpools.remove, going=_unused_pools),
        _kind(37, SCOPES, AddressScope, subnetpools.remove, going=_unused_scopes),
    )
    owned.aside(NetworkGrant, "a word about a network, which goes with it", remove=_delete_grants)


def _delete_grants(project_id: str) -> None:
    NetworkGrant.objects.filter(target_project=project_id).delete()
