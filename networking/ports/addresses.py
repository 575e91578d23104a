"""The addresses and security groups of servers, as compute and the portal show them."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django.db.models import QuerySet

from authorization.context import RequestContext
from common.prepared import Prepared, PreparedMany
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


def _fixed_of(**where: object) -> QuerySet[FixedIP, dict[str, Any]]:
    rows: QuerySet[FixedIP, dict[str, Any]] = (
        FixedIP.objects.filter(**where).order_by("port__created_at", "id").values(*_FIXED)
    )
    return rows


def _floating_of(**where: object) -> QuerySet[FloatingIP, dict[str, Any]]:
    rows: QuerySet[FloatingIP, dict[str, Any]] = FloatingIP.objects.filter(**where).values(*_FLOATING)
    return rows


# Pages ask for one server over and over.
_fixed_of_one = Prepared(lambda server: _fixed_of(port__server_id=server))
_floating_of_one = Prepared(lambda server: _floating_of(port__server_id=server))


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
    ids = list(servers)
    found: dict[str, list[Address]] = {server: [] for server in ids}
    rows = _fixed_of_one(ids[0]) if len(ids) == 1 else _fixed_of(port__server_id__in=ids)
    outside = _floating_of_one(ids[0]) if len(ids) == 1 else _floating_of(port__server_id__in=ids)
    floating = {(row["port_id"], row["fixed_ip_address"]): row["floating_ip_address"] for row in outside}
    for server, project, network, name, port, mac, ip, version in (row.values() for row in rows):
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
