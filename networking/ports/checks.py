"""Checks of requests for ports."""

import re
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from networking.addressing import canonical
from networking.errors import AttributeForbidden, InvalidInput
from networking.networks.models import Network
from networking.ports.models import Port

MAC = re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}\Z")
MAX_PAIRS = 10  # Neutron's max_allowed_address_pair


class PortSecurityAndIPRequiredForSecurityGroups(Invalid):
    template = _("Port security must be enabled and port must have an IP address in order to use security groups.")


class PortSecurityPortHasSecurityGroup(Conflict):
    template = _("Port has security group associated. Cannot disable port security until security group is removed.")


class AddressPairAndPortSecurityRequired(Conflict):
    template = _("Port Security must be enabled in order to have allowed address pairs on a port.")


def mac_address(text: str) -> str:
    """Return a unicast MAC in lower case. Raises: InvalidInput."""
    mac = text.lower().replace("-", ":")
    if not MAC.match(mac) or mac == "00:00:00:00:00:00" or int(mac[:2], 16) & 1:
        raise InvalidInput(reason=_("'%(text)s' is not a valid MAC address"), text=text)
    return mac


def require_owner_rights(
    actor: RequestContext,
    network: Network,
    *,
    device_owner: str = "",
    mac: str | None = None,
    host: str = "",
    profile: dict[str, object] | None = None,
    security: bool | None = None,
    pairs: Sequence[object] | None = None,
) -> None:
    """Check attributes that only the network's owner or an administrator may set, and those that only an administrator may.

    Raises: AttributeForbidden.
    """
    if actor.is_admin:
        return
    is_owner = network.project_id == actor.project_id
    if device_owner.startswith("network:") and not is_owner:
        raise AttributeForbidden(attribute="device_owner")
    if mac and not is_owner:
        raise AttributeForbidden(attribute="mac_address")
    if security is False and network.port_security_enabled and not is_owner:
        raise AttributeForbidden(attribute="port_security_enabled")
    if pairs and not is_owner:
        raise AttributeForbidden(attribute="allowed_address_pairs")
    if host:
        raise AttributeForbidden(attribute="binding:host_id")
    if profile:
        raise AttributeForbidden(attribute="binding:profile")


def check_security(
    is_secure: bool, groups: Sequence[str] | None, pairs: Sequence[object], *, present: Sequence[str] = ()
) -> None:
    """Without port security a port has neither groups nor pairs. `groups` None: those that are `present` stay."""
    if not is_secure and groups is None and present:
        raise PortSecurityPortHasSecurityGroup()
    if not is_secure and groups:
        raise PortSecurityAndIPRequiredForSecurityGroups()
    if not is_secure and pairs:
        raise AddressPairAndPortSecurityRequired()


def address_pairs(port: Port, pairs: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Pairs as they are kept: {ip_address, mac_address}, spelled as they were sent; without a MAC it is the port's own.

    Raises: InvalidInput.
    """
    out: list[dict[str, str]] = []
    known = set()
    for pair in pairs:
        try:
            ip = str(pair["ip_address"])
            meant = canonical(ip)
        except (KeyError, ValueError) as error:
            raise InvalidInput(
                reason=_("'%(address)s' is not a valid IP address or subnet"), address=pair.get("ip_address")
            ) from error
        if set(pair) - {"ip_address", "mac_address"}:
            raise InvalidInput(reason=_("Unrecognized attribute(s) in allowed_address_pairs"))
        mac = pair.get("mac_address")
        same = (meant, mac_address(mac) if mac else port.mac_address)
        if same in known:
            raise InvalidInput(
                reason=_("Request contains duplicate address pair: mac_address %(mac)s ip_address %(ip)s"),
                mac=mac,
                ip=ip,
            )
        known.add(same)
        out.append({"ip_address": ip, "mac_address": mac or port.mac_address})
    if len(out) > MAX_PAIRS:
        raise InvalidInput(reason=_("Exceeded maximum amount of allowed address pairs %(most)s"), most=MAX_PAIRS)
    return out
