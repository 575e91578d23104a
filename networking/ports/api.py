"""Ports on the wire."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from authorization.context import RequestContext
from hostagent.contract.binding import Vif
from hosts import drivers
from networking import conversions
from networking.desired.lists import domain_default, host_name
from networking.ports import services, updates
from networking.ports.models import VNIC_TYPES, FixedIP, Port, PortGroup
from networking.resource import InvalidFilter, Resource, views
from networking.standard import NAME, STANDARD_COLUMNS, standard_fields, standard_values, tags_of
from networking.subnets.api import OBJECTS, STRINGS
from openstackapi.fields import Field, Fields
from openstackapi.resource import Rows

TEXT = {"type": ["string", "null"], "maxLength": 255}
ADDRESSES = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {"subnet_id": {"type": "string"}, "ip_address": {"type": "string"}},
        "additionalProperties": False,
    },
}

FIELDS = Fields(
    "port",
    [
        Field("id"),
        Field("name", create=True, update=True, schema=NAME),
        Field("network_id", create=True, required=True),
        Field("tenant_id", create=True),
        Field("mac_address", create=True, update=True, schema={"type": ["string", "null"]}),
        Field("admin_state_up", type="boolean", create=True, update=True),
        Field("status"),
        Field("device_id", create=True, update=True, schema=TEXT),
        Field("device_owner", create=True, update=True, schema=TEXT),
        Field("fixed_ips", type="array", create=True, update=True, schema=ADDRESSES),
        Field("allowed_address_pairs", type="array", create=True, update=True, schema=OBJECTS),
        Field("extra_dhcp_opts", type="array", create=True, update=True, schema=OBJECTS),
        Field("security_groups", type="array", create=True, update=True, schema=STRINGS),
        Field("description", create=True, update=True, schema=NAME),
        Field("binding:vnic_type", create=True, update=True, schema={"enum": list(VNIC_TYPES)}),
        Field(
            "binding:profile", type="object", admin=True, create=True, update=True, schema={"type": ["object", "null"]}
        ),
        Field("binding:host_id", admin=True, create=True, update=True, schema=TEXT),
        Field("binding:vif_type", admin=True),
        Field("binding:vif_details", type="object", admin=True),
        Field("port_security_enabled", type="boolean", create=True, update=True),
        Field("ip_allocation"),
        Field(
            "dns_name",
            create=True,
            update=True,
            schema={"type": "string", "pattern": "^([a-zA-Z0-9][a-zA-Z0-9.-]{0,62})?$"},
        ),
        Field("dns_assignment", type="array", items="object"),
        Field("extra_dhcp_opts_refusal", schema={"type": ["string", "null"]}),  # ours: Neutron has no such word
        *standard_fields(),
    ],
)


def rows(ports: Sequence[Port]) -> list[dict[str, object]]:
    """Ports as wire dicts: four queries however many."""
    ids = [port.id for port in ports]
    tags = tags_of(ids)
    addresses: dict[str, list[dict[str, str]]] = {}
    held = FixedIP.objects.filter(port_id__in=ids).order_by("id").values_list("port_id", "subnet_id", "ip_address")
    for port, subnet, ip in held:
        addresses.setdefault(port, []).append({"subnet_id": subnet, "ip_address": ip})
    groups: dict[str, list[str]] = {}
    for port, group in PortGroup.objects.filter(port_id__in=ids).order_by("id").values_list("port_id", "group_id"):
        groups.setdefault(port, []).append(group)
    vifs = drivers.vifs([port.host for port in ports if port.host])
    return [_row(p, addresses.get(p.id, []), groups.get(p.id, []), tags.get(p.id, []), vifs.get(p.host)) for p in ports]


def _row(
    port: Port, addresses: list[dict[str, str]], groups: list[str], tags: list[str], vif: Vif | None
) -> dict[str, object]:
    """`vif`: how its host binds ports; None: it is on none."""
    vif_type, details = (vif["vif_type"], dict(vif["vif_details"])) if vif is not None else ("unbound", {})
    return {
        **standard_values(port, tags),
        "name": port.name,
        "network_id": port.network_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "fixed_ips": addresses,
        "allowed_address_pairs": port.allowed_address_pairs,
        "extra_dhcp_opts": port.extra_dhcp_opts,
        "security_groups": groups,
        "binding:vnic_type": port.vnic_type,
        "binding:profile": port.binding_profile,
        "binding:host_id": port.host,
        "binding:vif_type": vif_type,
        "binding:vif_details": {} if port.role else details,
        "port_security_enabled": port.port_security_enabled,
        "ip_allocation": "immediate" if addresses else "none",
        "dns_name": port.dns_name,
        "dns_assignment": [_dns(port.dns_name, entry["ip_address"]) for entry in addresses],
        "extra_dhcp_opts_refusal": port.dhcp_refusal or None,
    }


def _dns(name: str, ip: str) -> dict[str, str]:
    """The name by which the network's DHCP server answers for an address."""
    host = name or host_name(ip)
    return {"hostname": host, "ip_address": ip, "fqdn": f"{host}.{domain_default()}."}


