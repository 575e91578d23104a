"""What users of other clouds met: numbers of any size, spellings that stay, ports that can go."""

import pytest

from networking.networks import services as networks
from networking.ports import services as ports
from networking.ports.models import Port
from networking.subnets import services as subnets
from networking.wanted.rendering import render
from openstackapi.render import dumps


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
