"""Giving addresses and MACs to ports, so that no two ports ever get the same one.

An address is a unique row (FixedIP). A search for a free one first locks the subnet's row, so that two of them never
look at once; the unique row refuses what a lock could not.
"""

import ipaddress
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.prepared import Prepared
from hostagent.contract import inet
from networking.addressing import address_of, eui64, number_of, pool_spans, spans_after
from networking.errors import (
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
    SubnetNotFound,
)
from networking.ports.models import FixedIP, Port
from networking.subnets.models import Subnet

WINDOW = 256  # used addresses read at once while looking for a gap


_locked_subnet = Prepared(lambda id: Subnet.objects.select_for_update().filter(pk=id))


def first_gap(subnet_id: str, first: int, last: int) -> int | None:
    """Return the first number from `first` to `last` that no port has."""
    candidate = first
    while candidate <= last:
        used = (
            FixedIP.objects.filter(subnet_id=subnet_id, number__gte=f"{candidate:032x}", number__lte=f"{last:032x}")
            .order_by("number")
            .values_list("number", flat=True)[:WINDOW]
        )
        numbers = [int(text, 16) for text in used]
        for number in numbers:
            if number != candidate:
                return candidate
            candidate += 1
        if len(numbers) < WINDOW:
            return candidate if candidate <= last else None
    return None


def next_free(subnet_id: str) -> str | None:
    """Return a free address of the subnet's pools, None if there is none. Locks the subnet until the transaction ends."""
    subnet = _locked_subnet(subnet_id)[0]
    cursor = int(subnet.cursor, 16) if subnet.cursor else None
    for first, last in spans_after(pool_spans(subnet.allocation_pools), cursor):
        number = first_gap(subnet_id, first, last)
        if number is not None:
            Subnet.objects.filter(pk=subnet_id).update(cursor=f"{number:032x}")
            return address_of(number, subnet.ip_version)
    return None


def hold(port: Port, subnet: Subnet, ip: str) -> FixedIP:
    """Give this very address to the port. Raises: IpAddressAlreadyAllocated."""
    try:
        with transaction.atomic():
            return FixedIP.objects.create(port=port, subnet=subnet, ip_address=ip, number=number_of(ip))
    except IntegrityError as error:
        raise IpAddressAlreadyAllocated(ip=ip, subnet=subnet.id) from error


def allocate(port: Port, subnet: Subnet) -> FixedIP:
    """Give the port an address of this subnet. Raises: IpAddressGenerationFailure."""
    if subnet.is_autoconfigured and not port.router_id:
        return hold(port, subnet, eui64(inet.ipv6_network(subnet.cidr), port.mac_address))
    ip = next_free(subnet.id)
    if ip is None:
        raise IpAddressGenerationFailure(network=port.network_id)
    return hold(port, subnet, ip)


def allocate_any(port: Port, subnets: Sequence[Subnet]) -> list[FixedIP]:
    """List one address of each IP version, and one of every subnet where guests configure themselves.

    A full subnet is passed over if the network has another of the same version.
    Raises: IpAddressGenerationFailure when all subnets of a version are full.
    """
    given: list[FixedIP] = []
    is_router = port.router_id is not None
    for version in (4, 6):
        ordinary = [s for s in subnets if s.ip_version == version and (is_router or not s.is_autoconfigured)]
        for subnet in ordinary:
            ip = next_free(subnet.id)
            if ip is not None:
                given.append(hold(port, subnet, ip))
                break
        else:
            if ordinary:
                raise IpAddressGenerationFailure(network=port.network_id)
    given.extend(allocate(port, s) for s in subnets if s.is_autoconfigured and not is_router)
    return given


def allocate_asked(port: Port, subnets: Sequence[Subnet], asked: Sequence[dict[str, str]]) -> list[FixedIP]:
    """List the addresses a user asked for: each {subnet_id}, {ip_address} or both.

    Exact addresses are taken first, so that an automatic one never takes what the same request names.
    """
    by_id = {subnet.id: subnet for subnet in subnets}
    chosen = [(_subnet_for(port, by_id, want), want) for want in asked]
    exact = [hold(port, s, _checked_ip(port, s, w["ip_address"])) for s, w in chosen if w.get("ip_address")]
    return exact + [allocate(port, s) for s, w in chosen if not w.get("ip_address")]


def _subnet_for(port: Port, by_id: dict[str, Subnet], want: dict[str, str]) -> Subnet:
    subnet_id, ip = want.get("subnet_id"), want.get("ip_address")
    if subnet_id:
        subnet = by_id.get(subnet_id)
        if subnet is None:
            if Subnet.objects.filter(pk=subnet_id).exists():
                raise InvalidInput(
                    reason=_(
                        "Failed to create port on network %(network)s, because fixed_ips included invalid subnet %(subnet)s"
                    ),
                    network=port.network_id,
                    subnet=subnet_id,
                )
            raise SubnetNotFound(id=subnet_id)
        return subnet
    if not ip:
        raise InvalidInput(reason=_("IP allocation requires subnet_id or ip_address"))
    address = _parsed(ip)
    for subnet in by_id.values():
        if address in inet.ip_network(subnet.cidr):
            return subnet
    raise InvalidIpForNetwork(ip=ip)


def _parsed(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return inet.ip_address(ip)
    except ValueError as error:
        raise InvalidInput(reason=_("'%(ip)s' is not a valid IP address"), ip=ip) from error


def _checked_ip(port: Port, subnet: Subnet, ip: str) -> str:
    address, network = _parsed(ip), inet.ip_network(subnet.cidr)
    edges = [] if network.num_addresses <= 2 else [network.network_address, network.broadcast_address]
    if network.version == 6:
        edges = edges[:1]
    if address not in network or address in edges:
        raise InvalidIpForSubnet(ip=ip, cidr=subnet.cidr)
    if subnet.is_autoconfigured and not port.router_id:
        own = eui64(inet.ipv6_network(subnet.cidr), port.mac_address)
        if str(address) != own:
            raise InvalidInput(
                reason=_(
                    "IPv6 address %(ip)s can not be directly assigned to a port on subnet %(subnet)s since the subnet is "
                    "configured for automatic addresses"
                ),
                ip=ip,
                subnet=subnet.id,
            )
    return str(address)
