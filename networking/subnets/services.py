"""Making, changing and removing subnets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from common.live import announce
from hostagent.contract import inet
from networking.addressing import IPNetwork, default_gateway, default_pools
from networking.desired.changes import touch_network, touch_port
from networking.errors import InvalidInput, SubnetNotFound
from networking.networks.models import Network
from networking.networks.services import find as find_network
from networking.ports import dhcp
from networking.ports.allocation import allocate
from networking.ports.models import DHCP, ROUTER_INTERFACE, FixedIP, Port, PortGroup
from networking.standard import Tag
from networking.subnetpools.services import cut, default_pool
from networking.subnets import checks
from networking.subnets.models import Subnet
from openstackapi import resource
from quota import services as quota

AUTO = "auto"  # a gateway that nobody chose
LISTS = frozenset({"allocation_pools", "dns_nameservers", "host_routes", "service_types"})


class SubnetInUse(Conflict):
    template = _(
        "Unable to complete operation on subnet %(id)s: One or more ports have an IP allocation from this subnet."
    )


class GatewayIpInUse(Conflict):
    template = _("Current gateway ip %(ip)s already in use by port %(port)s. Unable to update.")


def find(actor: RequestContext, subnet_id: str, *, lock: bool = False) -> Subnet:
    """Raises: SubnetNotFound, also for another project's subnet."""
    return resource.find(Subnet.objects.visible_to(actor), subnet_id, SubnetNotFound, lock=lock)


@dataclass(frozen=True, kw_only=True)
class NewSubnet:
    """Fields of a subnet to be made.

    `gateway_ip` None: no gateway; AUTO: the first address. Without `cidr`, one of `prefixlen` is cut from the subnet pool,
    or from the default one of this IP version.
    """

    network_id: str
    ip_version: int = 4
    cidr: str | None = None
    name: str = ""
    project_id: str | None = None
    description: str = ""
    gateway_ip: str | None = AUTO
    allocation_pools: Sequence[Mapping[str, str]] | None = None
    enable_dhcp: bool = True
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[dict[str, str]] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    subnetpool_id: str | None = None
    use_default_subnetpool: bool = False
    prefixlen: int | None = None
    service_types: Sequence[str] = ()
    dns_publish_fixed_ip: bool = False

    def columns(self, span: IPNetwork) -> dict[str, object]:
        """Build the row's columns for addresses of `span`. Raises: InvalidInput and those of checks."""
        checks.ipv6_modes(span, self.ipv6_ra_mode or "", self.ipv6_address_mode or "", dhcp=self.enable_dhcp)
        if self.enable_dhcp and span.version == 4 and span.prefixlen > 30:
            raise InvalidInput(reason=_("Subnet has a prefix length that is incompatible with DHCP service enabled"))
        gateway, pools = self._addresses(span)
        said = ("name", "description", "enable_dhcp", "dns_publish_fixed_ip")
        return {
            **{name: getattr(self, name) for name in said},
            "ip_version": span.version,
            "cidr": str(span),
            "gateway_ip": gateway,
            "allocation_pools": pools,
            "dns_nameservers": checks.nameservers(self.dns_nameservers, span.version),
            "host_routes": checks.routes(self.host_routes, span.version),
            "ipv6_ra_mode": self.ipv6_ra_mode or "",
            "ipv6_address_mode": self.ipv6_address_mode or "",
            "service_types": list(self.service_types),
        }

    def _addresses(self, span: IPNetwork) -> tuple[str, list[dict[str, str]]]:
        """(gateway, allocation pools)."""
        if self.gateway_ip == AUTO:
            gateway = default_gateway(span)
        else:
            gateway = checks.gateway(self.gateway_ip, span) if self.gateway_ip else ""
        asked = self.allocation_pools
        pools = default_pools(span, gateway) if asked is None else checks.pools(asked, span)
        if self.gateway_ip != AUTO or asked is not None:
            checks.gateway_outside_pools(gateway, pools)
        return gateway, pools


@transaction.atomic
def create(actor: RequestContext, **asked: Any) -> Subnet:
    """Create a range of addresses on a network. `asked`: the fields of NewSubnet.

    Raises: InvalidInput, NetworkNotFound, Forbidden, OverLimit, and those of checks.
    """
    new = NewSubnet(**asked)
    network = find_network(actor, new.network_id, lock=True)
    project = new.project_id or (network.project_id if actor.is_admin else actor.project_id) or ""
    policy.require(actor, "create_subnet", network)
    policy.require(actor, "create_subnet", project)
    if not actor.is_internal:
        quota.require(project, "network", {"subnet": 1})
    pool_id = new.subnetpool_id
    if new.use_default_subnetpool:
        pool_id = _pool(actor, pool_id, new.cidr, new.ip_version)
    pool, span = _range(actor, project, new.cidr, new.ip_version, pool_id, new.prefixlen)
    checks.no_overlap(span, network.id)
    subnet = Subnet.objects.create(network=network, project_id=project, subnetpool_id=pool, **new.columns(span))
    dhcp.reconcile(network)
    _autoconfigure(subnet)
    touch_network(network.id)
    announce("subnet", subnet.id, project)
    announce("network", network.id, network.project_id)
    return subnet


