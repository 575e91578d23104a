"""What users of other clouds met: numbers of any size, spellings that stay, ports that can go."""

import gc
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve

from common.clock import now
from hosts.models import Host
from networking.desired.rendering import render
from networking.extensions.catalog import EXTENSIONS
from networking.networks import services as networks
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.models import Port
from networking.resource import Resource
from networking.subnets import services as subnets
from openstackapi.render import dumps

ATTRIBUTES = Path(__file__).with_name("extension_attributes.json")
ROUTES = Path(__file__).parent.parent / "openstackapi" / "reference"


def test_a_network_with_ipv6_is_counted(neutron, demo, admin, private) -> None:
    """Case 1: a whole number of any size; one such network does not take the list from all."""
    subnets.create(demo, network_id=private.id, cidr="fd00:9::/48", ip_version=6)
    status, body = neutron(admin)("get", "network-ip-availabilities")
    assert status == 200
    assert body["network_ip_availabilities"][0]["total_ips"] > 2**79
    assert dumps({"a": 2**64, "b": ["é"]}) == '{"a": 18446744073709551616, "b": ["é"]}'.encode()


@pytest.mark.parametrize("spelling", ["icmp", "icmpv6", "1", "58", "ipv6-icmp", "ICMP"])
def test_icmp_of_ipv6_has_one_spelling(neutron, demo, spelling: str) -> None:
    """Case 14: kept and shown as ipv6-icmp, and the same rule in another spelling is the same."""
    call = neutron(demo)
    group = call("post", "security-groups", {"security_group": {"name": "g"}})[1]["security_group"]
    rule = {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv6", "port_range_min": 128}
    status, made = call("post", "security-group-rules", {"security_group_rule": {**rule, "protocol": spelling}})
    assert (status, made["security_group_rule"]["protocol"]) == (201, "ipv6-icmp")
    assert call("post", "security-group-rules", {"security_group_rule": {**rule, "protocol": "ipv6-icmp"}})[0] == 409


def test_address_pairs_are_shown_as_they_were_sent(neutron, demo, private) -> None:
    """Case 16: what was sent is shown; hosts are told the one spelling; the same pair twice is refused."""
    call = neutron(demo)
    pair = {"ip_address": "10.66.0.5/24", "mac_address": "FA:16:3E:00:00:AA"}
    port = {"network_id": private.id, "allowed_address_pairs": [pair]}
    status, made = call("post", "ports", {"port": port})
    assert (status, made["port"]["allowed_address_pairs"]) == (201, [pair])
    Port.objects.filter(id=made["port"]["id"]).update(host="host1")
    piece = f"port:{made['port']['id']}"
    assert render([piece])[piece]["host1"]["pairs"] == [{"ip": "10.66.0.0/24", "mac": "fa:16:3e:00:00:aa"}]
    twice = [pair, {"ip_address": "10.66.0.0/24", "mac_address": "fa:16:3e:00:00:aa"}]
    assert call("put", f"ports/{made['port']['id']}", {"port": {"allowed_address_pairs": twice}})[0] == 400


@pytest.mark.parametrize("owner", ["network:floatingip", "network:router_interface", "network:router_gateway"])
def test_a_port_that_only_says_it_is_a_routers_can_go(neutron, demo, private, owner: str) -> None:
    """Case 17: what counts is whether a router or floating IP has it, not what its owner says."""
    call = neutron(demo)
    port = {"network_id": private.id, "device_owner": owner, "device_id": "nothing"}
    made = call("post", "ports", {"port": port})[1]["port"]
    assert call("delete", f"ports/{made['id']}")[0] == 204


def test_port_security_stays_on_while_groups_are_on(neutron, demo, private) -> None:
    """Case 18: 409 by its own name when the port has groups already; 400 when the same body brings them."""
    call = neutron(demo)
    port = ports.create(demo, network_id=private.id)
    status, body = call("put", f"ports/{port.id}", {"port": {"port_security_enabled": False}})
    assert (status, body["NeutronError"]["type"]) == (409, "PortSecurityPortHasSecurityGroup")
    off = {"port_security_enabled": False, "security_groups": [port.groups.get().id]}
    assert call("put", f"ports/{port.id}", {"port": off})[0] == 400
    assert call("put", f"ports/{port.id}", {"port": {"port_security_enabled": False, "security_groups": []}})[0] == 200


def test_a_quota_is_of_something_and_not_below_use(neutron, demo, admin, private) -> None:
    """Case 23: an unknown name and a limit below what is used are 400; `force` sets it all the same."""
    call = neutron(admin)
    networks.create(demo, name="another")
    path = f"quotas/{demo.project_id}"
    assert call("put", path, {"quota": {"trunk": 5}})[0] == 400
    status, body = call("put", path, {"quota": {"network": 1, "port": 7}})
    assert (status, "network" in body["NeutronError"]["message"]) == (400, True)
    assert call("get", path)[1]["quota"]["port"] == 500
    assert call("put", path, {"quota": {"network": 1, "force": True}})[0] == 200
    assert call("put", path, {"quota": {"network": -1, "subnet": 100}})[0] == 200


def test_a_share_can_be_given_to_another_project(neutron, demo, other, admin, private) -> None:
    """Case 36: PUT of an RBAC policy's target; not while the present one has ports there, not to all by a member."""
    call = neutron(demo)
    lent = {"object_type": "network", "object_id": private.id, "action": "access_as_shared"}
    share = {"rbac_policy": {**lent, "target_tenant": other.project_id}}
    made = call("post", "rbac-policies", share)[1]["rbac_policy"]
    path = f"rbac-policies/{made['id']}"
    port = ports.create(other, network_id=private.id)
    assert call("put", path, {"rbac_policy": {"target_tenant": admin.project_id}})[0] == 409
    ports.delete(other, port.id)
    assert call("put", path, {"rbac_policy": {"target_tenant": "*"}})[0] == 403
    status, body = call("put", path, {"rbac_policy": {"target_tenant": admin.project_id}})
    assert (status, body["rbac_policy"]["target_tenant"]) == (200, admin.project_id)
    assert neutron(other)("get", f"networks/{private.id}")[0] == 404
    assert call("put", path, {"rbac_policy": {"action": "access_as_external"}})[0] == 400
    assert neutron(other)("put", path, {"rbac_policy": {"target_tenant": "x"}})[0] == 404


def test_numbers_and_booleans_may_come_as_texts(neutron, admin) -> None:
    """Case 3: as Ansible's modules send them; Neutron converts each attribute."""
    call = neutron(admin)
    scope = {"name": "s", "ip_version": "4", "shared": "no"}
    status, made = call("post", "address-scopes", {"address_scope": scope})
    assert (status, made["address_scope"]["ip_version"], made["address_scope"]["shared"]) == (201, 4, False)
    network = {"name": "n", "admin_state_up": "true", "mtu": "1400", "port_security_enabled": "F", "shared": 0}
    status, made = call("post", "networks", {"network": network})
    shown = made["network"]
    assert (status, shown["mtu"], shown["admin_state_up"]) == (201, 1400, True)
    assert (shown["port_security_enabled"], shown["shared"]) == (False, False)
    assert (
        call("put", f"networks/{shown['id']}", {"network": {"admin_state_up": "off"}})[1]["network"]["admin_state_up"]
        is False
    )
    subnet = {"network_id": shown["id"], "ip_version": "4", "cidr": "10.7.0.0/24", "enable_dhcp": "1"}
    status, made = call("post", "subnets", {"subnet": subnet})
    assert (status, made["subnet"]["ip_version"], made["subnet"]["enable_dhcp"]) == (201, 4, True)
    group = call("post", "security-groups", {"security_group": {"name": "1"}})[1]["security_group"]
    assert group["name"] == "1", "a text stays a text where one is wanted"
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp", "port_range_min": "80"}
    status, made = call("post", "security-group-rules", {"security_group_rule": {**rule, "port_range_max": "90"}})
    shown = made["security_group_rule"]
    assert (status, shown["port_range_min"], shown["port_range_max"]) == (201, 80, 90)
    for bad in ("eighty", "8.0", "", "9" * 40, "²"):
        assert call("post", "security-group-rules", {"security_group_rule": {**rule, "port_range_max": bad}})[0] == 400
    for bad in ("perhaps", 2, "", None, []):
        assert call("post", "networks", {"network": {"name": "n", "admin_state_up": bad}})[0] == 400, bad


def test_a_gateway_without_snat_may_be_asked_for_in_a_text(neutron, admin) -> None:
    """Case 3, sibling: "false" was true, and what should have kept its address was translated."""
    call = neutron(admin)
    public = call("post", "networks", {"network": {"name": "out", "router:external": True}})[1]["network"]["id"]
    call("post", "subnets", {"subnet": {"network_id": public, "cidr": "203.0.113.0/24", "ip_version": 4}})
    for said, meant in (("false", False), ("0", False), ("True", True)):
        info = {"network_id": public, "enable_snat": said}
        status, made = call("post", "routers", {"router": {"name": "r", "external_gateway_info": info}})
        assert (status, made["router"]["external_gateway_info"]["enable_snat"]) == (201, meant)
        path = f"routers/{made['router']['id']}"
        shown = call("put", path, {"router": {"external_gateway_info": {**info, "enable_snat": "no"}}})[1]["router"]
        assert shown["external_gateway_info"]["enable_snat"] is False
    info = {"network_id": public, "enable_snat": "perhaps"}
    assert call("post", "routers", {"router": {"external_gateway_info": info}})[0] == 400


@pytest.mark.parametrize(
    "spelling",
    [
        "FA:16:3E:01:02:03",
        "fa-16-3e-1-2-3",
        "fa163e010203",
        "fa16.3e01.0203",
        "fa16:3e01:0203",
        "fa163e-010203",
        "FA:16:3e:1:2:3",
    ],
)
def test_an_address_of_a_card_has_one_spelling(neutron, demo, private, spelling: str) -> None:
    """Case 3, sibling: convert_to_sanitized_mac_address, for ports and for filters."""
    call = neutron(demo)
    status, made = call("post", "ports", {"port": {"network_id": private.id, "mac_address": spelling}})
    assert (status, made["port"]["mac_address"]) == (201, "fa:16:3e:01:02:03")
    assert [one["id"] for one in call("get", f"ports?mac_address={spelling}")[1]["ports"]] == [made["port"]["id"]]
    for wrong in ("fa:16:3e:01:02", "fa163e01020g", "fa:16:3e:01:02:0003", "fa163e0102033", "01:00:00:00:00:01", ""):
        port = {"network_id": private.id, "mac_address": wrong}
        assert (call("post", "ports", {"port": port})[0] == 400) is bool(wrong), wrong


def test_filters_take_the_spellings_that_bodies_take(neutron, demo, private) -> None:
    """Case 3, sibling: Neutron converts both."""
    call = neutron(demo)

    def count(query: str) -> int:
        return len(call("get", query)[1][query.partition("?")[0].replace("-", "_")])

    six = {"network_id": private.id, "cidr": "FD00:0077::/64", "ip_version": 6, "gateway_ip": "FD00:77::0001"}
    assert call("post", "subnets", {"subnet": six})[1]["subnet"]["cidr"] == "fd00:77::/64"
    assert count("subnets?cidr=FD00:0077::/64") == count("subnets?gateway_ip=FD00:77::0001") == 1
    port = {"network_id": private.id, "dns_name": "WebServer", "fixed_ips": [{"ip_address": "FD00:77::00A5"}]}
    made = call("post", "ports", {"port": port})[1]["port"]
    assert (made["dns_name"], made["dns_assignment"][0]["hostname"]) == ("webserver", "webserver")
    assert count("ports?dns_name=WEBSERVER") == count("ports?fixed_ips=ip_address=FD00:77:0::A5") == 1
    domain = call("put", f"networks/{private.id}", {"network": {"dns_domain": "Example.ORG."}})[1]["network"][
        "dns_domain"
    ]
    assert domain == "example.org."
    group = call("post", "security-groups", {"security_group": {"name": "g"}})[1]["security_group"]["id"]
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "TCP", "remote_ip_prefix": "10.0.0.1"}
    assert call("post", "security-group-rules", {"security_group_rule": rule})[0] == 201
    rules = f"security-group-rules?security_group_id={group}"
    assert len(call("get", f"{rules}&ethertype=ipv6")[1]["security_group_rules"]) == 1
    for query in ("protocol=TCP", "protocol=Tcp", "remote_ip_prefix=10.0.0.1", "remote_ip_prefix=10.0.0.1/32"):
        assert len(call("get", f"{rules}&{query}")[1]["security_group_rules"]) == 1, query


