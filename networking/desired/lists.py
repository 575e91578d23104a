"""The pieces with long lists as ledgers: a network's remote ports, a DHCP server's clients, a group's members.

Each kind says what its body holds besides its lists (`fixed`, read whole each time, few rows), and what each port puts
into the lists (`holdings`, of all ports of a piece or of some). Few queries a kind, however many pieces.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from common.prepared import Prepared, PreparedMany
from hosts.models import Host
from networking.addressing import canonical
from networking.desired.ledger import Body, Holding, Ledger, Ledgers
from networking.networks.models import Network
from networking.ports.dhcp_options import served
from networking.ports.models import DHCP, FixedIP, Port, PortGroup
from networking.securitygroups import protocols
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.subnets.models import Subnet

Fixed = dict[str, tuple[Body, set[str]]]  # id → (body without its lists, hosts that need it without a port in it)
Held = dict[str, dict[str, Holding]]  # id → port → what it puts in
Addresses = dict[str, list[tuple[str, str]]]  # port → [(subnet, ip)] in the order of allocation


@dataclass(frozen=True)
class Kind:
    lists: tuple[str, ...]
    near: bool  # a host is not told of what is on itself
    fixed: Callable[[list[str]], Fixed]
    holdings: Callable[[list[str], list[str] | None], Held]


def load(desired: Mapping[str, list[str]]) -> dict[str, Ledger]:
    """Ledgers of these pieces ({kind: [id]}), read from the rows."""
    found: dict[str, Ledger] = {}
    for name, ids in desired.items():
        kind = KINDS[name]
        fixed, held = kind.fixed(ids), kind.holdings(ids, None)
        for id in ids:
            ledger = found[f"{name}:{id}"] = Ledger(kind.lists, near=kind.near)
            ledger.set_fixed(*fixed.get(id, (None, set())))
            for port, holding in held.get(id, {}).items():
                ledger.set_holding(port, holding)
    return found


def refresh(ledgers: Ledgers, desired: Mapping[str, dict[str, set[str] | None]]) -> dict[str, Ledger]:
    """Bring ledgers up to date ({kind: {id: ports that changed, None for all}}); one not in memory is read whole."""
    found: dict[str, Ledger] = {}
    for name, asked in desired.items():
        kind = KINDS[name]
        ids = list(asked)
        fixed = kind.fixed(ids)
        some = {id: ports for id, ports in asked.items() if ports is not None and ledgers.get(f"{name}:{id}")}
        every = [id for id in ids if id not in some]
        held = kind.holdings(every, None) if every else {}
        ports = sorted({port for some_ports in some.values() for port in some_ports})
        if ports:
            held |= kind.holdings(list(some), ports)
        for id in ids:
            piece = f"{name}:{id}"
            ledger = ledgers.get(piece) or Ledger(kind.lists, near=kind.near)
            ledger.set_fixed(*fixed.get(id, (None, set())))
            now = held.get(id, {})
            for port in some[id] if id in some else [*ledger.holdings.keys() - now.keys(), *now]:
                ledger.set_holding(port, now.get(port))
            ledgers.keep(piece, ledger)
            found[piece] = ledger
    ledgers.trim()
    return found


# ── Networks ────────────────────────────────────────────────────────────────────────────────────────────────────────

_bound = PreparedMany(
    lambda networks: (
        Port.objects.filter(network_id__in=networks)
        .exclude(host="")
        .values_list("network_id", "id", "mac_address", "host")
    )
)
_bound_of = PreparedMany(
    lambda ports: (
        Port.objects.filter(pk__in=ports).exclude(host="").values_list("network_id", "id", "mac_address", "host")
    )
)
_addresses_in = PreparedMany(
    lambda networks: (
        FixedIP.objects.filter(port__network_id__in=networks)
        .order_by("id")
        .values_list("port_id", "subnet_id", "ip_address")
    )
)
_addresses_of = PreparedMany(
    lambda ports: (
        FixedIP.objects.filter(port_id__in=ports).order_by("id").values_list("port_id", "subnet_id", "ip_address")
    )
)
_underlay = Prepared(lambda: Host.objects.exclude(underlay_ip="").values_list("name", "underlay_ip"))
_network_rows = PreparedMany(lambda ids: Network.objects.filter(pk__in=ids))


def _by_port(rows: Iterable[tuple[str, str, str]]) -> Addresses:
    found: Addresses = defaultdict(list)
    for port, subnet, ip in rows:
        found[port].append((subnet, ip))
    return found


def _network_fixed(ids: list[str]) -> Fixed:
    return {
        row.id: (
            {
                "id": row.id,
                "kind": row.kind,
                "segment": row.segment,
                "physical": row.physical or None,
                "mtu": row.mtu,
                "zone": row.conntrack_zone,
            },
            set(),
        )
        for row in _network_rows(ids)
    }


def _network_holdings(ids: list[str], ports: list[str] | None) -> Held:
    rows = _bound(ids) if ports is None else _bound_of(ports)
    ips = _by_port(_addresses_in(ids) if ports is None else _addresses_of(ports))
    underlay = dict(_underlay())
    found: Held = defaultdict(dict)
    for network, port, mac, host in rows:
        there = underlay.get(host)
        remote = {"mac": mac, "ips": [ip for _subnet, ip in ips.get(port, ())], "host_ip": there}
        found[network][port] = Holding(host, {"peers": {there: there}, "remote": {mac: remote}} if there else {})
    return found


# ── DHCP servers ────────────────────────────────────────────────────────────────────────────────────────────────────

_servers = PreparedMany(lambda networks: Port.objects.filter(network_id__in=networks, role=DHCP))
_served = PreparedMany(
    lambda networks: Subnet.objects.filter(network_id__in=networks, enable_dhcp=True).order_by("created_at", "id")
)
_CLIENT: Final = ("network_id", "id", "mac_address", "dns_name", "extra_dhcp_opts")
_clients = PreparedMany(lambda networks: Port.objects.of_guests().filter(network_id__in=networks).values_list(*_CLIENT))
_clients_of = PreparedMany(lambda ports: Port.objects.of_guests().filter(pk__in=ports).values_list(*_CLIENT))


def domain_default() -> str:
    """Return the domain of names that DHCP servers answer for, where the network has none: the one in Nova's metadata."""
    return str(getattr(settings, "DHCP_DOMAIN", "novalocal"))


