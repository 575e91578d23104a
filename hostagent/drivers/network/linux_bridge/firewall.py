"""Security groups: from pieces to a ruleset.

Connection state lives in family inet (only there is conntrack), and all port rules in family bridge (only there is the
port's name): br_netfilter, on per bridge, runs the inet prerouting hooks on the same packet before the bridge forwards
it, and the packet's mark carries the verdict across. Each network has a conntrack zone of its own, so that equal
addresses in two networks do not meet.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from hostagent.contract import inet
from hostagent.contract.network import bridge_name, tap_name
from hostagent.drivers.network.linux_bridge.firewall_base import base_tables
from hostagent.drivers.network.linux_bridge.ruleset import Chain, Collection, Table

Bodies = dict[str, dict[str, dict[str, Any]]]  # kind → id → body

PROTOCOLS: Final = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4, "ipv6-encap": 41,
    "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
    "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
WITH_PORTS: Final = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}


@lru_cache(65536)  # a host's ruleset is built anew for each change, from the same few addresses
def parsed(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an address or a range. Raises: ValueError."""
    return inet.ip_network(address, strict=False)


def chain_name(direction: str, tap: str) -> str:
    return f"{direction}_{tap.replace('-', '_')}"


def group_set(version: int, group_id: str) -> str:
    """Return the set of a group's members that are single addresses."""
    return f"g{version}_{group_id.replace('-', '_')}"


def range_set(version: int, group_id: str) -> str:
    """Return the set of a group's members that are ranges.

    Apart from the others, because nft reads an interval set back whole for each change (55 ms at 10,000 members; a plain
    set: 3 ms), and a group seldom has any.
    """
    return f"r{version}_{group_id.replace('-', '_')}"


