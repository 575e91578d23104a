"""Changing ports."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from common.live import announce
from networking.desired.changes import touch_port
from networking.networks.models import Network
from networking.ports import allocation, checks, devices, dhcp_options, states
from networking.ports.models import FixedIP, Port, PortGroup
from networking.ports.services import find, join_groups, release_floating_ips
from networking.subnets.models import Subnet

PLAIN = ("name", "description", "admin_state_up", "device_id", "dns_name", "vnic_type")


class PortBound(Conflict):
    template = _("Unable to complete operation on port %(id)s, port is already bound, port type: ovs, old_mac %(old)s.")


class Changes(TypedDict, total=False):
    """The keywords of `update`; a null host, profile or owner is none, a null list or flag stays as it is."""

    name: str
    description: str
    admin_state_up: bool
    device_id: str | None
    device_owner: str | None
    dns_name: str
    vnic_type: str
    host: str | None
    binding_profile: dict[str, object] | None
    mac: str | None
    fixed_ips: Sequence[dict[str, str]] | None
    security_groups: Sequence[str] | None
    port_security_enabled: bool | None
    allowed_address_pairs: Sequence[dict[str, str]] | None
    extra_dhcp_opts: Sequence[Mapping[str, object]] | None


@transaction.atomic
def update(actor: RequestContext, port_id: str, **changes: Unpack[Changes]) -> Port:
    """Change a port. Takes the keywords of services.create, but for network and project.

    Raises: PortNotFound, Forbidden, and what services.create raises of addresses and groups.
    """
    port = find(actor, port_id, lock=True)
    policy.require(actor, "update_port", port)
    network = Network.objects.get(pk=port.network_id)
    if not actor.is_internal:
        checks.require_owner_rights(
            actor,
            network,
            device_owner=changes.get("device_owner") or "" if changes.get("device_owner") != port.device_owner else "",
            mac=changes.get("mac"),
            host=changes.get("host") or "",
            profile=changes.get("binding_profile"),
            security=changes.get("port_security_enabled"),
            pairs=changes.get("allowed_address_pairs"),
        )
        _require_own_device(actor, port, changes)
    touched = set(PortGroup.objects.filter(port=port).values_list("group_id", flat=True))
    columns: dict[str, object] = {name: value for name, value in changes.items() if name in PLAIN}
    columns |= _bindings(port, changes)
    routers = [port.router_id] if port.router_id else []
    fixed_ips = changes.get("fixed_ips")
    if fixed_ips is not None:
        routers += set_addresses(port, fixed_ips)
    columns |= _security(actor, port, changes)
    port.save_changes(columns)
    touched |= set(PortGroup.objects.filter(port=port).values_list("group_id", flat=True))
    touch_port(port.id, port.network_id, touched, router_ids=routers)
    announce("port", port.id, port.project_id)
    return port


def _require_own_device(actor: RequestContext, port: Port, changes: Changes) -> None:
    """Only what differs is asked about: clients send back what they read."""
    device, owner = changes.get("device_id") or "", changes.get("device_owner") or ""
    is_new = "device_id" in changes and device != port.device_id
    if is_new or ("device_owner" in changes and owner != port.device_owner):
        claimed = owner if owner != port.device_owner else ""
        devices.require_own(actor, port.project_id, device if "device_id" in changes else port.device_id, claimed)


def _bindings(port: Port, changes: Changes) -> dict[str, object]:
    """Host, MAC, owner, DHCP options as columns."""
    columns: dict[str, object] = {}
    if "device_owner" in changes:
        columns["device_owner"] = changes["device_owner"] or ""
    if "host" in changes and (changes["host"] or "") != port.host:
        columns |= {"host": changes["host"] or "", "status": states.DOWN}
    if "binding_profile" in changes:
        columns["binding_profile"] = changes["binding_profile"] or {}
    asked = changes.get("mac")
    if asked:
        mac = checks.mac_address(asked)
        if mac != port.mac_address:
            if port.host:
                raise PortBound(id=port.id, old=port.mac_address)
            columns["mac_address"] = mac
    options = changes.get("extra_dhcp_opts")
    if options is not None:
        columns["extra_dhcp_opts"] = dhcp_options.merged(port.extra_dhcp_opts, options)
        columns["dhcp_refusal"] = ""  # until the server speaks of the new ones
    return columns


def _security(actor: RequestContext, port: Port, changes: Changes) -> dict[str, object]:
    """Groups, pairs and port security together: each depends on the others."""
    is_secure = changes.get("port_security_enabled")
    secure = port.port_security_enabled if is_secure is None else is_secure
    groups, pairs = changes.get("security_groups"), changes.get("allowed_address_pairs")
    present = PortGroup.objects.filter(port=port)
    held = list(present.values_list("group_id", flat=True))
    checks.check_security(secure, groups, pairs if pairs is not None else port.allowed_address_pairs, present=held)
    if groups is not None:
        present.delete()
        join_groups(actor, port, groups)
    columns: dict[str, object] = {"port_security_enabled": secure}
    if pairs is not None:
        columns["allowed_address_pairs"] = checks.address_pairs(port, pairs)
    return columns


def set_addresses(port: Port, asked: Sequence[dict[str, str]]) -> list[str]:
    """Make the port's addresses what is asked: those it has stay where the request fits them.

    Returns the routers whose floating IPs lost their way. Raises: as allocation.allocate_asked.
    """
    held = list(FixedIP.objects.filter(port=port).select_related("subnet"))
    kept: list[FixedIP] = []
    new: list[dict[str, str]] = []
    for want in sorted(asked, key=lambda w: not w.get("ip_address")):
        match = next((row for row in held if row not in kept and _fits(row, want)), None)
        if match is None:
            new.append(want)
        else:
            kept.append(match)
    own = [row for row in held if row not in kept and row.subnet.is_autoconfigured and not port.router_id]
    kept += [row for row in own if not any(w.get("subnet_id") == row.subnet_id for w in asked)]
    FixedIP.objects.filter(pk__in=[row.pk for row in held if row not in kept]).delete()
    subnets = list(Subnet.objects.filter(network_id=port.network_id).order_by("created_at", "id"))
    allocation.allocate_asked(port, subnets, new)
    remaining = list(FixedIP.objects.filter(port=port).values_list("ip_address", flat=True))
    return release_floating_ips(port, keep=remaining)


def _fits(row: FixedIP, want: dict[str, str]) -> bool:
    ip, subnet = want.get("ip_address"), want.get("subnet_id")
    return bool(ip or subnet) and (not ip or row.ip_address == ip) and (not subnet or row.subnet_id == subnet)
