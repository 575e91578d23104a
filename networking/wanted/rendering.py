"""Rows as pieces: {piece: {host: body}}, bodies as hostagent.contract says. Few queries a kind, however many pieces."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

from common.prepared import Prepared, PreparedMany
from hostagent import inet
from hosts.models import Host
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.dhcp_options import served
from networking.ports.models import DHCP, ROUTER_GATEWAY, FixedIP, Port, PortGroup
from networking.routers.models import Router
from networking.securitygroups import protocols
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.subnets.models import Subnet

Body = dict[str, Any]
Rendered = dict[str, dict[str, Body]]


def domain_default() -> str:
    """The domain of names that DHCP servers answer for, where the network has none: the one in Nova's metadata."""
    return str(getattr(settings, "DHCP_DOMAIN", "novalocal"))


def host_name(ip: str) -> str:
    """The name of a port that has none: as Neutron's DHCP agent makes it."""
    return "host-" + ip.replace(".", "-").replace(":", "-")


def render(pieces: Iterable[str]) -> Rendered:
    """What each piece is on each host that needs it. A piece nobody needs is an empty map."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for piece in pieces:
        kind, _, id = piece.partition(":")
        by_kind[kind].append(id)
    out: Rendered = {}
    for kind, ids in by_kind.items():
        found = RENDERERS[kind](ids)
        for id in ids:
            out[f"{kind}:{id}"] = found.get(id, {})
    return out


def every_piece() -> list[str]:
    """Every piece that any host could need, from rows alone."""
    networks = list(Network.objects.values_list("id", flat=True))
    ports = Port.objects.of_guests().exclude(host="").values_list("id", flat=True)
    return [
        *(f"network:{id}" for id in networks),
        *(f"dhcp:{id}" for id in networks),
        *(f"port:{id}" for id in ports),
        *(f"group:{id}" for id in SecurityGroup.objects.values_list("id", flat=True)),
        *(f"router:{id}" for id in Router.objects.values_list("id", flat=True)),
    ]


_fixed = PreparedMany(
    lambda ports: (
        FixedIP.objects.filter(port_id__in=ports).order_by("id").values_list("port_id", "subnet_id", "ip_address")
    )
)
_bound = PreparedMany(
    lambda networks: (
        Port.objects.filter(network_id__in=networks)
        .exclude(host="")
        .order_by("id")
        .values_list("network_id", "id", "mac_address", "host")
    )
)
_underlay = Prepared(lambda: Host.objects.exclude(underlay_ip="").values_list("name", "underlay_ip"))
_network_rows = PreparedMany(lambda ids: Network.objects.filter(pk__in=ids))
_guest_ports = PreparedMany(lambda ids: Port.objects.of_guests().filter(pk__in=ids).exclude(host=""))
_memberships = PreparedMany(
    lambda ports: PortGroup.objects.filter(port_id__in=ports).order_by("group_id").values_list("port_id", "group_id")
)
_rules = PreparedMany(lambda groups: SecurityGroupRule.objects.filter(group_id__in=groups).order_by("id"))
_members = PreparedMany(
    lambda groups: FixedIP.objects.filter(port__portgroup__group_id__in=groups).values_list(
        "port__portgroup__group_id", "ip_address"
    )
)
_pairs = PreparedMany(
    lambda groups: (
        Port.objects.filter(portgroup__group_id__in=groups)
        .exclude(allowed_address_pairs=[])
        .values_list("portgroup__group_id", "allowed_address_pairs")
    )
)
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


def _addresses(port_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """{port: [(subnet, ip)]} in the order of allocation."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for port, subnet, ip in _fixed(port_ids):
        found[port].append((subnet, ip))
    return found


def _networks(ids: list[str]) -> dict[str, dict[str, Body]]:
    bound: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for network, port, mac, host in _bound(ids):
        bound[network].append((port, mac, host))
    shared = {network for network, rows in bound.items() if len({host for _p, _m, host in rows}) > 1}
    ips = _addresses(port for network in shared for port, _mac, _host in bound[network]) if shared else {}
    underlay = dict(_underlay()) if shared else {}
    out: dict[str, dict[str, Body]] = {}
    for row in _network_rows(bound):
        out[row.id] = {
            host: _network_body(row, host, bound[row.id] if row.id in shared else [], ips, underlay)
            for host in {host for _port, _mac, host in bound[row.id]}
        }
    return out


