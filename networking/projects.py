"""What a project owns of networks, and how it goes with the project: in the order in which it hangs together.

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


def register() -> None:
    """Each kind with its models; what hangs on another of them goes with that."""
    for order, label, model, rows, remove, also in (
        (
            30,
            ngettext_lazy("%(count)s floating IP address", "%(count)s floating IP addresses", "count"),
            FloatingIP,
            _all(FloatingIP),
            _delete_floating_ips,
            (),
        ),
        (
            31,
            ngettext_lazy("%(count)s router", "%(count)s routers", "count"),
            Router,
            _all(Router),
            _delete_routers,
            (),
        ),
        (32, ngettext_lazy("%(count)s port", "%(count)s ports", "count"), Port, users_ports, _delete_ports, ()),
        (
            33,
            ngettext_lazy("%(count)s network", "%(count)s networks", "count"),
            Network,
            _all(Network),
            _delete_networks,
            (),
        ),
        (
            34,
            ngettext_lazy("%(count)s subnet", "%(count)s subnets", "count"),
            Subnet,
            _subnets_elsewhere,
            _delete_subnets,
            (),
        ),
        (
            35,
            ngettext_lazy("%(count)s security group", "%(count)s security groups", "count"),
            SecurityGroup,
            users_groups,
            _delete_groups,
            (SecurityGroupRule,),
        ),
        (
            36,
            ngettext_lazy("%(count)s subnet pool", "%(count)s subnet pools", "count"),
            SubnetPool,
            _all(SubnetPool),
            _delete_pools,
            (),
        ),
        (
            37,
            ngettext_lazy("%(count)s address scope", "%(count)s address scopes", "count"),
            AddressScope,
            _all(AddressScope),
            _delete_scopes,
            (),
        ),
    ):
        name = "floating_ip_address" if model is FloatingIP else "name"
        owned.register(
            owned.Owned(order=order, label=label, rows=rows, remove=remove, models=(model, *also), name=name)
        )
    owned.aside(NetworkGrant, "a word about a network, which goes with it", remove=_delete_grants)


def _all(model: Any) -> Callable[[str], QuerySet[Any]]:
    return lambda project_id: model.objects.filter(project_id=project_id).order_by("created_at")


def users_ports(project_id: str) -> "QuerySet[Port]":
    """Ports that somebody made for their own sake."""
    mine = Port.objects.filter(project_id=project_id, gateway_of=None, floating_ip_held=None, server_id="", role="")
    return mine.order_by("created_at")


def users_groups(project_id: str) -> "QuerySet[SecurityGroup]":
    return SecurityGroup.objects.filter(project_id=project_id, is_default=False).order_by("created_at")


def _subnets_elsewhere(project_id: str) -> "QuerySet[Subnet]":
    """Subnets on networks of others: its own networks' go with these."""
    return Subnet.objects.filter(project_id=project_id).exclude(network__project_id=project_id).order_by("created_at")


def _delete_floating_ips(project_id: str) -> None:
    for floating in FloatingIP.objects.filter(project_id=project_id):
        floatingips.remove(floating)


def _delete_routers(project_id: str) -> None:
    for router in Router.objects.filter(project_id=project_id):
        routers.remove(router)


def _delete_ports(project_id: str) -> None:
    """Servers' too: what is not there any more holds no network back."""
    for port in Port.objects.filter(project_id=project_id, gateway_of=None, floating_ip_held=None):
        ports.remove(port)


def _delete_networks(project_id: str) -> None:
    """Those that others still use stay, for an operator to see."""
    for network in Network.objects.filter(project_id=project_id):
        if not network.ports.exists():
            networks.remove(network)


def _delete_subnets(project_id: str) -> None:
    for subnet in _subnets_elsewhere(project_id):
        if not subnet.fixed_ips.exists():
            subnets.remove(subnet)


def _delete_groups(project_id: str) -> None:
    for group in SecurityGroup.objects.filter(project_id=project_id):
        securitygroups.remove(group)


def _delete_pools(project_id: str) -> None:
    for pool in SubnetPool.objects.filter(project_id=project_id, subnets=None):
        subnetpools.remove(pool)


def _delete_scopes(project_id: str) -> None:
    for scope in AddressScope.objects.filter(project_id=project_id, pools=None):
        subnetpools.remove(scope)


def _delete_grants(project_id: str) -> None:
    NetworkGrant.objects.filter(target_project=project_id).delete()
