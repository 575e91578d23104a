"""IP addresses and ranges as texts that control and its hosts hand on to files and tools.

`ipaddress` takes a zone after an IPv6 address ("fe80::1%eth0") and any characters in it, line ends too, and writes them out
again: such a text would be a line of its own in dnsmasq's, nft's or haproxy's file. Here a zone is no part of an address, and
no other module parses one (tests/common/test_texts.py). Source: RFC 4007 11, ipaddress._split_scope_id.
"""

import ipaddress
from typing import Any

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _zoneless(value: Any) -> Any:
    if "%" in str(value):
        raise ValueError(f"{str(value)[:64]!r} has a zone (%), which is no part of an address here")
    return value


def ip_address(value: object) -> IPAddress:
    """As `ipaddress.ip_address`, without a zone. Raises: ValueError."""
    return ipaddress.ip_address(_zoneless(value))


def ip_network(value: object, *, strict: bool = True) -> IPNetwork:
    """As `ipaddress.ip_network`, without a zone. Raises: ValueError."""
    return ipaddress.ip_network(_zoneless(value), strict=strict)


def ip_interface(value: object) -> IPInterface:
    """As `ipaddress.ip_interface`, without a zone. Raises: ValueError."""
    return ipaddress.ip_interface(_zoneless(value))


def ipv6_network(value: object) -> ipaddress.IPv6Network:
    """As `ipaddress.IPv6Network`, without a zone. Raises: ValueError."""
    return ipaddress.IPv6Network(_zoneless(value))
