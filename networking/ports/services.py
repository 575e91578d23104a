"""Making, finding and removing ports. Changing them: updates.py; binding to a host: binding.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Forbidden
from common.live import announce
from common.prepared import Prepared
from networking.addressing import random_mac
from networking.desired.changes import touch_port
from networking.errors import NetworkNotFound, PortNotFound, SecurityGroupNotFound
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network, visible_network
from networking.ports import allocation, checks, devices, dhcp_options
from networking.ports.addresses import addresses, default_network, group_names
from networking.ports.binding import bind, unbind
from networking.ports.models import DHCP, FixedIP, Port, PortGroup
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroup
from networking.standard import Tag
from networking.subnets.models import Subnet
from openstackapi import resource
from quota import services as quota

__all__ = ["addresses", "bind", "create", "default_network", "delete", "find", "group_names", "unbind"]

MAC_TRIES = 8


class MacAddressInUse(Conflict):
    template = _("Unable to complete operation for network %(network)s. The mac address %(mac)s is in use.")


class ServicePortInUse(Conflict):
    template = _("Port %(id)s cannot be deleted directly via the port API: has device owner %(owner)s.")


class PortNotAllowedOnNetwork(Forbidden):
    wire_type = "PolicyNotAuthorized"
    formerly = ("PolicyNotAuthorized",)
    template = _("Ports on network %(network)s may only be made by its owner or an administrator.")


_subnets = Prepared(lambda network: Subnet.objects.filter(network_id=network).order_by("created_at", "id"))


def find(actor: RequestContext, port_id: str, *, lock: bool = False) -> Port:
    """Raises: PortNotFound, also for another project's port."""
    return resource.find(Port.objects.visible_to(actor), port_id, PortNotFound, lock=lock)


@dataclass(frozen=True, kw_only=True)
class NewPort:
    """Fields of a port to be made.

    `id`: the one it had before; a tap on a host is called by it. `attachment`: compute makes the port for this server.
    `fixed_ips` None: one address of each IP version; []: none; else what is asked, see allocation.allocate_asked.
    `security_groups` None: the project's default group.
    """

    network_id: str
    id: str | None = None
    project_id: str | None = None
    name: str = ""
    description: str = ""
    fixed_ips: Sequence[dict[str, str]] | None = None
    security_groups: Sequence[str] | None = None
    device_id: str = ""
    device_owner: str = ""
    mac: str | None = None
    admin_state_up: bool = True
    port_security_enabled: bool | None = None
    allowed_address_pairs: Sequence[dict[str, str]] = ()
    extra_dhcp_opts: Sequence[Mapping[str, object]] = ()
    dns_name: str = ""
    host: str = ""
    vnic_type: str = "normal"
    binding_profile: dict[str, object] | None = None
    attachment: devices.Attachment | None = None

    def columns(self) -> dict[str, object]:
        """Build the row's columns that are as they were asked for."""
        said = {name: getattr(self, name) for name in ("name", "description", "admin_state_up", "host", "vnic_type")}
        owner = {name: getattr(self, name) for name in ("device_id", "device_owner", "dns_name")}
        return {
            **said,
            **(self.attachment.columns() if self.attachment else owner),
            **({"id": self.id} if self.id else {}),
            "binding_profile": self.binding_profile or {},
            "extra_dhcp_opts": dhcp_options.checked(self.extra_dhcp_opts),
        }


@transaction.atomic
def create(actor: RequestContext, **asked: Any) -> Port:
    """Create a port with a MAC and addresses nobody else has. `asked`: the fields of NewPort.

    Raises: NetworkNotFound, Forbidden, OverLimit, MacAddressInUse, IpAddressGenerationFailure, IpAddressAlreadyAllocated,
    InvalidIpForNetwork, InvalidIpForSubnet, SecurityGroupNotFound, DeviceIDNotOwnedByTenant.
    """
    new = NewPort(**asked)
    project = new.project_id or actor.project_id or ""
    network = visible_network(actor, new.network_id)
    if network is None:
        raise NetworkNotFound(id=new.network_id)
    _require_rights(actor, project, network, new)
    is_secure = network.port_security_enabled if new.port_security_enabled is None else new.port_security_enabled
    checks.check_security(is_secure, new.security_groups, new.allowed_address_pairs)
    port = Port(network=network, project_id=project, port_security_enabled=is_secure, **new.columns())
    insert_with_mac(port, new.mac)
    port.allowed_address_pairs = checks.address_pairs(port, new.allowed_address_pairs)
    if port.allowed_address_pairs:
        port.save(update_fields=["allowed_address_pairs"])
    subnets = _subnets(network.id)
    if new.fixed_ips is None:
        allocation.allocate_any(port, subnets)
    elif new.fixed_ips:
        allocation.allocate_asked(port, subnets, new.fixed_ips)
    groups = join_groups(actor, port, new.security_groups) if is_secure else []
    touch_port(port.id, network.id, groups, is_bound=bool(port.host))
    announce("port", port.id, project)
    return port