def host_name(ip: str) -> str:
    """Return the name of a port that has none: as Neutron's DHCP agent makes it."""
    return "host-" + ip.replace(".", "-").replace(":", "-")


def _dhcp_fixed(ids: list[str]) -> Fixed:
    servers = {port.network_id: port for port in _servers(ids)}
    homes = [network for network in _network_rows(servers) if network.dhcp_host]
    subnets: dict[str, list[Subnet]] = defaultdict(list)
    for subnet in _served(servers):
        subnets[subnet.network_id].append(subnet)
    ips = _by_port(_addresses_of(port.id for port in servers.values()))
    return {
        network.id: (
            _dhcp_body(network, servers[network.id], subnets[network.id], dict(ips.get(servers[network.id].id, ()))),
            {network.dhcp_host},
        )
        for network in homes
    }


def _dhcp_body(network: Network, server: Port, subnets: list[Subnet], own: dict[str, str]) -> Body:
    return {
        "network_id": network.id,
        "port_id": server.id,
        "mac": server.mac_address,
        "mtu": network.mtu,
        "domain": network.dns_domain.rstrip(".") or domain_default(),
        "subnets": [
            {
                "id": subnet.id,
                "cidr": subnet.cidr,
                "gateway": subnet.gateway_ip or None,
                "dns": subnet.dns_nameservers,
                "routes": subnet.host_routes,
                "ip": own[subnet.id],
                "ip_version": subnet.ip_version,
                "ipv6_mode": subnet.ipv6_address_mode or subnet.ipv6_ra_mode or None,
            }
            for subnet in subnets
            if subnet.id in own
        ],
        "metadata": True,
    }


