"""Security groups: from pieces to a ruleset.

Connection state lives in family inet (only there is conntrack), and all port rules in family bridge (only there is the
port's name): br_netfilter, on per bridge, runs the inet prerouting hooks on the same packet before the bridge forwards
it, and the packet's mark carries the verdict across. Each network has a conntrack zone of its own, so that equal
addresses in two networks do not meet.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from hostagent.contract import bridge_name, tap_name
from hostagent.drivers.network.linux_bridge.ruleset import Chain, Collection, Table

Matched = tuple[str, str, str | None]  # a rule's direction, its match in nft's words, the group it names
Bodies = dict[str, dict[str, dict[str, Any]]]  # kind → id → body

PROTOCOLS: Final = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4, "ipv6-encap": 41,
    "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
    "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
WITH_PORTS: Final = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}
ALWAYS_FORWARDED_ICMPV6: Final = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, mld-listener-query, "
    "mld-listener-report, mld2-listener-report } accept"
)
EARLY_ICMPV6: Final = "{ nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report }"


@lru_cache(65536)  # a host's ruleset is built anew for each change, from the same few addresses
def parsed(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a range. Raises: ValueError."""
    return ipaddress.ip_network(address, strict=False)


def chain_name(direction: str, tap: str) -> str:
    return f"{direction}_{tap.replace('-', '_')}"


def group_set(version: int, group_id: str) -> str:
    return f"g{version}_{group_id.replace('-', '_')}"


