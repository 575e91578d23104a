"""Making, changing and removing networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from common.live import announce
from networking.desired.changes import touch, touch_network
from networking.errors import AttributeForbidden, InvalidInput, NetworkNotFound
from networking.floatingips.services import remove as remove_floating_ip
from networking.networks import segments
from networking.networks.models import Network
from networking.ports.models import DHCP, FLOATING_IP, ROUTER_GATEWAY, Port
from networking.ports.services import remove as remove_port
from networking.standard import Tag
from openstackapi import resource
from quota import services as quota
from sharing import services as sharing

TRIES = 8  # of finding a free segment while others look too
MTU_MINIMUM_V6 = 1280


class NetworkInUse(Conflict):
    template = _(
        "Unable to complete operation on network %(id)s. There are one or more ports still in use on the network, "
        "id for these ports is: %(ports)s."
    )


class ExternalNetworkInUse(Conflict):
    template = _(
        "External network %(id)s cannot be updated to be made non-external, since it has existing gateway ports."
    )


class InvalidSharedSetting(Conflict):
    template = _("Unable to reconfigure sharing settings for network %(name)s. Multiple projects are using it.")


def find(actor: RequestContext, network_id: str, *, lock: bool = False) -> Network:
    """Raises: NetworkNotFound, also for another project's network."""
    return resource.find(Network.objects.visible_to(actor), network_id, NetworkNotFound, lock=lock)


@dataclass(frozen=True, kw_only=True)
class NewNetwork:
    """Fields of a network to be made. Only an administrator says kind, physical network, segment, shared, external."""

    name: str = ""
    project_id: str | None = None
    description: str = ""
    admin_state_up: bool = True
    shared: bool = False
    external: bool = False
    is_default: bool = False
    mtu: int | None = None
    kind: str | None = None
    physical: str | None = None
    segment: int | None = None
    port_security_enabled: bool = True
    dns_domain: str = ""
    availability_zone_hints: list[str] | None = None

    def special(self) -> dict[str, object]:
        """Build the attributes that only an administrator may set, by their names on the wire."""
        return {
            "shared": self.shared,
            "router:external": self.external,
            "is_default": self.is_default,
            "provider:network_type": self.kind,
            "provider:physical_network": self.physical,
            "provider:segmentation_id": self.segment,
        }

    def columns(self) -> dict[str, object]:
        """Build the row's columns that are as they were asked for."""
        said = ("name", "description", "admin_state_up", "shared", "external", "is_default", "port_security_enabled")
        return {
            **{name: getattr(self, name) for name in (*said, "dns_domain")},
            "availability_zone_hints": self.availability_zone_hints or [],
        }


@transaction.atomic
def create(actor: RequestContext, **asked: Any) -> Network:
    """Create a network with a segment of its own. `asked`: the fields of NewNetwork.

    Raises: Forbidden, OverLimit, InvalidInput, NoNetworkAvailable, NetworkSegmentInUse.
    """
    new = NewNetwork(**asked)
    project = new.project_id or actor.project_id or ""
    policy.require(actor, "create_network", project)
    require_rights(actor, new.special())
    wanted = segments.check(new.kind, new.physical, new.segment)
    quota.require(project, "network", {"network": 1})
    mtu = segments.check_mtu(new.mtu, wanted.kind)
    network = _insert(wanted, {**new.columns(), "project_id": project, "mtu": mtu})
    touch(f"network:{network.id}")
    announce("network", network.id, project)
    return network


def _insert(wanted: segments.Segment, fields: dict[str, object]) -> Network:
    """Write the row with a free segment and conntrack zone; look again when another took it meanwhile."""
    for attempt in range(TRIES):
        chosen = segments.choose(wanted)
        try:
            with transaction.atomic():
                return Network.objects.create(
                    **fields,
                    kind=chosen.kind,
                    physical=chosen.physical,
                    segment=chosen.number,
                    conntrack_zone=segments.free_zone(),
                )
        except IntegrityError:
            if attempt + 1 == TRIES:
                raise
    raise AssertionError("unreachable")


def require_rights(actor: RequestContext, special: Mapping[str, object]) -> None:
    """Raises: AttributeForbidden naming the first attribute that only an administrator may set."""
    if actor.is_admin:
        return
    for attribute, value in special.items():
        if value not in (None, False):
            raise AttributeForbidden(attribute=attribute)


@transaction.atomic
def update(actor: RequestContext, network_id: str, **changes: Any) -> Network:
    """Change a network. Takes the keywords of create, but for project, kind and segment."""
    network = find(actor, network_id, lock=True)
    policy.require(actor, "update_network", network)
    names = {"shared": "shared", "external": "router:external", "is_default": "is_default"}
    differing = {names[key]: True for key in names if key in changes and changes[key] != getattr(network, key)}
    require_rights(actor, differing)
    shared = Port.objects.filter(network=network, role__in=(ROUTER_GATEWAY, FLOATING_IP))
    if changes.get("external") is False and shared.exists():
        raise ExternalNetworkInUse(id=network_id)
    guests = Port.objects.of_guests().filter(network=network)
    is_withdrawn = changes.get("shared") is False and network.shared
    if is_withdrawn and guests.exclude(project_id=network.project_id).exists():
        raise InvalidSharedSetting(name=network.name)
    if "mtu" in changes:
        changes["mtu"] = segments.check_mtu(changes["mtu"], network.kind)
        if network.subnets.filter(ip_version=6).exists() and changes["mtu"] < MTU_MINIMUM_V6:
            raise InvalidInput(
                reason=_("MTU %(mtu)s is below %(least)s, the least for IPv6"), mtu=changes["mtu"], least=MTU_MINIMUM_V6
            )
    network.save_changes(changes)
    touch_network(network.id)
    announce("network", network.id, network.project_id)
    return network


@transaction.atomic
def delete(actor: RequestContext, network_id: str) -> None:
    """Remove a network with its subnets, its DHCP port, and the floating IPs of it that lead nowhere.

    Raises: NetworkNotFound, NetworkInUse naming the ports, Forbidden.
    """
    network = find(actor, network_id, lock=True)
    policy.require(actor, "delete_network", network)
    for floating in network.floating_ips.filter(port=None):
        remove_floating_ip(floating)
    used = list(network.ports.exclude(role=DHCP).values_list("id", flat=True)[:20])
    if used:
        raise NetworkInUse(id=network_id, ports=", ".join(used))
    remove(network)


def remove(network: Network) -> None:
    """Remove the rows of a network, its subnets, DHCP ports, tags and shares. Within a transaction; no questions asked.

    The caller knows that no other port is on it.
    """
    network_id = network.id
    for port in network.ports.filter(role=DHCP):
        remove_port(port)
    subnets = list(network.subnets.values_list("id", "project_id"))
    Tag.objects.filter(resource_id__in=[network_id, *(subnet_id for subnet_id, _project in subnets)]).delete()
    Network.objects.filter(pk=network_id).delete()
    sharing.object_gone("network", network_id)
    touch(f"network:{network_id}", f"dhcp:{network_id}")
    for subnet_id, project_id in subnets:
        announce("subnet", subnet_id, project_id)
    announce("network", network_id, network.project_id)