def link_local(mac: str) -> str:
    """Return the EUI-64 link-local address of a MAC address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    return str(
        ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:])
    )


def without_contained(addresses: Iterable[str]) -> list[str]:
    """Addresses and ranges as nft wants them in an interval set: none inside another, each once, sorted.

    Linear after the sort: two ranges either lie in each other or apart, and sorted the outer one comes first.
    """
    ranges = sorted({parsed(a) for a in addresses}, key=lambda n: (n.version, int(n.network_address), n.prefixlen))
    kept: list[str] = []
    last: tuple[int, int] = (0, -1)  # version and end of the range kept last
    for item in ranges:
        end = (item.version, int(item.broadcast_address))
        if end > last:
            kept.append(str(item.network_address) if item.prefixlen == item.max_prefixlen else str(item))
            last = end
    return kept


@lru_cache(65536)
def as_member(address: str) -> tuple[int, bool, str]:
    """(version, whether it is a range, in nft's words). Raises: ValueError."""
    network = parsed(address)
    alone = network.prefixlen == network.max_prefixlen
    return network.version, not alone, str(network.network_address) if alone else str(network)


def version_of(address: str) -> int:
    return parsed(address).version


def rule_match(rule: dict[str, Any], *, of_ranges: bool = False) -> str:
    """Return the match of one security group rule, without verdict; `of_ranges` names the remote group's ranges.

    Raises: ValueError for what nft could not hold.
    """
    version = 6 if rule["ethertype"] == "IPv6" else 4
    family, side = ("ip", "ip6")[version == 6], ("daddr", "saddr")[rule["direction"] == "ingress"]
    parts = [f"meta protocol {family}"]
    if rule.get("group"):
        parts.append(f"{family} {side} @{(range_set if of_ranges else group_set)(version, rule['group'])}")
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


@dataclass(frozen=True)
class Matched:
    """A rule: its direction, its match in nft's words, the group it names, and the match of that group's ranges."""

    direction: str
    match: str
    remote: str | None = None
    of_ranges: str = ""


@dataclass(frozen=True)
class GroupPart:
    """What one group's body comes to."""

    body: dict[str, object]
    sets: dict[str, Collection]
    rules: tuple[Matched, ...]


@dataclass(frozen=True)
class PortPart:
    """What one port's body comes to, with the rules of its groups."""

    body: dict[str, object]
    rests_on: tuple[object, ...]  # its groups' parts, and which of the groups they name have ranges
    elements: tuple[tuple[str, str, str], ...]  # set, key, value
    chains: dict[str, Chain]


class Builder:
    """Builds rulesets one after another; what a body came to is kept while the same body is asked for.

    A change of one group or port so costs what that one is made of, plus a dictionary entry for each port of the host.
    """

    def __init__(self) -> None:
        self.groups: dict[str, GroupPart] = {}
        self.ports: dict[str, PortPart] = {}

    def build(self, bodies: Bodies) -> list[Table]:
        """Build the ruleset of these pieces (networks, groups and ports). Raises: KeyError, ValueError for a bad body."""
        state, table = base_tables()
        for network in bodies["network"].values():
            state.sets["zones"].elements[f'"{bridge_name(network["id"])}"'] = str(int(network["zone"]))
        groups = {}
        for id_, body in bodies["group"].items():
            had = self.groups.get(id_)
            groups[id_] = had if had and had.body is body else group_part(body)
            table.sets |= groups[id_].sets
        ports = {id_: self.port(id_, body, groups, table) for id_, body in bodies["port"].items()}
        for part in ports.values():
            table.chains |= part.chains
            for name, key, value in part.elements:
                table.sets[name].elements[key] = value
        self.groups, self.ports = groups, ports
        return [state, table]

    def port(self, id_: str, body: dict[str, Any], groups: dict[str, GroupPart], table: Table) -> PortPart:
        own = tuple(groups[g] for g in body.get("groups") or () if g in groups)
        remotes = dict.fromkeys(rule.remote for part in own for rule in part.rules if rule.remote)
        for remote in remotes:
            if remote not in groups:  # its members are not known here yet: nobody is let in
                table.sets.update({group_set(v, remote): Collection(f"type ipv{v}_addr") for v in (4, 6)})
        ranged = frozenset(r for r in remotes if range_set(4, r) in table.sets)
        had = self.ports.get(id_)
        if had and had.body is body and same(had.rests_on, (*own, ranged)):
            return had
        return port_part(body, own, ranged)


def same(had: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Whether a port rests on the very same parts; the last item of both is a set and is compared by value."""
    return len(had) == len(now) and all(a is b for a, b in zip(had[:-1], now[:-1], strict=True)) and had[-1] == now[-1]


def build(bodies: Bodies) -> list[Table]:
    """Build the ruleset of these pieces, from nothing. Raises: KeyError, ValueError for a bad body."""
    return Builder().build(bodies)


def group_part(body: dict[str, Any]) -> GroupPart:
    id_ = body["id"]
    sets = {group_set(version, id_): Collection(f"type ipv{version}_addr") for version in (4, 6)}
    ranges: dict[int, list[str]] = {}
    for version, is_range, text in map(as_member, body.get("members") or ()):
        if is_range:
            ranges.setdefault(version, []).append(text)
        else:
            sets[group_set(version, id_)].elements[text] = ""
    for version in (4, 6) if ranges else ():
        elements = dict.fromkeys(without_contained(ranges.get(version, ())), "")
        sets[range_set(version, id_)] = Collection(f"type ipv{version}_addr", "interval", elements=elements)
    rules = tuple(
        Matched(r["direction"], rule_match(r), r.get("group"), rule_match(r, of_ranges=True) if r.get("group") else "")
        for r in body.get("rules") or ()
    )
    return GroupPart(body, sets, rules)


def port_part(port: dict[str, Any], groups: tuple[GroupPart, ...], ranged: frozenset[str]) -> PortPart:
    tap = tap_name(port["id"])
    quoted = f'"{tap}"'
    elements = [("known", quoted, "")]
    chains: dict[str, Chain] = {}
    if not port.get("up", True):
        elements.append(("blocked", quoted, ""))
    if port.get("security", True):
        elements += [("ports", quoted, ""), *spoof_elements(port, quoted)]
        rules = [rule for part in groups for rule in part.rules]
        for word, direction, verdict in (("e", "egress", "return"), ("i", "ingress", "accept")):
            matches = dict.fromkeys(
                match
                for rule in rules
                if rule.direction == direction
                for match in (rule.match, *([rule.of_ranges] if rule.remote in ranged else ()))
            )
            chains[chain_name(word, tap)] = Chain([*(f"{match} {verdict}" for match in matches), "drop"])
            elements.append((f"{direction}_of", quoted, f"goto {chain_name(word, tap)}"))
    return PortPart(port, (*groups, ranged), tuple(elements), chains)


def spoof_elements(port: dict[str, Any], quoted: str) -> Iterator[tuple[str, str, str]]:
    """Yield the elements that say from which addresses a port may send."""
    allowed: dict[str, list[str]] = {}
    for mac, address in port_addresses(port):
        allowed.setdefault(mac.lower(), []).append(address)
    for mac, addresses in allowed.items():
        yield "macs", f"{quoted} . {mac}", ""
        for address in without_contained(addresses):
            yield f"ipmac{version_of(address)}", f"{quoted} . {mac} . {address}", ""


def cut_ports(old: list[Table], new: list[Table]) -> set[str]:
    """Taps whose rules let less through than before: their live flows must be asked again."""
    before, after = old[1], new[1]
    cut = {t for t in after.sets["blocked"].elements if t not in before.sets["blocked"].elements}
    cut |= {
        t
        for t in after.sets["ports"].elements
        if t not in before.sets["ports"].elements and t in before.sets["known"].elements
    }
    cut |= {t for t in before.sets["known"].elements if t not in after.sets["known"].elements}
    taps = {tap.strip('"') for tap in cut}
    shrunk = {f"@{name}" for name, item in before.sets.items() if name[:1] in "gr" and has_shrunk(item, after, name)}
    for tap in (t.strip('"') for t in before.sets["ports"].elements):
        for word in ("e", "i"):
            name = chain_name(word, tap)
            had, has = before.chains[name], after.chains.get(name)
            rules = set(had.rules)
            if (had is not has and rules - set(has.rules if has else ())) or (
                shrunk and any(item in shrunk for rule in rules for item in rule.split())
            ):
                taps.add(tap)
    return taps


def has_shrunk(item: Collection, table: Table, name: str) -> bool:
    """Whether a set of a group's members has lost any."""
    now = table.sets.get(name)
    return item is not now and not item.elements.keys() <= (now.elements.keys() if now else set())
