"""Routers, floating IPs, and security groups with their rules."""

from dataclasses import replace
from ipaddress import ip_address

from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.subnets.models import Subnet
from openstackapi.client import address_of
from portal.networks.rules import RulesForm, Wanted
from portal.servers import reach
from portal.showas.entries import Entry, Typed, each, family, of_kind, once, rows_of
from portal.showas.kinds import AN_ACT, NEVER, SAME, TAKE_OUT, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.showas.tables import floating, networks
from portal.showas.tables.networks import BY_NAME, BY_STATE, BY_STATUS, DESCRIPTION, ID, NAME, PROJECT, UP, ZONES
from portal.ui import Text
from portal.ui.calls import Call

ROUTER = "openstack_networking_router_v2"
#: The gateway in one piece on the wire and for the SDK, in parts for others.
_GATEWAY = (
    Arg("network", cli="--external-gateway", tf="external_network_id", wire=None),
    Arg("gateway_ips", cli="--fixed-ip ip-address={ip_address}", tf="external_fixed_ip{}", wire=None),
    Arg("snat", cli="--enable-snat|--disable-snat", tf="enable_snat", wire=None),
    Arg("external_gateway_info"),
)
ROUTERS = family(
    "network", "/v2.0/routers", "router", "router", "router", tf=ROUTER, args=(NAME, DESCRIPTION, UP, *_GATEWAY, ZONES, PROJECT),
    change=(NAME, DESCRIPTION, UP, *_GATEWAY), asks=(BY_NAME, replace(BY_STATUS, cli=NEVER), BY_STATE),
)  # fmt: skip
CLEAR = Kind(
    name="router.clear-gateway", service="network", method="PUT", path="/v2.0/routers/{id}", wrap="router",
    cli="router unset --external-gateway", sdk="update_router", tf=AN_ACT,
    args=(ID, Arg("cleared", sdk="external_gateway_info", key="external_gateway_info", wire=lambda yes: {})),
)  # fmt: skip


def _plug(name: str, what: str, cli: str, method: str, tf: Terraform | Text) -> Kind:
    """Make the kind of joining or leaving of an interface, by subnet or by port."""
    return Kind(
        name=f"router.{name}-{what}", service="network", method="PUT", path=f"/v2.0/routers/{{id}}/{name}_router_interface", cli=cli,
        sdk=method, tf=tf, args=(Arg("id", cli="<>", tf="router_id"), Arg(f"{what}_id", cli="<>", sdk=what, tf=SAME)),
    )  # fmt: skip


INTERFACE = Terraform("openstack_networking_router_interface_v2")
ADD_SUBNET = _plug("add", "subnet", "router add subnet", "add_interface_to_router", INTERFACE)
ADD_PORT = _plug("add", "port", "router add port", "add_interface_to_router", INTERFACE)
REMOVE_PORT = _plug("remove", "port", "router remove port", "remove_interface_from_router", TAKE_OUT)
#: On the wire all routes, in a command the one that comes or goes.
_ROUTE = "--route destination={destination},gateway={nexthop}"
_TO = (Arg("destination_cidr", tf=SAME, wire=None), Arg("next_hop", tf=SAME, wire=None))


def _route(name: str, cli: str, tf: Terraform | Text) -> Kind:
    """Make the kind of a change of routes."""
    return Kind(
        name=f"router.{name}-route", service="network", method="PUT", path="/v2.0/routers/{id}", wrap="router", cli=cli, sdk="update_router",
        tf=tf, keeps_empty=True, args=(Arg("id", cli="<>", tf="router_id"), Arg("route", cli=_ROUTE, wire=None), Arg("routes"), *_TO),
    )  # fmt: skip


ADD_ROUTE = _route("add", "router set", Terraform("openstack_networking_router_route_v2"))
REMOVE_ROUTE = _route("remove", "router unset", TAKE_OUT)