def _require_rights(actor: RequestContext, project: str, network: Network, new: NewPort) -> None:
    """Raises: Forbidden, OverLimit, DeviceIDNotOwnedByTenant."""
    policy.require(actor, "create_port", project)
    _may_use(actor, network)
    if actor.is_internal:
        return
    checks.require_owner_rights(
        actor,
        network,
        device_owner=new.device_owner,
        mac=new.mac,
        host=new.host,
        profile=new.binding_profile,
        security=new.port_security_enabled,
        pairs=new.allowed_address_pairs,
    )
    devices.require_own(actor, project, new.device_id, new.device_owner)
    quota.require(project, "network", {"port": 1})


def _may_use(actor: RequestContext, network: Network) -> None:
    """Refuse ports on an external network that is not shared: it gives addresses alone. A user's own share has to be for operating."""
    if actor.is_admin or network.project_id == actor.project_id or network.shared:
        return
    if policy.allows(actor, "network:network:use", network):
        return
    if network.grants.filter(action="access_as_shared", target_project__in=("*", actor.project_id)).exists():
        return
    raise PortNotAllowedOnNetwork(network=network.id)


def insert_with_mac(port: Port, mac: str | None) -> None:
    """Write the row with its MAC; a random one is drawn again while it is taken.

    Raises: MacAddressInUse.
    """
    wanted = checks.mac_address(mac) if mac else None
    for _attempt in range(1 if wanted else MAC_TRIES):
        port.mac_address = wanted or random_mac()
        try:
            with transaction.atomic():
                port.save(force_insert=True)
            return
        except IntegrityError:
            if not Network.objects.filter(pk=port.network_id).exists():
                raise NetworkNotFound(id=port.network_id) from None
    raise MacAddressInUse(network=port.network_id, mac=port.mac_address)


def join_groups(actor: RequestContext, port: Port, group_ids: Sequence[str] | None) -> list[str]:
    """Put the port into groups. None: the project's default group, except for the cloud's own ports."""
    if group_ids is None:
        if port.role:
            return []
        wanted = [defaults.ensure_default(port.project_id).id]
    else:
        wanted = list(dict.fromkeys(group_ids))
        known = set(
            SecurityGroup.objects.visible_to(actor).filter(pk__in=wanted).values_list("id", flat=True) if wanted else ()
        )
        for group in wanted:
            if group not in known:
                raise SecurityGroupNotFound(id=group)
    PortGroup.objects.bulk_create([PortGroup(port=port, group_id=group) for group in wanted])
    return wanted


@transaction.atomic
def delete(actor: RequestContext, port_id: str) -> None:
    """Remove a port, its addresses, and the floating IPs' way to it. The floating IPs themselves stay.

    Raises: PortNotFound, Forbidden, ServicePortInUse for ports of routers and floating IPs.
    """
    port = find(actor, port_id, lock=True)
    policy.require(actor, "delete_port", port)
    if port.role not in ("", DHCP):
        raise ServicePortInUse(id=port_id, owner=port.role)
    remove(port)


def remove(port: Port) -> None:
    """Remove the row and note what changes on hosts. Within a transaction; no questions asked."""
    groups = list(PortGroup.objects.filter(port=port).values_list("group_id", flat=True))
    routers = release_floating_ips(port)
    if port.router_id:
        routers.append(port.router_id)
    Tag.objects.filter(resource_id=port.id).delete()
    FixedIP.objects.filter(port=port).delete()
    PortGroup.objects.filter(port=port).delete()
    port_id = port.id
    Port.objects.filter(pk=port_id).delete()
    touch_port(port_id, port.network_id, groups, router_ids=routers, is_bound=bool(port.host))
    announce("port", port_id, port.project_id)


def release_floating_ips(port: Port, *, keep: Sequence[str] = ()) -> list[str]:
    """Floating IPs that lead to this port lead nowhere now, but for those to an address in `keep`.

    Returns the routers that had them.
    """
    routers = []
    for floating in FloatingIP.objects.filter(port=port).exclude(fixed_ip_address__in=list(keep)):
        routers.append(floating.router_id or "")
        floating.release()
    return routers
