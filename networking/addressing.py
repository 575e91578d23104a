"""Address arithmetic: ranges, gaps, EUI-64. Knows nothing of rows."""

import ipaddress
import secrets
from collections.abc import Iterable, Iterator

from hostagent.contract import inet

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAC_BASE = "fa:16:3e"  # Neutron's default base_mac


def number_of(ip: str | IPAddress) -> str:
    """Return an address as 32 hex digits: text order is number order within one IP version."""
    return f"{int(inet.ip_address(ip)):032x}"


def canonical(text: str) -> str:
    """Return an address or range in its one spelling: without host bits. Raises: ValueError."""
    return str(inet.ip_network(text, strict=False)) if "/" in text else str(inet.ip_address(text))


def routed(text: str) -> IPNetwork:
    """Where a route leads, as Neutron takes it: with a length, and without host bits, which nobody would see again. Raises: ValueError."""
    found = inet.ip_network(text, strict=True)
    if "/" not in text or found.is_loopback:
        raise ValueError(text)
    return found


def address_of(number: int, version: int) -> str:
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))


def random_mac() -> str:
    tail = secrets.token_bytes(3)
    return f"{MAC_BASE}:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"


def eui64(prefix: IPNetwork, mac: str) -> str:
    """Return the address a guest makes itself from an announced /64 and its MAC (RFC 4291, appendix A)."""
    parts = bytes(int(part, 16) for part in mac.split(":"))
    interface = bytes([parts[0] ^ 2]) + parts[1:3] + b"\xff\xfe" + parts[3:]
    return str(ipaddress.IPv6Address(int(prefix.network_address) | int.from_bytes(interface, "big")))


def default_gateway(network: IPNetwork) -> str:
    """Return the first address of the range (of an IPv6 range too: its zero address belongs to every router)."""
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return str(network.network_address + 1)


def usable_bounds(network: IPNetwork) -> tuple[int, int]:
    """First and last number that a port may have.

    IPv4 leaves out network and broadcast address, except in /31 and /32 (RFC 3021); IPv6 leaves out the zero address.
    """
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.num_addresses <= 2:
        return first, last
    return (first + 1, last - 1) if network.version == 4 else (first + 1, last)


def default_pools(network: IPNetwork, gateway: str) -> list[dict[str, str]]:
    """List all usable addresses but the gateway, as Neutron's list of {start, end}."""
    first, last = usable_bounds(network)
    taken = int(inet.ip_address(gateway)) if gateway else -1
    spans = [(first, last)]
    if first <= taken <= last:
        spans = [span for span in ((first, taken - 1), (taken + 1, last)) if span[0] <= span[1]]
    return [{"start": address_of(a, network.version), "end": address_of(b, network.version)} for a, b in spans]


def pool_spans(pools: Iterable[dict[str, str]]) -> list[tuple[int, int]]:
    return sorted((int(inet.ip_address(p["start"])), int(inet.ip_address(p["end"]))) for p in pools)


def spans_after(spans: list[tuple[int, int]], cursor: int | None) -> Iterator[tuple[int, int]]:
    """Yield the spans in the order in which to look for a free number: those after the cursor first, then the rest.

    So an address that was just freed is the last to be given again.
    """
    if cursor is None:
        yield from spans
        return
    for first, last in spans:
        if last > cursor:
            yield max(first, cursor + 1), last
    for first, last in spans:
        if first <= cursor:
            yield first, min(last, cursor)


def subtract(network: IPNetwork, used: Iterable[IPNetwork], prefixlen: int) -> IPNetwork | None:
    """Return the first subnet of this length in a prefix that overlaps none of `used`, or None."""
    if prefixlen < network.prefixlen:
        return None
    size = 1 << (network.max_prefixlen - prefixlen)
    start, end = int(network.network_address), int(network.broadcast_address)
    taken = sorted((int(u.network_address), int(u.broadcast_address)) for u in used if u.version == network.version)
    for low, high in taken:
        if low - start >= size:
            break
        if high >= start:
            start = -(-(high + 1) // size) * size  # the next boundary of this size
    if start + size - 1 > end:
        return None
    kind = ipaddress.IPv4Network if network.version == 4 else ipaddress.IPv6Network
    return kind((start, prefixlen))
