"""The networks and groups that a request asks for: what each interface of a server is to be."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from compute.did_you_mean import did_you_mean
from networking.networks.models import Network, visible_network
from networking.ports import devices
from networking.ports import services as ports
from networking.ports.models import FixedIP, Port
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet


class NetworkUnknown(Invalid):
    template = _("Network %(id)s could not be found.")


class PortUnknown(Invalid):
    template = _("Port id %(id)s could not be found.")


class PortTaken(Conflict):
    template = _("Port %(id)s is still in use.")


class GroupUnknown(Invalid):
    template = _("Security group %(name)s not found for project %(project)s.%(hint)s")


class ManyNetworks(Conflict):
    template = _("Multiple possible networks found, use a Network ID to be more specific.")


class ManyGroups(Conflict):
    template = _("Multiple security groups found matching '%(name)s'. Use an ID to be more specific.")


class NetworkHasNoSubnet(Invalid):
    template = _("Network %(id)s requires a subnet in order to boot instances on.")


class ExternalNetwork(Invalid):
    template = _("It is not allowed to create an interface on external network %(id)s")


class NoNetwork(Invalid):
    template = _("Unable to automatically allocate a network for project %(project)s. Create one first.")


@dataclass(frozen=True)
class Nic:
    """One requested interface: a port of the user's, or a network with perhaps an address."""

    network_id: str = ""
    port_id: str = ""
    fixed_ip: str = ""
    tag: str = ""


def named_groups(actor: RequestContext, requested: list[str]) -> dict[str, str] | None:
    """Id → name of the project's groups, each given by id or name; None for "the default one".

    Raises: GroupUnknown, ManyGroups.
    """
    if not requested or requested == ["default"]:
        return None
    rows = list(SecurityGroup.objects.filter(project_id=actor.project_id or "").values_list("id", "name"))
    groups = {}
    for name in requested:
        found = [row for row in rows if row[0] == name] or [row for row in rows if row[1] == name]
        if not found:
            raise GroupUnknown(
                name=name, project=actor.project_id, **did_you_mean(name, [known for _id, known in rows])
            )
        if len(found) > 1:
            raise ManyGroups(name=name)
        groups[found[0][0]] = found[0][1]
    return groups


def resolve(actor: RequestContext, requested: list[Nic] | str | None) -> list[Nic]:
    """List the interfaces a new server gets. None or "auto": the project's one network; "none": no interface.

    Raises: NetworkUnknown, PortUnknown, PortTaken, NoNetwork, ManyNetworks, ExternalNetwork.
    """
    if requested == "none":
        return []
    if requested is None or isinstance(requested, str) or not requested:
        return _automatic(actor, must=requested == "auto")
    for nic in requested:
        _check(actor, nic)
    return requested


def _automatic(actor: RequestContext, *, must: bool) -> list[Nic]:
    found = ports.default_network(actor)
    if found is not None:
        return [Nic(network_id=found.id)]
    seen = Network.objects.all() if actor.is_admin else Network.objects.open_to(actor.project_id or "")
    if seen.filter(external=False, subnets__isnull=False).exists():
        raise ManyNetworks()
    if must:
        raise NoNetwork(project=actor.project_id)
    return []


def _check(actor: RequestContext, nic: Nic) -> None:
    if nic.port_id:
        port = Port.objects.visible_to(actor).filter(id=nic.port_id).first()
        if port is None:
            raise PortUnknown(id=nic.port_id)
        if devices.is_taken(port):
            raise PortTaken(id=nic.port_id)
        return
    network = visible_network(actor, nic.network_id)
    if network is None:
        raise NetworkUnknown(id=nic.network_id)
    if network.external and not network.shared and not actor.is_admin and network.project_id != actor.project_id:
        raise ExternalNetwork(id=nic.network_id)
    if not network.subnets.exists():
        raise NetworkHasNoSubnet(id=nic.network_id)


def has_ipv4(nics: list[Nic]) -> bool:
    """Whether a guest will have an IPv4 address, from which alone it can ask the metadata service."""
    networks = [nic.network_id for nic in nics if not nic.port_id]
    if networks and Subnet.objects.filter(network_id__in=networks, ip_version=4).exists():
        return True
    taken = [nic.port_id for nic in nics if nic.port_id]
    return bool(taken) and FixedIP.objects.filter(port_id__in=taken, subnet__ip_version=4).exists()
