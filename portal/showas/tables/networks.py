"""Networks, subnets, ports, and which project sees which network."""

from dataclasses import replace

from authorization import policy
from hostagent.contract import inet
from networking.agents import services as agents
from networking.agents.models import DHCP
from networking.networks.models import Network
from networking.subnets.models import Subnet
from portal.showas.entries import Entry, Typed, each, edit, family, of_kind, once, rows_of
from portal.showas.kinds import SAME, UNKNOWN_THERE, Arg, Kind, Use
from portal.showas.places import Value, missing
from portal.ui.calls import Call

NAME = Arg("name", cli="<>", tf=SAME)
#: Of what may have none: the client leaves out an empty one.
OWN_NAME = Arg("name", cli="<>", tf=SAME, filled=True)
DESCRIPTION = Arg("description", cli="--description", tf=SAME)
UP = Arg("admin_state_up", cli="--enable|--disable", sdk="is_admin_state_up", tf=SAME)
GUARDED = Arg(
    "port_security_enabled",
    cli="--enable-port-security|--disable-port-security",
    sdk="is_port_security_enabled",
    tf=SAME,
)
ZONES = Arg("availability_zone_hints", cli="--availability-zone-hint", tf=SAME)
PROJECT = Arg("project_id", cli="--project", tf="tenant_id")
ID = Arg("id", cli="<>")