def _network_body(
    row: Network,
    host: str,
    bound: list[tuple[str, str, str]],
    ips: dict[str, list[tuple[str, str]]],
    underlay: dict[str, str],
) -> Body:
    others = [(port, mac, there) for port, mac, there in bound if there != host and there in underlay]
    return {
        "id": row.id,
        "kind": row.kind,
        "segment": row.segment,
        "physical": row.physical or None,
        "mtu": row.mtu,
        "zone": row.zone,
        "peers": sorted({underlay[there] for _port, _mac, there in others}),
        "remote": [
            {"mac": mac, "ips": [ip for _subnet, ip in ips.get(port, ())], "host_ip": underlay[there]}
            for port, mac, there in others
        ],
    }


def _dhcps(ids: list[str]) -> dict[str, dict[str, Body]]:
    out: dict[str, dict[str, Body]] = {}
    servers = {port.network_id: port for port in Port.objects.filter(network_id__in=ids, role=DHCP)}
    homes = Network.objects.filter(pk__in=list(servers)).exclude(dhcp_host="")
    subnets: dict[str, list[Subnet]] = defaultdict(list)
    for subnet in Subnet.objects.filter(network_id__in=list(servers), enable_dhcp=True).order_by("created_at", "id"):
        subnets[subnet.network_id].append(subnet)
    clients: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    rows = Port.objects.of_guests().filter(network_id__in=list(servers)).order_by("id")
    for network, port, mac, name in rows.values_list("network_id", "id", "mac_address", "dns_name"):
        clients[network].append((port, mac, name))
    wanted = [port.id for port in servers.values()] + [port for rows in clients.values() for port, _m, _n in rows]
    ips = _addresses(wanted)
    options = dict(rows.exclude(extra_dhcp_opts=[]).values_list("id", "extra_dhcp_opts"))
    for network in homes:
        body = _dhcp_body(network, servers[network.id], subnets[network.id], clients[network.id], ips, options)
        out[network.id] = {network.dhcp_host: body}
    return out


def _dhcp_body(
    network: Network,
    server: Port,
    subnets: list[Subnet],
    clients: list[tuple[str, str, str]],
    ips: dict[str, list[tuple[str, str]]],
    options: dict[str, list[dict[str, Any]]],
) -> Body:
    own = dict(ips.get(server.id, ()))
    hosts = []
    for port, mac, name in clients:
        held = ips.get(port)
        if held:
            entry: Body = {"port_id": port, "mac": mac, "ips": [{"subnet_id": s, "ip": ip} for s, ip in held]}
            entry["hostname"] = name or host_name(held[0][1])
            versions = {6 if ":" in ip else 4 for _subnet, ip in held}
            own_options = served(options.get(port, ()), versions)
            if own_options:
                entry["options"] = own_options
            hosts.append(entry)
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
        "hosts": hosts,
        "metadata": True,
    }


def _ports(ids: list[str]) -> dict[str, dict[str, Body]]:
    rows = _guest_ports(ids)
    ips = _addresses(row.id for row in rows)
    groups: dict[str, list[str]] = defaultdict(list)
    for port, group in _memberships(row.id for row in rows):
        groups[port].append(group)
    return {
        row.id: {
            row.host: {
                "id": row.id,
                "network_id": row.network_id,
                "mac": row.mac_address,
                "ips": [ip for _subnet, ip in ips.get(row.id, ())],
                "groups": groups[row.id],
                "pairs": [{"ip": p["ip_address"], "mac": p["mac_address"]} for p in row.allowed_address_pairs],
                "security": row.port_security_enabled,
                "up": row.admin_state_up,
            }
        }
        for row in rows
    }