def test_times_are_found_as_they_are_shown(neutron, admin) -> None:
    """Case 31: `changed_since` and the times' own filters; what is no time is 400."""
    call = neutron(admin)
    for name, second in (("a", 5), ("b", 6)):
        made = call("post", "networks", {"network": {"name": name}})[1]["network"]
        moment = datetime(2026, 1, 2, 3, 4, second, 500_000, UTC)
        Network.objects.filter(id=made["id"]).update(created_at=moment, updated_at=moment)

    def names(query: str) -> list[str]:
        return sorted(row["name"] for row in call("get", f"networks?{query}")[1]["networks"])

    assert names("changed_since=2026-01-02T03:04:06Z") == ["b"]
    assert names("created_at=2026-01-02T03:04:05Z") == ["a"]
    assert names("updated_at=2026-01-02T03:04:05Z&updated_at=2026-01-02T03:04:06Z") == ["a", "b"]
    for query in ("changed_since=2026-13-45T00:00:00Z", "created_at=soon"):
        assert call("get", f"networks?{query}")[0] == 400


def test_a_subnet_may_ask_for_the_default_pool(neutron, demo, admin, private) -> None:
    """Case 13: the extension is advertised; without a default pool of this IP version it is 400."""
    call, operator = neutron(demo), neutron(admin)
    asked = {"network_id": private.id, "ip_version": 4, "use_default_subnetpool": "true"}
    status, body = call("post", "subnets", {"subnet": asked})
    assert (status, body["NeutronError"]["message"].count("No default subnetpool found for IPv4")) == (400, 1)
    pool = {"name": "p", "prefixes": ["10.40.0.0/16"], "default_prefixlen": 26, "is_default": True, "shared": True}
    made = operator("post", "subnetpools", {"subnetpool": pool})[1]["subnetpool"]
    status, body = call("post", "subnets", {"subnet": asked})
    assert (status, body["subnet"]["subnetpool_id"], body["subnet"]["cidr"]) == (201, made["id"], "10.40.0.0/26")
    assert "use_default_subnetpool" not in body["subnet"]
    status, body = call("post", "subnets", {"subnet": {**asked, "cidr": "10.40.9.0/24"}})
    assert (status, body["subnet"]["cidr"], body["subnet"]["subnetpool_id"]) == (201, "10.40.9.0/24", made["id"])
    assert call("post", "subnets", {"subnet": {**asked, "subnetpool_id": made["id"]}})[0] == 400
    assert call("post", "subnets", {"subnet": {**asked, "ip_version": 6}})[0] == 400
    plain = {**asked, "use_default_subnetpool": False, "cidr": "10.41.0.0/24"}
    assert call("post", "subnets", {"subnet": plain})[1]["subnet"]["subnetpool_id"] is None