def link_local(mac: str) -> str:
    """The EUI-64 link-local address of a MAC address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    return str(
        ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:])
    )


def without_contained(addresses: Iterable[str]) -> list[str]:
    """Addresses and ranges as nft wants them in an interval set: none inside another, each once, sorted."""
    ranges = sorted(
        {parsed(a) for a in addresses},
        key=lambda n: (n.version, n.prefixlen, n.network_address),
    )
    kept: list[Any] = []
    for item in ranges:
        if not any(item.version == k.version and item.subnet_of(k) for k in kept):
            kept.append(item)
    return [str(k.network_address) if k.prefixlen == k.max_prefixlen else str(k) for k in kept]


def version_of(address: str) -> int:
    return parsed(address).version


def rule_match(rule: dict[str, Any]) -> str:
    """The match of one security group rule, without verdict. Raises: ValueError for what nft could not hold."""
    version = 6 if rule["ethertype"] == "IPv6" else 4
    family, side = ("ip", "ip6")[version == 6], ("daddr", "saddr")[rule["direction"] == "ingress"]
    parts = [f"meta protocol {family}"]
    if rule.get("group"):
        parts.append(f"{family} {side} @{group_set(version, rule['group'])}")
    elif rule.get("cidr"):
        range_ = parsed(rule["cidr"])
        if range_.version != version:
            raise ValueError(f"{range_} is not {rule['ethertype']}")
        if range_.prefixlen:
            parts.append(f"{family} {side} {range_}")
    return " ".join(parts + protocol_match(rule, version))


def protocol_match(rule: dict[str, Any], version: int) -> list[str]:
    named = str(rule.get("protocol") or "any").lower()
    if named in ("any", "0"):
        return []
    number = PROTOCOLS[named] if named in PROTOCOLS else int(named)
    if number == 1 and version == 6:
        number = 58  # "icmp" of an IPv6 rule has always meant ICMPv6
    low, high = rule.get("min"), rule.get("max")
    if number in (1, 58):
        word = "icmp" if number == 1 else "icmpv6"
        if low is None:
            return [f"meta l4proto {number}"]
        return [f"{word} type {int(low)}", *([f"{word} code {int(high)}"] if high is not None else [])]
    if number not in WITH_PORTS or (low is None and high is None):
        return [f"meta l4proto {number}"]
    ends = [int(end) for end in (low, high) if end is not None]
    first, last = ends[0], ends[-1]
    return [f"{WITH_PORTS[number]} dport {first if first == last else f'{first}-{last}'}"]


def port_addresses(port: dict[str, Any]) -> list[tuple[str, str]]:
    """(mac, address or range) that a port may send from: its own and its allowed address pairs."""
    own = [(port["mac"], ip) for ip in (*port["ips"], link_local(port["mac"]))]
    pairs = [(pair.get("mac") or port["mac"], pair["ip"]) for pair in port.get("pairs") or ()]
    return own + pairs


def base_tables() -> list[Table]:
    """The tables of a host that has no port yet. They mark nothing that passes bridges of others."""
    state = Table("inet", "stackling_state")
    state.sets = {"zones": Collection("typeof iifname : ct zone", is_map=True)}
    state.chains = {
        "raw": Chain(["ct zone set iifname map @zones"], "type filter hook prerouting priority raw; policy accept;"),
        "state": Chain(
            [
                'iifname "brq*" ct state established,related meta mark set 0x1',
                'iifname "brq*" ct state invalid meta mark set 0x2',
            ],
            "type filter hook prerouting priority mangle; policy accept;",
        ),
    }
    groups = Table("bridge", "stackling_groups")
    groups.sets = {
        "known": Collection("type ifname"),
        "blocked": Collection("type ifname"),
        "ports": Collection("type ifname"),
        "macs": Collection("type ifname . ether_addr"),
        "ipmac4": Collection("type ifname . ether_addr . ipv4_addr", "interval"),
        "ipmac6": Collection("type ifname . ether_addr . ipv6_addr", "interval"),
        "egress_of": Collection("type ifname : verdict", is_map=True),
        "ingress_of": Collection("type ifname : verdict", is_map=True),
    }
    groups.chains = spoof_chains() | forward_chains()
    return [state, groups]


def spoof_chains() -> dict[str, Chain]:
    """Nobody sends what is not theirs; a tap that control has not told of sends nothing."""
    return {
        "spoof_arp": Chain([
            "iifname . arp saddr ether . arp saddr ip @ipmac4 accept",
            "arp saddr ip 0.0.0.0 iifname . arp saddr ether @macs accept",
            "drop",
        ]),
        "spoof4": Chain([
            "ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept",
            "udp sport 67 udp dport 68 drop",
            "iifname . ether saddr . ip saddr @ipmac4 accept",
            "drop",
        ]),
        "spoof6": Chain([
            "icmpv6 type { nd-router-advert, nd-redirect } drop",
            "udp sport 547 udp dport 546 drop",
            f"ip6 saddr :: icmpv6 type {EARLY_ICMPV6} accept",
            "iifname . ether saddr . ip6 saddr @ipmac6 accept",
            "drop",
        ]),
        "spoof": Chain(
            [
                "iifname @blocked drop",
                'iifname "tap*" iifname != @known drop',
                "iifname != @ports accept",
                "iifname . ether saddr != @macs drop",
                "meta protocol vmap { arp : goto spoof_arp, ip : goto spoof4, ip6 : goto spoof6 }",
                "drop",
            ],
            "type filter hook prerouting priority -300; policy accept;",
        ),
    }  # fmt: skip


def forward_chains() -> dict[str, Chain]:
    """Egress *returns* what it allows: the receiving port on the same host must be asked too."""
    return {
        "egress": Chain(
            [
                "udp sport 68 udp dport 67 return",
                "udp sport 546 udp dport 547 return",
                "iifname vmap @egress_of",
                "drop",
            ]
        ),
        "ingress": Chain(
            [
                "udp sport 67 udp dport 68 accept",
                "udp sport 547 udp dport 546 accept",
                "oifname vmap @ingress_of",
                "drop",
            ]
        ),
        "forward": Chain(
            [
                "oifname @blocked drop",
                "meta protocol arp accept",
                "meta mark & 0x3 == 0x1 accept",
                "meta mark & 0x3 == 0x2 iifname @ports drop",
                "meta mark & 0x3 == 0x2 oifname @ports drop",
                ALWAYS_FORWARDED_ICMPV6,
                "iifname @ports jump egress",
                "oifname @ports jump ingress",
            ],
            "type filter hook forward priority 0; policy accept;",
        ),
    }


def build(bodies: Bodies) -> list[Table]:
    """The ruleset of these pieces (networks, groups and ports). Raises: KeyError, ValueError for a body that is no good."""
    state, groups = base_tables()
    for network in bodies["network"].values():
        state.sets["zones"].elements[f'"{bridge_name(network["id"])}"'] = str(int(network["zone"]))
    rules: dict[str, list[Matched]] = {}
    for group in bodies["group"].values():
        add_group_sets(groups, group["id"], group.get("members") or ())
        rules[group["id"]] = [(r["direction"], rule_match(r), r.get("group")) for r in group.get("rules") or ()]
    for port in bodies["port"].values():
        add_port(groups, port, rules)
    return [state, groups]


def add_group_sets(table: Table, group_id: str, members: Iterable[str]) -> None:
    plain = without_contained(members)
    for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr")):
        elements = {address: "" for address in plain if version_of(address) == version}
        table.sets[group_set(version, group_id)] = Collection(f"type {kind}", "interval", elements=elements)


def add_port(table: Table, port: dict[str, Any], rules: dict[str, list[Matched]]) -> None:
    tap = tap_name(port["id"])
    quoted = f'"{tap}"'
    table.sets["known"].elements[quoted] = ""
    if not port.get("up", True):
        table.sets["blocked"].elements[quoted] = ""
    if not port.get("security", True):
        return
    table.sets["ports"].elements[quoted] = ""
    allowed: dict[str, list[str]] = {}
    for mac, address in port_addresses(port):
        allowed.setdefault(mac.lower(), []).append(address)
    for mac, addresses in allowed.items():
        table.sets["macs"].elements[f"{quoted} . {mac}"] = ""
        for address in without_contained(addresses):
            table.sets[f"ipmac{version_of(address)}"].elements[f"{quoted} . {mac} . {address}"] = ""
    matched = [rule for group_id in port.get("groups") or () for rule in rules.get(group_id, ())]
    for _, _, remote in matched:
        if remote and group_set(4, remote) not in table.sets:
            add_group_sets(table, remote, ())  # its members are not known here yet: nobody is let in
    for word, direction, verdict in (("e", "egress", "return"), ("i", "ingress", "accept")):
        matches = dict.fromkeys(match for way, match, _ in matched if way == direction)
        table.chains[chain_name(word, tap)] = Chain([*(f"{match} {verdict}" for match in matches), "drop"])
        table.sets[f"{direction}_of"].elements[quoted] = f"goto {chain_name(word, tap)}"


def cut_ports(old: list[Table], new: list[Table]) -> set[str]:
    """Taps whose rules let less through than before: their live flows must be asked again."""
    before, after = old[1], new[1]
    shrunk = {
        name
        for name, item in before.sets.items()
        if name[:3] in ("g4_", "g6_")
        and set(item.elements) - set(after.sets[name].elements if name in after.sets else ())
    }
    cut = {t for t in after.sets["blocked"].elements if t not in before.sets["blocked"].elements}
    cut |= {
        t
        for t in after.sets["ports"].elements
        if t not in before.sets["ports"].elements and t in before.sets["known"].elements
    }
    cut |= {t for t in before.sets["known"].elements if t not in after.sets["known"].elements}
    taps = {tap.strip('"') for tap in cut}
    for tap in (t.strip('"') for t in before.sets["ports"].elements):
        for word in ("e", "i"):
            name = chain_name(word, tap)
            rules, now = before.chains[name].rules, after.chains[name].rules if name in after.chains else []
            if set(rules) - set(now) or any(f"@{item} " in rule for item in shrunk for rule in rules):
                taps.add(tap)
    return taps
