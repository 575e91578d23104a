"""Checks of requests for subnets. Only the overlap check reads rows."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid
from hostagent.contract import inet
from networking.addressing import IPNetwork, pool_spans, routed, usable_bounds
from networking.errors import InvalidInput
from networking.subnets.models import SLAAC, STATEFUL, STATELESS, Subnet

MODES = (SLAAC, STATELESS, STATEFUL)
MAX_DNS = 5  # Neutron's max_dns_nameservers
MAX_ROUTES = 20  # Neutron's max_subnet_host_routes


class InvalidAllocationPool(Invalid):
    template = _("The allocation pool %(start)s-%(end)s is not valid.")


class OutOfBoundsAllocationPool(Invalid):
    template = _("The allocation pool %(start)s-%(end)s spans beyond the subnet cidr %(cidr)s.")


class OverlappingAllocationPools(Conflict):
    template = _("Found overlapping allocation pools for subnet %(cidr)s.")


class GatewayConflictWithAllocationPools(Conflict):
    template = _("Gateway ip %(ip)s conflicts with allocation pool %(start)s-%(end)s.")


class DNSNameServersExhausted(Invalid):
    template = _("Unable to complete operation. The number of DNS nameservers exceeds the limit %(limit)s.")


class HostRoutesExhausted(Invalid):
    template = _("Unable to complete operation. The number of host routes exceeds the limit %(limit)s.")


def cidr(text: str | None, version: int) -> IPNetwork:
    """Return a CIDR of this IP version, host bits cleared. Raises: InvalidInput."""
    try:
        network = inet.ip_network(text or "", strict=False)
    except ValueError as error:
        raise InvalidInput(reason=_("'%(text)s' is not a valid CIDR"), text=text) from error
    if network.version != version:
        raise InvalidInput(
            reason=_("cidr '%(text)s' does not match the ip_version '%(version)s'"), text=text, version=version
        )
    if network.prefixlen == 0 or network.is_multicast or (network.version == 6 and network.is_link_local):
        raise InvalidInput(reason=_("cidr '%(text)s' may not be the range of a subnet"), text=text)
    if network.version == 4 and network.is_loopback:
        raise InvalidInput(reason=_("cidr '%(text)s' is the loopback range"), text=text)
    return network


def address(text: object, version: int, what: str) -> str:
    """Return an address of this IP version in its usual spelling. Raises: InvalidInput."""
    try:
        ip = inet.ip_address(str(text))
    except ValueError as error:
        raise InvalidInput(reason=_("'%(text)s' is not a valid %(what)s"), text=text, what=what) from error
    if ip.version != version:
        raise InvalidInput(
            reason=_("%(what)s '%(text)s' does not match the ip_version '%(version)s'"),
            what=what,
            text=text,
            version=version,
        )
    return str(ip)


def gateway(text: str, network: IPNetwork) -> str:
    """Check that a port may have a gateway. One outside of the range is allowed, as on-link routes make it reachable."""
    ip = address(text, network.version, "gateway_ip")
    if network.num_addresses > 2:
        edges = [str(network.network_address)] + ([str(network.broadcast_address)] if network.version == 4 else [])
        if ip in edges and not (network.version == 6):
            raise InvalidInput(reason=_("Gateway is not valid on subnet"))
    return ip


def pools(asked: Sequence[Mapping[str, str]], network: IPNetwork) -> list[dict[str, str]]:
    """Allocation pools within the range, in order, apart from each other."""
    out = []
    low, high = usable_bounds(network)
    for pool in asked:
        try:
            first, last = inet.ip_address(pool["start"]), inet.ip_address(pool["end"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(reason=_("'%(pool)s' is not a valid allocation pool"), pool=pool) from error
        if first.version != network.version or last.version != network.version or int(first) > int(last):
            raise InvalidAllocationPool(start=first, end=last)
        if int(first) < low or int(last) > high:
            raise OutOfBoundsAllocationPool(start=first, end=last, cidr=network)
        out.append({"start": str(first), "end": str(last)})
    spans = pool_spans(out)
    if any(before[1] >= after[0] for before, after in itertools.pairwise(spans)):
        raise OverlappingAllocationPools(cidr=network)
    return out


def gateway_outside_pools(ip: str, allocation_pools: Iterable[dict[str, str]]) -> None:
    """Raises: GatewayConflictWithAllocationPools."""
    if not ip:
        return
    number = int(inet.ip_address(ip))
    for pool in allocation_pools:
        if int(inet.ip_address(pool["start"])) <= number <= int(inet.ip_address(pool["end"])):
            raise GatewayConflictWithAllocationPools(ip=ip, **pool)


def nameservers(asked: Sequence[object], version: int) -> list[str]:
    if len(asked) > MAX_DNS:
        raise DNSNameServersExhausted(limit=MAX_DNS)
    out = [address(ip, version, "nameserver") for ip in asked]
    if len(set(out)) != len(out):
        raise InvalidInput(reason=_("Duplicate nameserver"))
    return out


def routes(asked: Sequence[Mapping[str, str]], version: int) -> list[dict[str, str]]:
    """Host routes {destination, nexthop}."""
    if len(asked) > MAX_ROUTES:
        raise HostRoutesExhausted(limit=MAX_ROUTES)
    out = []
    for route in asked:
        if set(route) != {"destination", "nexthop"}:
            raise InvalidInput(reason=_("Invalid host route %(route)s: it needs destination and nexthop"), route=route)
        try:
            destination = routed(route["destination"])
        except ValueError as error:
            raise InvalidInput(
                reason=_("'%(destination)s' is not a valid CIDR"), destination=route["destination"]
            ) from error
        if destination.version != version:
            raise InvalidInput(
                reason=_("destination '%(destination)s' does not match the ip_version '%(version)s'"),
                destination=destination,
                version=version,
            )
        out.append({"destination": str(destination), "nexthop": address(route["nexthop"], version, "nexthop")})
    return out


def ipv6_modes(network: IPNetwork, ra_mode: str, address_mode: str, *, dhcp: bool) -> None:
    """Check the pair of IPv6 modes against Neutron's table. Raises: InvalidInput."""
    if not ra_mode and not address_mode:
        return
    if network.version == 4:
        raise InvalidInput(reason=_("ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4"))
    for mode in (ra_mode, address_mode):
        if mode and mode not in MODES:
            raise InvalidInput(reason=_("'%(mode)s' is not in %(known)s"), mode=mode, known=list(MODES))
    if ra_mode and address_mode and ra_mode != address_mode:
        raise InvalidInput(
            reason=_(
                "ipv6_ra_mode set to '%(ra_mode)s' with ipv6_address_mode set to '%(address_mode)s' is not valid. If "
                "both attributes are set, they must be the same value"
            ),
            ra_mode=ra_mode,
            address_mode=address_mode,
        )
    if not dhcp:
        raise InvalidInput(reason=_("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False"))
    if (SLAAC in (ra_mode, address_mode) or STATELESS in (ra_mode, address_mode)) and network.prefixlen != 64:
        raise InvalidInput(
            reason=_(
                "Invalid CIDR %(network)s for IPv6 address mode. OpenStack uses the EUI-64 address format, which "
                "requires the prefix to be /64"
            ),
            network=network,
        )


def no_overlap(network: IPNetwork, network_id: str) -> None:
    """Raises: InvalidInput naming the subnet of the same network that overlaps."""
    for other, other_id in Subnet.objects.filter(network_id=network_id).values_list("cidr", "id"):
        present = inet.ip_network(other)
        if present.version == network.version and present.overlaps(network):
            raise InvalidInput(
                reason=_(
                    "Requested subnet with cidr: %(network)s for network: %(network_id)s overlaps with another subnet "
                    "%(other_id)s (%(other)s)"
                ),
                network=network,
                network_id=network_id,
                other_id=other_id,
                other=other,
            )