def test_there_is_one_default_pool_of_an_ip_version(neutron, admin) -> None:
    """Case 13: as Neutron refuses a second one, by creation and by change."""
    call = neutron(admin)
    pool = {"name": "p", "prefixes": ["10.40.0.0/16"], "is_default": True}
    assert call("post", "subnetpools", {"subnetpool": pool})[0] == 201
    assert call("post", "subnetpools", {"subnetpool": {**pool, "prefixes": ["10.41.0.0/16"]}})[0] == 400
    other = call("post", "subnetpools", {"subnetpool": {**pool, "is_default": False}})[1]["subnetpool"]
    assert call("put", f"subnetpools/{other['id']}", {"subnetpool": {"is_default": True}})[0] == 400
    assert call("get", f"subnetpools/{other['id']}")[1]["subnetpool"]["is_default"] is False
    assert call("post", "subnetpools", {"subnetpool": {**pool, "prefixes": ["fd00:40::/48"]}})[0] == 201


def test_a_pools_quota_counts_what_a_project_has_of_it(neutron, demo, other, admin, private) -> None:
    """Case 13, sibling: `default_quota` was taken and had no effect. Addresses of IPv4, a project each."""
    pool = {"name": "p", "prefixes": ["10.40.0.0/16"], "default_prefixlen": 26, "default_quota": 128, "shared": True}
    made = neutron(admin)("post", "subnetpools", {"subnetpool": pool})[1]["subnetpool"]
    asked = {"network_id": private.id, "ip_version": 4, "subnetpool_id": made["id"]}
    assert [neutron(demo)("post", "subnets", {"subnet": asked})[0] for _ in range(3)] == [201, 201, 409]
    theirs = neutron(other)("post", "networks", {"network": {"name": "n"}})[1]["network"]
    assert neutron(other)("post", "subnets", {"subnet": {**asked, "network_id": theirs["id"]}})[0] == 201