def _pool(actor: RequestContext, asked: str | None, cidr: str | None, version: int) -> str:
    """The id of the default subnet pool. Raises: InvalidInput where there is none, or a pool was named as well."""
    if asked:
        raise InvalidInput(reason=_("subnetpool_id and use_default_subnetpool cannot both be specified"))
    pool = default_pool(actor, checks.cidr(cidr, version).version if cidr else version)
    if pool is None:
        raise InvalidInput(reason=_("No default subnetpool found for IPv%(version)s"), version=version)
    return pool.id


def _range(
    actor: RequestContext, project: str, cidr: str | None, version: int, pool_id: str | None, prefixlen: int | None
) -> tuple[str | None, IPNetwork]:
    """(subnet pool id, CIDR) of a new subnet."""
    if pool_id:
        return pool_id, cut(actor, pool_id, project=project, cidr=cidr, prefixlen=prefixlen, version=version)
    if prefixlen is not None:
        raise InvalidInput(reason=_("prefixlen needs a subnetpool_id"))
    if not cidr:
        raise InvalidInput(reason=_("a subnetpool must be specified in the absence of a cidr"))
    return None, checks.cidr(cidr, version)


def _autoconfigure(subnet: Subnet) -> None:
    """Guests already on the network will make themselves an address of this prefix: note it on their ports."""
    if not subnet.is_autoconfigured:
        return
    for port in Port.objects.of_guests().filter(network_id=subnet.network_id):
        allocate(port, subnet)
        port.save_changes({})
        groups = PortGroup.objects.filter(port=port).values_list("group_id", flat=True)
        touch_port(port.id, port.network_id, groups)


@transaction.atomic
def update(actor: RequestContext, subnet_id: str, **changes: Any) -> Subnet:
    """Change a subnet. Takes gateway_ip, allocation_pools, dns_nameservers, host_routes, enable_dhcp, and plain columns.

    Raises: SubnetNotFound, GatewayIpInUse, and those of checks.
    """
    subnet = find(actor, subnet_id, lock=True)
    policy.require(actor, "update_subnet", subnet)
    span = inet.ip_network(subnet.cidr)
    for name in LISTS & changes.keys():
        changes[name] = changes[name] or []  # null empties a list, as Neutron converts it
    if "allocation_pools" in changes:
        changes["allocation_pools"] = checks.pools(changes["allocation_pools"], span)
    if "gateway_ip" in changes:
        changes["gateway_ip"] = checks.gateway(changes["gateway_ip"], span) if changes["gateway_ip"] else ""
        _refuse_used_gateway(subnet, changes["gateway_ip"])
    gateway = changes.get("gateway_ip", subnet.gateway_ip)
    if {"gateway_ip", "allocation_pools"} & set(changes):
        checks.gateway_outside_pools(gateway, changes.get("allocation_pools", subnet.allocation_pools))
    if "dns_nameservers" in changes:
        changes["dns_nameservers"] = checks.nameservers(changes["dns_nameservers"], subnet.ip_version)
    if "host_routes" in changes:
        changes["host_routes"] = checks.routes(changes["host_routes"], subnet.ip_version)
    if changes.get("enable_dhcp") is False:
        checks.ipv6_modes(span, subnet.ipv6_ra_mode, subnet.ipv6_address_mode, dhcp=False)
    subnet.save_changes(changes)
    dhcp.reconcile(Network.objects.get(pk=subnet.network_id))
    touch_network(subnet.network_id)
    announce("subnet", subnet.id, subnet.project_id)
    return subnet


def _refuse_used_gateway(subnet: Subnet, new: str) -> None:
    """A router that holds the present gateway address would lose its neighbours."""
    if new == subnet.gateway_ip or not subnet.gateway_ip:
        return
    held = FixedIP.objects.filter(subnet=subnet, ip_address=subnet.gateway_ip, port__role=ROUTER_INTERFACE).first()
    if held is not None:
        raise GatewayIpInUse(ip=subnet.gateway_ip, port=held.port_id)


@transaction.atomic
def delete(actor: RequestContext, subnet_id: str) -> None:
    """Remove a subnet that no port uses. DHCP's own address and those that guests made themselves go with it.

    Raises: SubnetNotFound, SubnetInUse, Forbidden.
    """
    subnet = find(actor, subnet_id, lock=True)
    policy.require(actor, "delete_subnet", subnet)
    used = FixedIP.objects.filter(subnet=subnet).exclude(port__role=DHCP)
    if subnet.is_autoconfigured:
        used = used.exclude(port__role="")
    if used.exists():
        raise SubnetInUse(id=subnet_id)
    remove(subnet)


def remove(subnet: Subnet) -> None:
    """Remove the row of a subnet, its tags and the addresses in it. Within a transaction; no questions asked."""
    subnet_id = subnet.id
    network = Network.objects.get(pk=subnet.network_id)
    FixedIP.objects.filter(subnet=subnet).delete()
    Tag.objects.filter(resource_id=subnet_id).delete()
    Subnet.objects.filter(pk=subnet_id).delete()
    dhcp.reconcile(network)
    touch_network(network.id)
    announce("subnet", subnet_id, subnet.project_id)
    announce("network", network.id, network.project_id)