BY_NAME = Arg("name", cli="--name", asks="name")
BY_STATUS = Arg("status", cli="--status", tf=SAME, asks="status")
BY_STATE = Arg("admin_state_up", cli="--enable|--disable", sdk="is_admin_state_up", asks="on")
_SHOWN = (
    NAME,
    DESCRIPTION,
    UP,
    Arg("shared", cli="--share|--no-share", sdk="is_shared", tf=SAME),
    Arg("router:external", cli="--external|--internal", sdk="is_router_external", tf="external"),
    GUARDED,
    Arg("mtu", cli="--mtu", tf=SAME),
)
NETWORK = family(
    "network", "/v2.0/networks", "network", "network", "network", tf="openstack_networking_network_v2", change=_SHOWN,
    asks=(
        BY_NAME, BY_STATUS, BY_STATE, Arg("shared", cli="--share|--no-share", sdk="is_shared", asks="shared"),
        Arg("router:external", cli="--external|--internal", sdk="is_router_external", tf="external", asks="external"),
    ),
    args=(
        *_SHOWN,
        ZONES,
        PROJECT,
        Arg("provider:network_type", cli="--provider-network-type", sdk="provider_network_type"),
        Arg("provider:physical_network", cli="--provider-physical-network", sdk="provider_physical_network"),
        Arg("provider:segmentation_id", cli="--provider-segment", sdk="provider_segmentation_id"),
        Arg("segments", tf="segments{}", wire=None),
    ),
)  # fmt: skip
POOLS = "--allocation-pool start={start},end={end}"
ROUTES = "--host-route destination={destination},gateway={nexthop}"
_RANGE = (
    Arg("gateway_ip", cli="--gateway", tf=SAME),
    Arg("no_gateway", cli="--gateway none|", sdk="gateway_ip", tf=SAME, key="gateway_ip", wire=lambda no: None),
    Arg("enable_dhcp", cli="--dhcp|--no-dhcp", sdk="is_dhcp_enabled", tf=SAME),
)
#: No page lists them all.
SUBNET = replace(family(
    "network", "/v2.0/subnets", "subnet", "subnet", "subnet", tf="openstack_networking_subnet_v2",
    args=(
        OWN_NAME,
        Arg("network_id", cli="--network", tf=SAME),
        Arg("cidr", cli="--subnet-range", tf=SAME),
        Arg("subnetpool_id", cli="--subnet-pool", sdk="subnet_pool_id", tf=SAME),
        Arg("prefixlen", cli="--prefix-length", sdk="prefix_length", tf="prefix_length"),
        Arg("ip_version", cli="--ip-version", tf=SAME),
        *_RANGE,
        Arg("allocation_pools", cli=POOLS, tf="allocation_pool{}"),
        Arg("dns_nameservers", cli="--dns-nameserver", tf=SAME),
        Arg("host_routes", cli=ROUTES),
        Arg("ipv6_ra_mode", cli="--ipv6-ra-mode", tf=SAME),
        Arg("ipv6_address_mode", cli="--ipv6-address-mode", tf=SAME),
    ),
    change=(
        OWN_NAME,
        *_RANGE,
        Arg("allocation_pools", cli=f"--no-allocation-pool; {POOLS}", tf="allocation_pool{}"),
        Arg("dns_nameservers", cli="--no-dns-nameservers; --dns-nameserver", tf=SAME),
        Arg("host_routes", cli=f"--no-host-route; {ROUTES}"),
    ),
), is_listed=False)  # fmt: skip
_PAIRS = "--allowed-address ip-address={ip_address},mac-address={mac_address}"
_PLUGGED = (
    UP,
    Arg("mac_address", cli="--mac-address", tf=SAME),
    Arg("device_id", cli="--device", tf=SAME),
    Arg("device_owner", cli="--device-owner", tf=SAME),
    Arg("binding:vnic_type", cli="--vnic-type", sdk="binding_vnic_type"),
    Arg("binding:host_id", cli="--host", sdk="binding_host_id"),
    Arg("binding", tf="binding{}", wire=None),
    GUARDED,
)
PORT = family(
    "network", "/v2.0/ports", "port", "port", "port", tf="openstack_networking_port_v2",
    asks=(BY_NAME, BY_STATUS, Arg("mac_address", cli="--mac-address", tf=SAME, asks="mac")),
    args=(
        OWN_NAME,
        Arg("network_id", cli="--network", tf=SAME),
        Arg("fixed_ips", cli="--fixed-ip subnet={subnet_id},ip-address={ip_address}", tf="fixed_ip{}"),
        *_PLUGGED,
        Arg("security_groups", cli="--security-group", sdk="security_group_ids", tf="security_group_ids"),
        PROJECT,
    ),
    change=(
        OWN_NAME,
        DESCRIPTION,
        Arg("fixed_ips", cli="--no-fixed-ip; --fixed-ip ip-address={ip_address}"),
        *_PLUGGED,
        Arg("security_groups", cli="--no-security-group; --security-group", sdk="security_group_ids", tf="security_group_ids"),
        Arg("allowed_address_pairs", cli=f"--no-allowed-address; {_PAIRS}", tf="allowed_address_pairs{}"),
    ),
)  # fmt: skip
POLICY = family(
    "network", "/v2.0/rbac-policies", "rbac_policy", "network rbac", "rbac_policy", plural="rbac_policies",
    tf="openstack_networking_rbac_policy_v2", source=False,
    args=(
        Arg("object_type", cli="--type", tf=SAME),
        Arg("action", cli="--action", tf=SAME),
        Arg("target_tenant", cli="--target-project", sdk="target_project_id", tf=SAME),
        Arg("object_id", cli="<>", tf=SAME),
    ),
    change=(Arg("target_tenant", cli="--target-project", sdk="target_project_id", tf=SAME),),
)  # fmt: skip
ADD_AGENT = Kind(
    name="agent.add-network", service="network", method="POST", path="/v2.0/agents/{agent}/dhcp-networks",
    cli="network agent add network --dhcp", sdk="add_dhcp_agent_to_network", tf=UNKNOWN_THERE,
    args=(Arg("agent", cli="<>"), Arg("network_id", cli="<>", sdk="*")),
)  # fmt: skip
SET_AGENT = Kind(
    name="agent.update", service="network", method="PUT", path="/v2.0/agents/{id}", wrap="agent", cli="network agent set", sdk="update_agent",
    tf=UNKNOWN_THERE, args=(ID, Arg("admin_state_up", cli="--enable|--disable", sdk="is_admin_state_up")),
)  # fmt: skip
REMOVE_AGENT = Kind(
    name="agent.remove-network", service="network", method="DELETE", path="/v2.0/agents/{agent}/dhcp-networks/{network_id}",
    cli="network agent remove network --dhcp", sdk="remove_dhcp_agent_from_network", tf=UNKNOWN_THERE,
    args=(Arg("agent", cli="<>"), Arg("network_id", cli="<>")),
)  # fmt: skip


