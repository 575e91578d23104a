"""The addresses and security groups of servers, as compute and the portal show them."""

from collections.abc import Mapping
from typing import TypedDict

from authorization.context import RequestContext
from common.prepared import PreparedMany
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import FixedIP, PortGroup

_FIXED = (
    "port__server_id",
    "port__project_id",
    "port__network_id",
    "port__network__name",
    "port_id",
    "port__mac_address",
    "ip_address",
    "subnet__ip_version",
)
_FLOATING = ("port_id", "fixed_ip_address", "floating_ip_address")


_fixed_of = PreparedMany(
    lambda servers: (
        FixedIP.objects.filter(port__server_id__in=servers).order_by("port__created_at", "id").values_list(*_FIXED)
    )
)
_floating_of = PreparedMany(
    lambda servers: FloatingIP.objects.filter(port__server_id__in=servers).values_list(*_FLOATING)
)


class Address(TypedDict):
    """One address of a server; `type` is "fixed" or "floating"."""

    network_id: str
    network_name: str
    port_id: str
    mac: str
    ip: str
    version: int
    type: str


def addresses(servers: Mapping[str, str]) -> dict[str, list[Address]]:
    """{server id: [its addresses]} in two queries.

    `servers` is {server id: its project's id}: a port of another project is not its.
    In the order in which the ports were made; a fixed address is followed by its floating one.
    """
    found: dict[str, list[Address]] = {server: [] for server in servers}
    floating = {(port, inner): outer for port, inner, outer in _floating_of(servers)}
    for server, project, network, name, port, mac, ip, version in _fixed_of(servers):
        if project != servers[server]:
            continue
        inner = Address(
            network_id=network, network_name=name, port_id=port, mac=mac, ip=ip, version=version, type="fixed"
        )
        found[server].append(inner)
        outer = floating.get((port, ip))
        if outer:
            found[server].append({**inner, "ip": outer, "version": 4, "type": "floating"})
    return found


_groups_of = PreparedMany(
    lambda servers: (
        PortGroup.objects.filter(port__server_id__in=servers)
        .order_by("port__created_at", "port_id", "group__name", "id")
        .values_list("port__server_id", "port__project_id", "group__project_id", "group__name", "group_id")
    )
)


def group_names(servers: Mapping[str, str], *, foreign: bool = False) -> dict[str, list[str]]:
    """{server id: names of its ports' security groups} in one query, a name for each port that is in the group.

    `servers` as for addresses(). `foreign`: also groups of other projects, which only an administrator can put there.
    Source: nova.network.security_group_api.get_instances_security_groups_bindings.
    """
    found: dict[str, list[str]] = {server: [] for server in servers}
    for server, project, owner, name, group in _groups_of(servers):
        if project == servers[server] and (foreign or owner == project):
            found[server].append(name or group)
    return found


def default_network(actor: RequestContext) -> Network | None:
    """Return the network a server gets when its user names none: the project's only one. None if there is not exactly one.

    Networks of the project come first, then shared ones; external ones are never taken.
    """
    seen = Network.objects.all() if actor.is_admin else Network.objects.open_to(actor.project_id or "")
    usable = seen.filter(external=False, subnets__isnull=False).distinct()
    own = list(usable.filter(project_id=actor.project_id or "").order_by("created_at", "id")[:2])
    candidates = own or list(usable.filter(shared=True).order_by("created_at", "id")[:2])
    return candidates[0] if len(candidates) == 1 else None