def _groups(ids: list[str]) -> dict[str, dict[str, Body]]:
    hosts = _group_hosts(ids)
    rules: dict[str, list[Body]] = defaultdict(list)
    for rule in _rules(hosts):
        rules[rule.group_id].append(_rule_body(rule))
    members: dict[str, set[str]] = defaultdict(set)
    for group, ip in _members(hosts):
        members[group].add(ip)
    for group, pairs in _pairs(hosts):
        members[group].update(pair["ip_address"] for pair in pairs)
    return {
        group: {host: {"id": group, "rules": rules[group], "members": sorted(members[group])} for host in on}
        for group, on in hosts.items()
    }


def _group_hosts(ids: list[str]) -> dict[str, set[str]]:
    """{group: hosts with a port in it, or in a group whose rules name it}; groups on no host are left out."""
    naming: dict[str, set[str]] = defaultdict(set)  # group → the remote groups among `ids` that its rules name
    for group, remote in _naming(ids):
        naming[group].add(remote)
    found: dict[str, set[str]] = defaultdict(set)
    wanted = set(ids)
    for group, host in _guests([*ids, *naming]):
        if group in wanted:
            found[group].add(host)
        for remote in naming.get(group, ()):
            found[remote].add(host)
    return found


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


def _routers(ids: list[str]) -> dict[str, dict[str, Body]]:
    legs: dict[str, list[Port]] = defaultdict(list)
    for port in Port.objects.filter(router_id__in=ids).select_related("network").order_by("id"):
        legs[str(port.router_id)].append(port)
    ips = _addresses(port.id for rows in legs.values() for port in rows)
    subnets = {s.id: s for s in Subnet.objects.filter(pk__in={s for held in ips.values() for s, _ip in held})}
    floating: dict[str, list[Body]] = defaultdict(list)
    for row in FloatingIP.objects.filter(router_id__in=ids).order_by("id"):
        floating[row.router_id or ""].append(
            {"id": row.id, "ip": row.floating_ip_address, "fixed_ip": row.fixed_ip_address}
        )
    return {
        router.id: {router.host: _router_body(router, legs[router.id], ips, subnets, floating[router.id])}
        for router in Router.objects.filter(pk__in=list(legs)).exclude(host="")
    }


def _router_body(
    router: Router,
    legs: list[Port],
    ips: dict[str, list[tuple[str, str]]],
    subnets: dict[str, Subnet],
    floating: list[Body],
) -> Body:
    def shown(port: Port) -> list[Body]:
        return [{"ip": ip, "prefix": inet.ip_network(subnets[s].cidr).prefixlen} for s, ip in ips.get(port.id, ())]

    def announced(port: Port) -> Body:
        own = [subnets[s] for s, _ip in ips.get(port.id, ())]
        found = [s.cidr for s in own if s.ip_version == 6 and s.ipv6_ra_mode in ("slaac", "dhcpv6-stateless")]
        return {"ra": found} if found else {}

    external: Body | None = None
    for port in legs:
        if port.role == ROUTER_GATEWAY:
            ways = [subnets[s].gateway_ip for s, _ip in ips.get(port.id, ()) if subnets[s].ip_version == 4]
            external = {"network_id": port.network_id, "port_id": port.id, "mac": port.mac_address, "ips": shown(port)}
            external["gateway"] = next((way for way in ways if way), None)
    return {
        "id": router.id,
        "up": router.admin_state_up,
        "snat": router.enable_snat,
        "external": external,
        "interfaces": [
            {
                "port_id": port.id,
                "network_id": port.network_id,
                "mac": port.mac_address,
                "ips": shown(port),
                "mtu": port.network.mtu,
                **announced(port),
            }
            for port in legs
            if port.role != ROUTER_GATEWAY
        ],
        "floating": floating,
        "routes": router.routes,
        "metadata": True,
    }


RENDERERS: dict[str, Callable[[list[str]], dict[str, dict[str, Body]]]] = {
    "network": _networks,
    "dhcp": _dhcps,
    "port": _ports,
    "group": _groups,
    "router": _routers,
}