# ── Networks with their first subnet ────────────────────────────────────────────────────────────────────────────────


def ranged(typed: Typed, network_id: str) -> dict[str, Value]:
    """Return the values of a subnet's creation, from the fields of a form."""
    cidr, pool = typed.get("cidr"), typed.get("pool")
    return {
        "name": typed.get("subnet_name"),
        "network_id": network_id,
        "cidr": cidr or (None if pool else missing("cidr")),
        "subnetpool_id": pool,
        "prefixlen": typed.get("prefixlen"),
        "ip_version": inet.ip_network(cidr).version if cidr else 4,
        "gateway_ip": None if typed.get("no_gateway") else typed.get("gateway"),
        "no_gateway": typed.get("no_gateway") or None,
        "enable_dhcp": typed.get("enable_dhcp"),
        "allocation_pools": typed.get("pools"),
        "dns_nameservers": typed.get("dns"),
        "host_routes": typed.get("routes"),
        "ipv6_ra_mode": typed.get("ra_mode"),
        "ipv6_address_mode": typed.get("address_mode"),
    }


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a network, and of its subnet where addresses are given."""
    provider = {
        "network_type": typed.get("kind"),
        "physical_network": typed.get("physical"),
        "segmentation_id": typed.get("segment"),
    }
    segment = {name: value for name, value in provider.items() if value}
    values = of_kind(
        NETWORK.create,
        typed,
        {"router:external": "external", "availability_zone_hints": "zones", "project_id": "project"},
    )
    values |= {f"provider:{name}": value for name, value in segment.items()} | {
        "segments": [segment] if segment else None
    }
    network = Use(
        NETWORK.create,
        {name: value for name, value in values.items() if value is not False or name == "admin_state_up"},
    )
    if not typed.get("cidr") and not typed.get("pool"):
        return [network]
    return [network, Use(SUBNET.create, ranged(typed, network.made))]


def made(row: Network) -> dict[str, str]:
    """Return the ids of a network and its subnet."""
    subnet = Subnet.objects.filter(network=row).values_list("pk", flat=True).first()
    return {"network": row.pk, **({"subnet": subnet} if subnet else {})}


def changed_range(call: Call, typed: Typed) -> list[Use]:
    """Return the change of a subnet, in what differs."""
    new = typed.edited
    values = {"name": new.get("name"), "enable_dhcp": new.get("enable_dhcp"), "gateway_ip": new.get("gateway") or None}
    values |= {
        "no_gateway": new.get("no_gateway") or None,
        "allocation_pools": new.get("pools"),
        "dns_nameservers": new.get("dns"),
    }
    return [Use(SUBNET.update, {"id": call.id, **values, "host_routes": new.get("routes")})]


# ── Ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_PORT = {
    "mac_address": "mac", "port_security_enabled": "port_security", "security_groups": "groups", "network_id": "network",
    "binding:vnic_type": "vnic_type", "binding:host_id": "host",
}  # fmt: skip


def _bound(values: dict[str, Value]) -> dict[str, Value]:
    """Add what Terraform says in a block, and leave out the usual kind of a card."""
    if values.get("binding:vnic_type") == "normal":
        del values["binding:vnic_type"]
    binding = {"vnic_type": values.get("binding:vnic_type"), "host_id": values.get("binding:host_id")}
    binding = {name: value for name, value in binding.items() if value}
    return values | {"binding": [binding] if binding else None}


def create_port(call: Call, typed: Typed) -> list[Use]:
    fixed = {"subnet_id": typed.get("subnet"), "ip_address": typed.get("ip")}
    fixed = {name: value for name, value in fixed.items() if value}
    values = of_kind(PORT.create, typed, _PORT) | {"fixed_ips": [fixed] if fixed else None}
    return [Use(PORT.create, _bound(values))]


def edit_port(call: Call, typed: Typed) -> list[Use]:
    new = typed.edited
    values = of_kind(PORT.update, new, _PORT)
    if "addresses" in new:
        values["fixed_ips"] = [{"ip_address": ip} for ip in new["addresses"]]
    return [Use(PORT.update, {"id": call.id, **_bound(values)})]


def add_pair(call: Call, typed: Typed) -> list[Use]:
    """Return the change of a port by which it has one pair more."""
    pair = {"ip_address": typed["ip"], **({"mac_address": typed["mac"]} if typed.get("mac") else {})}
    return [Use(PORT.update, {"id": call.id, "allowed_address_pairs": [*call.row.allowed_address_pairs, pair]})]


def drop_pair(call: Call, typed: Typed) -> list[Use]:
    gone = {"ip_address": call.keys["ip"], "mac_address": call.keys["mac"]}
    kept = [pair for pair in call.row.allowed_address_pairs if pair != gone]
    return [Use(PORT.update, {"id": call.id, "allowed_address_pairs": kept})]


# ── Others ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def agent_on(call: Call, rule: str, host: str) -> str:
    """Return the id of the DHCP agent of a host; a place where it has none. Raises: Forbidden where the rule denies it."""
    policy.require(call.actor, rule)
    return next((one.id for one in agents.every() if (one.kind, one.host.name) == (DHCP, host)), missing("agent"))


def add_agent(call: Call, typed: Typed) -> list[Use]:
    return [Use(ADD_AGENT, {"agent": agent_on(call, "create_dhcp-network", typed["host"]), "network_id": call.id})]


def remove_agent(call: Call, typed: Typed) -> list[Use]:
    return [
        Use(REMOVE_AGENT, {"agent": agent_on(call, "delete_dhcp-network", call.keys["host"]), "network_id": call.id})
    ]


def share(call: Call, typed: Typed) -> list[Use]:
    values = {
        "object_type": "network",
        "object_id": typed["network"],
        "action": typed["action"],
        "target_tenant": typed["target"],
    }
    return [Use(POLICY.create, values)]


EXTERNAL = {"router:external": "external"}
ENTRIES: dict[str, Entry] = {
    **rows_of(NETWORK, "networks network", **EXTERNAL),
    "network-create": Entry(uses=create, ids=made),
    "all-network-create": Entry(uses=create, ids=made),
    "all-networks": once(NETWORK.list, named=missing("name")),
    "subnet-create": Entry(uses=lambda call, typed: [Use(SUBNET.create, ranged(typed, call.id))]),
    "subnet-edit": Entry(uses=changed_range),
    "subnet-delete": each(SUBNET.delete),
    "subnets-delete": each(SUBNET.delete),
    **rows_of(PORT, "ports port"),
    "port-create": Entry(uses=create_port),
    "port-edit": Entry(uses=edit_port),
    "pair-add": Entry(uses=add_pair),
    "pair-delete": Entry(uses=drop_pair),
    "network-agent-add": Entry(uses=add_agent),
    "network-agent-delete": Entry(uses=remove_agent),
    "system-agent-off": Entry(uses=lambda call, typed: [Use(SET_AGENT, {"id": call.id, "admin_state_up": False})]),
    "system-agent-on": Entry(uses=lambda call, typed: [Use(SET_AGENT, {"id": call.id, "admin_state_up": True})]),
    "rbac-policies": once(POLICY.list),
    "rbac-create": Entry(uses=share),
    "rbac-edit": edit(POLICY.update, target_tenant="target"),
    "rbac-delete": each(POLICY.delete),
    "rbac-delete-all": each(POLICY.delete),
}