def _dhcp_holdings(ids: list[str], ports: list[str] | None) -> Held:
    if ports is None:  # of a network without a server nobody asks for its clients
        ids = [port.network_id for port in _servers(ids)]
    rows = _clients(ids) if ports is None else _clients_of(ports)
    ips = _by_port(_addresses_in(ids) if ports is None else _addresses_of(ports))
    found: Held = defaultdict(dict)
    for network, port, mac, name, options in rows:
        held = ips.get(port)
        if held:
            entry: Body = {"port_id": port, "mac": mac, "ips": [{"subnet_id": s, "ip": ip} for s, ip in held]}
            entry["hostname"] = name or host_name(held[0][1])
            versions = {6 if ":" in ip else 4 for _subnet, ip in held}
            own_options = served(options, versions)
            if own_options:
                entry["options"] = own_options
            found[network][port] = Holding("", {"hosts": {port: entry}})
    return found


# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────

_groups = PreparedMany(lambda ids: SecurityGroup.objects.filter(pk__in=ids).values_list("id"))
_rules = PreparedMany(lambda groups: SecurityGroupRule.objects.filter(group_id__in=groups).order_by("id"))
_naming = PreparedMany(
    lambda groups: (
        SecurityGroupRule.objects.filter(remote_group_id__in=groups)
        .values_list("group_id", "remote_group_id")
        .distinct()
    )
)
_guests = PreparedMany(
    lambda groups: (
        PortGroup.objects.filter(group_id__in=groups, port__role="")
        .exclude(port__host="")
        .values_list("group_id", "port__host")
        .distinct()
    )
)
_MEMBER: Final = ("group_id", "port_id", "port__host", "port__role", "port__allowed_address_pairs")
_members = PreparedMany(lambda groups: PortGroup.objects.filter(group_id__in=groups).values_list(*_MEMBER))
_members_of = PreparedMany(lambda ports: PortGroup.objects.filter(port_id__in=ports).values_list(*_MEMBER))
_addresses_by_group = PreparedMany(
    lambda groups: (
        FixedIP.objects.filter(port__portgroup__group_id__in=groups)
        .order_by("id")
        .values_list("port_id", "subnet_id", "ip_address")
    )
)


def _group_fixed(ids: list[str]) -> Fixed:
    rules: dict[str, list[Body]] = defaultdict(list)
    for rule in _rules(ids):
        rules[rule.group_id].append(_rule_body(rule))
    naming: dict[str, set[str]] = defaultdict(set)  # another group → the groups among `ids` that its rules name
    for group, remote in _naming(ids):
        if group != remote:  # hosts with ports in a group have it anyway
            naming[group].add(remote)
    hosts: dict[str, set[str]] = defaultdict(set)
    for group, host in _guests(naming):
        for remote in naming[group]:
            hosts[remote].add(host)
    return {id: ({"id": id, "rules": rules[id]}, hosts[id]) for (id,) in _groups(ids)}


def _rule_body(rule: SecurityGroupRule) -> Body:
    number = protocols.number(rule.protocol)
    return {
        "id": rule.id,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": None if number is None else protocols.NAMES.get(number, str(number)),
        "min": rule.port_range_min,
        "max": rule.port_range_max,
        "cidr": rule.normalized_cidr or None,
        "group": rule.remote_group_id,
    }


def _group_holdings(ids: list[str], ports: list[str] | None) -> Held:
    rows = _members(ids) if ports is None else _members_of(ports)
    ips = _by_port(_addresses_by_group(ids) if ports is None else _addresses_of(ports))
    found: Held = defaultdict(dict)
    for group, port, host, role, pairs in rows:
        addresses: list[Any] = [ip for _subnet, ip in ips.get(port, ())] + [
            canonical(pair["ip_address"]) for pair in pairs
        ]
        home = "" if role else host
        found[group][port] = Holding(home, {"members": {address: address for address in addresses}})
    return found


KINDS: Final[dict[str, Kind]] = {
    "network": Kind(("peers", "remote"), True, _network_fixed, _network_holdings),
    "dhcp": Kind(("hosts",), False, _dhcp_fixed, _dhcp_holdings),
    "group": Kind(("members",), False, _group_fixed, _group_holdings),
}
