"""Protocol names and numbers of security group rules, as Neutron knows them."""

NUMBERS = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "icmp": 1,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "igmp": 2,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
NAMES = {6: "tcp", 17: "udp", 1: "icmp", 58: "ipv6-icmp", 132: "sctp", 33: "dccp", 136: "udplite"}
WITH_PORTS = frozenset({6, 17, 132, 33, 136})
ICMP = frozenset({1, 58})
V6_ONLY = frozenset({"icmpv6", "ipv6-icmp", "ipv6-encap", "ipv6-frag", "ipv6-nonxt", "ipv6-opts", "ipv6-route"})


def number(protocol: str) -> int | None:
    """Return the protocol's number, None for any; ValueError if there is no such protocol."""
    text = protocol.lower()
    if text in ("", "any"):
        return None
    if text in NUMBERS:
        return NUMBERS[text]
    value = int(text)
    if not 0 <= value <= 255:
        raise ValueError(protocol)
    return value