def test_each_extension_that_is_advertised_has_its_attributes() -> None:
    """Case 13: against neutron-lib's definitions: c, u, s: may be created, updated, is shown."""
    resources = {one.plural: one for one in gc.get_objects() if type(one) is Resource}
    differ = {
        "provider": "Neutron answers 400 to a change of them: its core plugin refuses what the extension allows",
        "net-mtu": "net-mtu-writable is advertised as well",
    }
    wrong = []
    for alias, collections in json.loads(ATTRIBUTES.read_text()).items():
        assert alias in EXTENSIONS
        for plural, attributes in collections.items():
            fields = resources[plural].fields.fields if plural in resources else ()
            for name, verbs in attributes.items() if fields else ():
                found = [field for field in fields if field.name == name]
                have = {
                    "c": any(f.create for f in found),
                    "u": any(f.update for f in found),
                    "s": any(f.show for f in found),
                }
                if "".join(letter for letter, has in have.items() if has) != verbs and alias not in differ:
                    wrong.append((alias, plural, name, verbs, have))
    assert not wrong


def test_stateless_groups_are_missing_and_not_half_there(neutron, demo) -> None:
    """Case 15: waits for the networking part; until then no attribute, no extension, and a row among what is missing."""
    call = neutron(demo)
    assert call("post", "security-groups", {"security_group": {"name": "g", "stateful": False}})[0] == 400
    assert all("stateful" not in group for group in call("get", "security-groups")[1]["security_groups"])
    assert "stateful-security-group" not in EXTENSIONS
    assert "stateless security groups" in Path("docs/compatibility.md").read_text()