GROUP = family(
    "network", "/v2.0/security-groups", "security_group", "security group", "security_group",
    tf="openstack_networking_secgroup_v2", args=(NAME, DESCRIPTION),
    asks=(replace(BY_NAME, cli=NEVER), Arg("id", cli=NEVER, asks="id")),
)  # fmt: skip
RULE = Kind(
    name="security-group-rule.create", service="network", method="POST", path="/v2.0/security-group-rules", wrap="security_group_rule",
    cli="security group rule create", sdk="create_security_group_rule", gives="rule", tf=Terraform("openstack_networking_secgroup_rule_v2"),
    args=(
        Arg("security_group_id", cli="<>", tf=SAME),
        Arg("direction", cli={"ingress": "--ingress", "egress": "--egress"}, tf=SAME),
        Arg("ethertype", cli="--ethertype", sdk="ether_type", tf=SAME),
        Arg("protocol", cli="--protocol", tf=SAME),
        Arg("dst_port", cli="--dst-port", wire=None),
        Arg("icmp_type", cli="--icmp-type", wire=None),
        Arg("icmp_code", cli="--icmp-code", wire=None),
        Arg("port_range_min", tf=SAME),
        Arg("port_range_max", tf=SAME),
        Arg("remote_ip_prefix", cli="--remote-ip", tf=SAME),
        Arg("remote_group_id", cli="--remote-group", tf=SAME),
        DESCRIPTION,
    ),
)  # fmt: skip
RULE_GONE = Kind(
    name="security-group-rule.delete", service="network", method="DELETE", path="/v2.0/security-group-rules/{id}",
    cli="security group rule delete", sdk="delete_security_group_rule", args=(ID,), tf=TAKE_OUT,
)  # fmt: skip
IP_DELETE = Kind(
    name="floatingip.delete", service="network", method="DELETE", path="/v2.0/floatingips/{id}", cli="floating ip delete", sdk="delete_ip",
    args=(ID,), tf=TAKE_OUT,
)  # fmt: skip
IP_LIST = Kind(
    name="floatingip.list", service="network", method="GET", path="/v2.0/floatingips", cli="floating ip list", sdk="ips",
    args=(
        Arg("address", tf=SAME, wire=None), Arg("floating_ip_address", cli="--floating-ip-address", asks="address"),
        Arg("floating_network_id", cli="--network", asks="network"), Arg("router_id", cli="--router", asks="router"),
        Arg("port_id", cli="--port", tf=SAME, asks="port"), BY_STATUS,
    ),
    tf=Terraform(floating.FLOATING, "data"),
)  # fmt: skip
IP_SET = Kind(
    name="floatingip.update", service="network", method="PUT", path="/v2.0/floatingips/{id}", wrap="floatingip", cli="floating ip set",
    sdk="update_ip", keeps_empty=True, args=(ID, Arg("pool", tf=SAME, wire=None), replace(DESCRIPTION, filled=True)), tf=Terraform(floating.FLOATING, "change"),
)  # fmt: skip
IP_LOOSE = Kind(
    name="floatingip.disassociate", service="network", method="PUT", path="/v2.0/floatingips/{id}", wrap="floatingip",
    cli="floating ip unset --port", sdk="update_ip", args=(ID, Arg("loose", sdk="port_id", key="port_id", wire=lambda yes: None)), tf=TAKE_OUT,
)  # fmt: skip


