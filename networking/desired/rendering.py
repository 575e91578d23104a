"""Rows as pieces: {piece: {host: body}}, bodies as hostagent.contract.network says. Few queries a kind, however many pieces."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from common.prepared import PreparedMany
from hostagent.contract import inet
from networking.addressing import canonical
from networking.desired import lists
from networking.floatingips.models import FloatingIP
from networking.ports.checks import mac_address
from networking.ports.models import ROUTER_GATEWAY, FixedIP, Port, PortGroup
from networking.routers.models import Router
from networking.subnets.models import Subnet

Body = dict[str, Any]
Rendered = dict[str, dict[str, Body]]


def split(pieces: Iterable[str]) -> dict[str, list[str]]:
    """Pieces by their kind: {kind: [id]}."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for piece in pieces:
        kind, _, id = piece.partition(":")
        by_kind[kind].append(id)
    return by_kind


def render(pieces: Iterable[str]) -> Rendered:
    """Render pieces: {piece: {host that needs it: body}}. The map of a piece that no host needs is empty."""
    out: Rendered = {}
    by_kind = split(pieces)
    for piece, ledger in lists.load({kind: ids for kind, ids in by_kind.items() if kind in lists.KINDS}).items():
        out[piece] = {host: ledger.body_for(host) for host in ledger.hosts()}
    for kind, ids in by_kind.items():
        if kind in RENDERERS:
            found = RENDERERS[kind](ids)
            out |= {f"{kind}:{id}": found.get(id, {}) for id in ids}
    return out


_fixed = PreparedMany(
    lambda ports: (
        FixedIP.objects.filter(port_id__in=ports).order_by("id").values_list("port_id", "subnet_id", "ip_address")
    )
)
_guest_ports = PreparedMany(lambda ids: Port.objects.of_guests().filter(pk__in=ids).exclude(host=""))
_memberships = PreparedMany(
    lambda ports: PortGroup.objects.filter(port_id__in=ports).order_by("group_id").values_list("port_id", "group_id")
)


def _addresses(port_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """{port: [(subnet, ip)]} in the order of allocation."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for port, subnet, ip in _fixed(port_ids):
        found[port].append((subnet, ip))
    return found


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
                "pairs": [
                    {"ip": canonical(p["ip_address"]), "mac": mac_address(p["mac_address"])}
                    for p in row.allowed_address_pairs
                ],
                "security": row.port_security_enabled,
                "up": row.admin_state_up,
            }
        }
        for row in rows
    }


def _routers(ids: list[str]) -> dict[str, dict[str, Body]]:
    ports: dict[str, list[Port]] = defaultdict(list)
    for port in Port.objects.filter(router_id__in=ids).select_related("network").order_by("id"):
        ports[str(port.router_id)].append(port)
    ips = _addresses(port.id for rows in ports.values() for port in rows)
    subnets = {s.id: s for s in Subnet.objects.filter(pk__in={s for held in ips.values() for s, _ip in held})}
    floating: dict[str, list[Body]] = defaultdict(list)
    for row in FloatingIP.objects.filter(router_id__in=ids).order_by("id"):
        floating[row.router_id or ""].append(
            {"id": row.id, "ip": row.floating_ip_address, "fixed_ip": row.fixed_ip_address}
        )
    return {
        router.id: {router.host: _router_body(router, ports[router.id], ips, subnets, floating[router.id])}
        for router in Router.objects.filter(pk__in=list(ports)).exclude(host="")
    }


def _router_body(
    router: Router,
    ports: list[Port],
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

    def leading_out(port: Port) -> Body:
        ways = [subnets[s].gateway_ip for s, _ip in ips.get(port.id, ()) if subnets[s].ip_version == 4]
        way = next((way for way in ways if way), None)
        who = {"network_id": port.network_id, "port_id": port.id, "mac": port.mac_address}
        return {**who, "ips": shown(port), "gateway": way}

    def leading_in(port: Port) -> Body:
        who = {"port_id": port.id, "network_id": port.network_id, "mac": port.mac_address}
        return {**who, "ips": shown(port), "mtu": port.network.mtu, **announced(port)}

    return {
        "id": router.id,
        "up": router.admin_state_up,
        "snat": router.enable_snat,
        "external": next((leading_out(port) for port in ports if port.role == ROUTER_GATEWAY), None),
        "interfaces": [leading_in(port) for port in ports if port.role != ROUTER_GATEWAY],
        "floating": floating,
        "routes": router.routes,
        "metadata": True,
    }


#: The kinds that are small: a body is read from its rows each time. Kinds with long lists are in lists.py.
RENDERERS: dict[str, Callable[[list[str]], dict[str, dict[str, Body]]]] = {"port": _ports, "router": _routers}
