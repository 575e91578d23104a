"""What a project owns of networks, and how it goes with the project: in the order in which it hangs together.

Ports of servers, routers and DHCP are theirs and do not count; nor does the default security group, which the cloud makes.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext_lazy

from identity.projects import owned
from networking.floatingips.models import FloatingIP
from networking.floatingips.services import remove as remove_floating_ip
from networking.networks.models import Network, NetworkGrant
from networking.ports.models import ROUTER_INTERFACE, Port, PortGroup
from networking.ports.services import remove as remove_port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.standard import Tag
from networking.subnetpools.models import AddressScope, SubnetPool
from networking.subnets.models import Subnet
from networking.wanted.changes import touch


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
        remove_floating_ip(floating)


def _delete_routers(project_id: str) -> None:
    for router in Router.objects.filter(project_id=project_id):
        _delete_router(router)


def _delete_router(router: Router) -> None:
    for floating in FloatingIP.objects.filter(router=router):
        floating.save_changes({"port": None, "fixed_ip_address": "", "router": None, "status": "DOWN"})
    leg = router.gateway_port
    if leg is not None:
        router.gateway_port = None
        router.save(update_fields=["gateway_port"])
        remove_port(leg)
    for port in router.legs.filter(role=ROUTER_INTERFACE):
        remove_port(port)
    touch(f"router:{router.id}")
    Router.objects.filter(pk=router.id).delete()


def _delete_ports(project_id: str) -> None:
    """Servers' too: what is not there any more holds no network back."""
    for port in Port.objects.filter(project_id=project_id, gateway_of=None, floating_ip_held=None):
        remove_port(port)


def _delete_networks(project_id: str) -> None:
    """Those that others still use stay, for an operator to see."""
    for network in Network.objects.filter(project_id=project_id):
        if not network.ports.exists():
            network_id = network.id
            network.delete()
            touch(f"network:{network_id}", f"dhcp:{network_id}")


def _delete_subnets(project_id: str) -> None:
    for subnet in _subnets_elsewhere(project_id):
        if not subnet.fixed_ips.exists():
            network_id = subnet.network_id
            subnet.delete()
            touch(f"network:{network_id}", f"dhcp:{network_id}")


def _delete_groups(project_id: str) -> None:
    groups = SecurityGroup.objects.filter(project_id=project_id)
    PortGroup.objects.filter(group__in=groups).delete()
    touch(*(f"group:{group}" for group in groups.values_list("id", flat=True)))
    Tag.objects.filter(resource_id__in=list(groups.values_list("id", flat=True))).delete()
    groups.delete()


def _delete_pools(project_id: str) -> None:
    SubnetPool.objects.filter(project_id=project_id, subnets=None).delete()


def _delete_scopes(project_id: str) -> None:
    AddressScope.objects.filter(project_id=project_id, pools=None).delete()


def _delete_grants(project_id: str) -> None:
    NetworkGrant.objects.filter(target_project=project_id).delete()