# ── Agents ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_agent_can_be_described_and_disabled(neutron, demo, admin, private) -> None:
    """Case 36: what a disabled agent carries goes to others, and nothing new comes to it."""
    call = neutron(admin)
    router = call("post", "routers", {"router": {"name": "r"}})[1]["router"]

    def carrier() -> str:
        return call("get", f"routers/{router['id']}/l3-agents")[1]["agents"][0]["host"]

    first = carrier()
    (agent,) = call("get", f"agents?host={first}&agent_type=L3%20agent")[1]["agents"]
    path = f"agents/{agent['id']}"
    assert neutron(demo)("put", path, {"agent": {"description": "x"}})[0] == 403
    assert call("put", path, {"agent": {"description": "rack 4"}})[1]["agent"]["description"] == "rack 4"
    assert carrier() == first
    shown = call("put", path, {"agent": {"admin_state_up": "false"}})[1]["agent"]
    assert (shown["admin_state_up"], shown["alive"], shown["description"]) == (False, True, "rack 4")
    assert carrier() != first
    for number in range(4):
        made = call("post", "routers", {"router": {"name": f"r{number}"}})[1]["router"]
        assert call("get", f"routers/{made['id']}/l3-agents")[1]["agents"][0]["host"] != first
    dhcp = call("get", f"agents?host={first}&agent_type=DHCP%20agent")[1]["agents"]
    assert dhcp[0]["admin_state_up"] is True, "each agent has a state of its own"
    assert call("put", path, {"agent": {"admin_state_up": True}})[1]["agent"]["admin_state_up"] is True
    for wrong in ({"host": "other"}, {"nonsense": 1}, {"admin_state_up": "perhaps"}, {"description": "x" * 256}):
        assert call("put", path, {"agent": wrong})[0] == 400
    assert call("put", "agents/nobody", {"agent": {"description": "x"}})[0] == 404