ARGUMENTS = {
    "mac_address": "mac",
    "binding:host_id": "host",
    "binding:profile": "binding_profile",
    "binding:vnic_type": "vnic_type",
}


def create(actor: RequestContext, **attributes: object) -> Port:
    """services.create, where null means 'not said'."""
    return services.create(actor, **{name: value for name, value in attributes.items() if value is not None})


def update(actor: RequestContext, port_id: str, **attributes: Any) -> Port:
    """updates.update, where a null list is an empty one."""
    lists = ("allowed_address_pairs", "security_groups", "fixed_ips", "extra_dhcp_opts")
    texts = ("device_id", "device_owner", "host")
    for names, empty in ((lists, []), (texts, "")):
        attributes |= {name: empty for name in names if name in attributes and attributes[name] is None}
    return updates.update(actor, port_id, **attributes)


def _by_addresses(ports: Rows, values: list[str]) -> Rows:
    """``fixed_ips=ip_address=…``, ``subnet_id=…``, ``ip_address_substr=…``: kinds must all fit, values are alternatives."""
    wanted: dict[str, list[str]] = {}
    for value in values:
        for part in value.split(","):
            key, _, text = part.partition("=")
            if key not in ("ip_address", "subnet_id", "ip_address_substr") or not text:
                raise InvalidFilter(name="fixed_ips", value=value)
            wanted.setdefault(key, []).append(text)
    held = FixedIP.objects.all()
    if "ip_address" in wanted:
        held = held.filter(ip_address__in=[conversions.address(ip) for ip in wanted["ip_address"]])
    if "subnet_id" in wanted:
        held = held.filter(subnet_id__in=wanted["subnet_id"])
    if "ip_address_substr" in wanted:
        clause = Q(pk__in=[])
        for text in wanted["ip_address_substr"]:
            clause |= Q(ip_address__contains=text)
        held = held.filter(clause)
    return ports.filter(pk__in=held.values("port_id"))


PORT = Resource(
    name="port",
    plural="ports",
    fields=FIELDS,
    visible=lambda actor: Port.objects.visible_to(actor),
    rows=rows,
    find=services.find,
    columns={
        **STANDARD_COLUMNS,
        "name": "name",
        "network_id": "network_id",
        "mac_address": "mac_address",
        "admin_state_up": "admin_state_up",
        "status": "status",
        "device_id": "device_id",
        "device_owner": "device_owner",
        "binding:host_id": "host",
        "binding:vnic_type": "vnic_type",
        "port_security_enabled": "port_security_enabled",
        "dns_name": "dns_name",
    },
    filters={
        "fixed_ips": _by_addresses,
        "security_groups": lambda rows, values: rows.filter(
            pk__in=PortGroup.objects.filter(group_id__in=values).values("port_id")
        ),
    },
    spelled={"mac_address": conversions.mac, "dns_name": str.lower},
    arguments=ARGUMENTS,
    create=create,
    update=update,
    delete=services.delete,
)

Ports, PortDetail = views(PORT)