# ── Routers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def gateway(call: Call, typed: Typed, network: str) -> dict[str, Value]:
    """Return the values of a gateway: in one piece and in parts."""
    info: dict[str, Value] = {"network_id": network}
    parts: dict[str, Value] = {"network": network}
    if call.actor.is_admin:
        info["enable_snat"] = parts["snat"] = typed.get("enable_snat", True)
        if typed.get("ip"):
            info["external_fixed_ips"] = parts["gateway_ips"] = [{"ip_address": typed["ip"]}]
    return {**parts, "external_gateway_info": info}


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a router, and its first interface."""
    values = of_kind(
        ROUTERS.create, typed, {"availability_zone_hints": "zones", "project_id": "project", "network": ""}
    )
    if typed.get("network"):
        values |= gateway(call, typed, typed["network"])
    router = Use(ROUTERS.create, values)
    inside = [Use(ADD_SUBNET, {"id": router.made, "subnet_id": typed["subnet"]})] if typed.get("subnet") else []
    return [router, *inside]


def set_gateway(call: Call, typed: Typed) -> list[Use]:
    return [Use(ROUTERS.update, {"id": call.id, **gateway(call, typed, typed.get("network") or missing("network"))})]


def add_interface(call: Call, typed: Typed) -> list[Use]:
    """Return the joining of a subnet; on a chosen address by a port of its own."""
    if not typed.get("ip"):
        return [Use(ADD_SUBNET, {"id": call.id, "subnet_id": typed["subnet"]})]
    fixed = [{"subnet_id": typed["subnet"], "ip_address": typed["ip"]}]
    network = (
        Subnet.objects.visible_to(call.actor).filter(pk=typed["subnet"]).values_list("network_id", flat=True).first()
    )
    port = Use(networks.PORT.create, {"network_id": network or missing("network"), "fixed_ips": fixed})
    return [port, Use(ADD_PORT, {"id": call.id, "port_id": port.made})]


def _routes(call: Call, destination: str, nexthop: str, kind: Kind, routes: list[Value]) -> list[Use]:
    one = {"destination": destination, "nexthop": nexthop}
    values = {"id": call.id, "route": [one], "routes": routes, "destination_cidr": destination, "next_hop": nexthop}
    return [Use(kind, values)]


def add_route(call: Call, typed: Typed) -> list[Use]:
    to, hop = typed["destination"], typed["nexthop"]
    return _routes(call, to, hop, ADD_ROUTE, [*call.row.routes, {"destination": to, "nexthop": hop}])


def drop_route(call: Call, typed: Typed) -> list[Use]:
    to, hop = call.keys["to"], call.keys["hop"]
    kept = [route for route in call.row.routes if route != {"destination": to, "nexthop": hop}]
    return _routes(call, to, hop, REMOVE_ROUTE, kept)


# ── Floating IPs ────────────────────────────────────────────────────────────────────────────────────────────────────


def pool_of(call: Call) -> Value:
    """Return the name of the network that an address is of."""
    rows = FloatingIP.objects.visible_to(call.actor).filter(pk=call.id)
    return rows.values_list("network__name", flat=True).first()


def allocate(call: Call, typed: Typed) -> list[Use]:
    values = of_kind(
        floating.CREATE_IP,
        typed,
        {"floating_network_id": "pool", "floating_ip_address": "address", "project_id": "project", "pool": ""},
    )
    rows = Network.objects.visible_to(call.actor).filter(pk=typed["pool"])
    return [Use(floating.CREATE_IP, {**values, "pool": rows.values_list("name", flat=True).first() or missing("pool")})]


def associate(call: Call, typed: Typed) -> list[Use]:
    port, _space, fixed = str(typed["port"]).partition(" ")
    values = {"id": call.id, "floating_ip": call.row.floating_ip_address, "port_id": port, "fixed_ip_address": fixed}
    return [Use(floating.POINT, values)]


# ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def rule(group: str, wanted: Wanted) -> Use:
    """Return the creation of one rule."""
    match = wanted.match
    values: dict[str, Value] = {
        "security_group_id": group, "direction": match.direction, "ethertype": match.ethertype, "protocol": match.protocol or None,
        "port_range_min": match.low, "port_range_max": match.high, "remote_ip_prefix": match.prefix or None,
        "remote_group_id": match.remote_group, "description": wanted.description,
    }  # fmt: skip
    if str(match.protocol).startswith("icmp"):
        values |= {"icmp_type": match.low, "icmp_code": match.high}
    elif match.low is not None:
        values["dst_port"] = f"{match.low}:{match.high}" if match.low != match.high else str(match.low)
    return Use(RULE, values)


def rules(call: Call, typed: Typed) -> list[Use]:
    """Return what saving the table does: the rules that go, and those that come."""
    wanted = {one.key: one for way in RulesForm.both for one in typed.get(way) or ()}
    held = {row.pk: Wanted.of(row).key for row in call.row.rules.all()}
    read = set(str(typed.get("base", "")).split(","))
    gone = [Use(RULE_GONE, {"id": id}) for id, key in held.items() if id in read and key not in wanted]
    return gone + [rule(call.id, one) for key, one in wanted.items() if key not in held.values()]


def open_ssh(call: Call, typed: Typed) -> list[Use]:
    """Return the rule that lets ssh in, from the asker's address or from anywhere."""
    group = reach.opener(call.row)
    own = address_of(call.request)
    prefix = f"{own}/{ip_address(own).max_prefixlen}" if call.keys["who"] == reach.ME else None
    values = {
        "security_group_id": group.pk if group else missing("security_group"), "direction": "ingress", "ethertype": "IPv4",
        "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "dst_port": "22", "remote_ip_prefix": prefix, "description": "ssh",
    }  # fmt: skip
    return [Use(RULE, values)]


ENTRIES: dict[str, Entry] = {
    **rows_of(ROUTERS, "routers router"),
    "router-create": Entry(uses=create),
    "all-router-create": Entry(uses=create),
    "all-routers": once(ROUTERS.list, named=missing("name")),
    "router-gateway": Entry(uses=set_gateway),
    "router-clear": Entry(uses=lambda call, typed: [Use(CLEAR, {"id": call.id, "cleared": True})]),
    "router-interface": Entry(uses=add_interface),
    "router-interface-delete": Entry(
        uses=lambda call, typed: [Use(REMOVE_PORT, {"id": call.id, "port_id": call.keys["port"]})]
    ),
    "router-route": Entry(uses=add_route),
    "router-route-delete": Entry(uses=drop_route),
    "floating-ips": once(IP_LIST, address=missing("address")),
    "all-floating-ips": once(IP_LIST, address=missing("address")),
    "floating-ip-create": Entry(uses=allocate),
    "all-floating-ip-create": Entry(uses=allocate),
    "floating-ip-edit": Entry(uses=lambda call, typed: [Use(IP_SET, {"id": call.id, "pool": pool_of(call), **typed})]),
    "floating-ip-associate": Entry(uses=associate),
    "floating-ip-disassociate": Entry(uses=lambda call, typed: [Use(IP_LOOSE, {"id": call.id, "loose": True})]),
    "floating-ip-delete": each(IP_DELETE),
    "floating-ips-delete": each(IP_DELETE),
    **rows_of(GROUP, "security-groups security-group"),
    "rules": Entry(uses=rules),
    "instance-open-ssh": Entry(uses=open_ssh),
}