def test_the_last_agents_that_are_disabled_keep_what_they_carry(neutron, admin, private) -> None:
    """Case 36: nothing stops because nobody else could take it."""
    call = neutron(admin)
    router = call("post", "routers", {"router": {"name": "r"}})[1]["router"]
    for agent in call("get", "agents?agent_type=L3%20agent")[1]["agents"]:
        call("put", f"agents/{agent['id']}", {"agent": {"admin_state_up": False}})
    assert len(call("get", f"routers/{router['id']}/l3-agents")[1]["agents"]) == 1


def test_an_agent_that_is_deleted_is_back_with_its_next_heartbeat(neutron, demo, admin) -> None:
    """Case 36, sibling: DELETE of an agent was 405 as well."""
    call = neutron(admin)
    agent = call("get", "agents")[1]["agents"][0]
    call("put", f"agents/{agent['id']}", {"agent": {"description": "old"}})
    assert neutron(demo)("delete", f"agents/{agent['id']}")[0] == 403
    assert call("delete", f"agents/{agent['id']}")[0] == 204
    assert call("get", f"agents/{agent['id']}")[0] == 404 and call("delete", f"agents/{agent['id']}")[0] == 404
    Host.objects.filter(name=agent["host"]).update(last_seen_at=now())
    assert call("get", f"agents/{agent['id']}")[1]["agent"]["description"] is None


# ── Routes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", ["network", "identity", "image", "compute"])
def test_each_route_of_the_reference_is_there_or_named_as_missing(service: str) -> None:
    """Cases 32 and 36: each method of each resource of OpenStack's API references; a missing one has its reason."""
    missing, wrong = [], []
    for line in ROUTES.joinpath(f"{service}.txt").read_text().splitlines():
        route, _tab, reason = line.partition("\t")
        method, path = route.split()
        filled = re.sub(r"{[^}]*}", "00000000-0000-4000-8000-000000000000", path)
        try:
            view = resolve(f"/api/{service}{filled}", urlconf="cloud.urls").func.view_class
            has = hasattr(view, method.lower()) and method.lower() in view.http_method_names
        except Resolver404:
            has = False
        missing += [reason] if reason and not has else []
        wrong += [line] if has == bool(reason) else []
    assert not wrong
    told = Path("docs/compatibility.md").read_text()
    assert all(reason in told for reason in missing), set(missing)


@pytest.mark.parametrize("name", ["allocation_pools", "service_types", "dns_nameservers", "host_routes"])
def test_a_subnets_lists_have_an_end(neutron, demo, private, name: str) -> None:
    """Ceilings: lists in one row were as long as a body may be."""
    one = {
        "allocation_pools": {"start": "10.80.0.2", "end": "10.80.0.2"},
        "host_routes": {"destination": "10.9.0.0/24"},
    }
    body = {
        "network_id": private.id,
        "ip_version": 4,
        "cidr": "10.80.0.0/16",
        name: [one.get(name, "compute:nova")] * 101,
    }
    assert neutron(demo)("post", "subnets", {"subnet": body})[0] == 400


def test_other_lists_have_an_end(neutron, demo) -> None:
    """Ceilings: prefixes of a pool, hints of zones."""
    call = neutron(demo)
    prefixes = [f"10.{n // 250}.{n % 250}.0/24" for n in range(201)]
    assert call("post", "subnetpools", {"subnetpool": {"name": "p", "prefixes": prefixes}})[0] == 400
    for plural, name in (("networks", "network"), ("routers", "router")):
        assert call("post", plural, {name: {"name": "x", "availability_zone_hints": ["nova"] * 11}})[0] == 400
        assert call("post", plural, {name: {"name": "x", "availability_zone_hints": ["nova"]}})[0] == 201


@pytest.mark.parametrize("name", ["service_types", "dns_nameservers", "host_routes"])
def test_null_empties_a_list_of_a_subnet(neutron, demo, private, name: str) -> None:
    """As Neutron's own conversion, also in an update."""
    subnet = private.subnets.first() or subnets.create(demo, network_id=private.id, cidr="10.77.0.0/24")
    status, body = neutron(demo)("put", f"subnets/{subnet.id}", {"subnet": {name: None}})
    assert status == 200 and body["subnet"][name] == [], body
