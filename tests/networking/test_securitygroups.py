"""Security groups: the default one, what rules are refused, and in which words."""

import pytest

from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroupRule


def make_group(call) -> str:
    return call("post", "security-groups", {"security_group": {"name": "web"}})[1]["security_group"]["id"]


def add(call, group: str, **rule):
    body = {"security_group_rule": {"security_group_id": group, "direction": "ingress", **rule}}
    return call("post", "security-group-rules", body)


def test_each_project_gets_one_default_group_that_stays(neutron, demo) -> None:
    call = neutron(demo)
    (group,) = call("get", "security-groups")[1]["security_groups"]
    assert group["name"] == "default"
    kinds = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in group["security_group_rules"]}
    assert kinds == {
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", group["id"]),
        ("ingress", "IPv6", group["id"]),
    }
    assert call("post", "security-groups", {"security_group": {"name": "default"}})[0] == 409
    assert call("put", f"security-groups/{group['id']}", {"security_group": {"name": "x"}})[0] == 409
    assert call("delete", f"security-groups/{group['id']}")[0] == 409
    assert defaults.ensure_default(demo.project_id).id == group["id"]


@pytest.mark.parametrize(
    ("rule", "status", "words"),
    [
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, 201, ""),
        ({"protocol": 6, "port_range_min": 22, "port_range_max": 22}, 201, ""),
        ({"protocol": "icmp", "port_range_min": 8, "port_range_max": 0}, 201, ""),
        ({"protocol": "icmp", "port_range_min": 8}, 201, ""),
        ({"protocol": None}, 201, ""),
        ({"protocol": "bad"}, 400, "not supported"),
        ({"protocol": "256"}, 400, "not supported"),
        ({"ethertype": "bad"}, 400, "not supported"),
        ({"direction": "sideways"}, 400, "ingress"),
        ({"remote_ip_prefix": "192.168.1./24"}, 400, "not a valid"),
        ({"remote_ip_prefix": "2001:db8::/64"}, 400, "Conflicting value ethertype"),
        ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, 400, "Invalid value for port -16"),
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, 400, "port_range_min must be <="),
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 65536}, 400, "Invalid value for port 65536"),
        ({"protocol": "tcp", "port_range_max": 6}, 400, "port_range_min must be <="),
        ({"port_range_min": 1, "port_range_max": 2}, 400, "protocol"),
        ({"protocol": "icmp", "port_range_min": 1, "port_range_max": 256}, 400, "Invalid value for ICMP code"),
        ({"protocol": "icmp", "port_range_max": 6}, 400, "ICMP type (port-range-min) is missing"),
        ({"protocol": "icmp", "port_range_min": 300, "port_range_max": 1}, 400, "Invalid value for ICMP type"),
        ({"remote_group_id": "gone"}, 404, "gone"),
        ({"remote_group_id": "gone", "remote_ip_prefix": "10.0.0.0/8"}, 400, "Only remote_ip_prefix"),
    ],
)
def test_rules_are_checked(neutron, demo, rule, status, words) -> None:
    call = neutron(demo)
    answer, body = add(call, make_group(call), **rule)
    assert answer == status, body
    if words:
        assert words in body["NeutronError"]["message"]


def test_a_prefix_is_shown_as_given_and_matched_without_its_host_bits(neutron, demo) -> None:
    call = neutron(demo)
    group = make_group(call)
    _, body = add(call, group, remote_ip_prefix="10.2.3.124/24")
    rule = body["security_group_rule"]
    assert (rule["remote_ip_prefix"], rule["normalized_cidr"]) == ("10.2.3.124/24", "10.2.3.0/24")
    assert add(call, group, remote_ip_prefix="10.2.3.0/24")[0] == 409


def test_the_same_rule_twice_is_409_however_it_is_spelled(neutron, demo) -> None:
    call = neutron(demo)
    group = make_group(call)
    status, body = add(call, group, protocol="tcp", port_range_min=22, port_range_max=22, remote_ip_prefix="0.0.0.0/0")
    assert status == 201
    status, again = add(call, group, protocol="6", port_range_min=22, port_range_max=22)
    assert status == 409
    assert body["security_group_rule"]["id"] in again["NeutronError"]["message"]


def test_a_group_in_use_stays_and_takes_its_rules_along_when_it_goes(neutron, demo, private) -> None:
    call = neutron(demo)
    group = make_group(call)
    port = call("post", "ports", {"port": {"network_id": private.id, "security_groups": [group]}})[1]["port"]
    assert call("delete", f"security-groups/{group}")[0] == 409
    assert call("put", f"ports/{port['id']}", {"port": {"security_groups": []}})[0] == 200
    assert call("delete", f"security-groups/{group}")[0] == 204
    assert not SecurityGroupRule.objects.filter(group_id=group).exists()


def test_port_security_off_means_no_groups_and_no_pairs(neutron, demo, private) -> None:
    call = neutron(demo)
    group = make_group(call)
    off = {"network_id": private.id, "port_security_enabled": False}
    assert call("post", "ports", {"port": {**off, "security_groups": [group]}})[0] == 400
    assert call("post", "ports", {"port": {**off, "allowed_address_pairs": [{"ip_address": "10.0.0.50"}]}})[0] == 409
    status, body = call("post", "ports", {"port": off})
    assert (status, body["port"]["security_groups"]) == (201, [])
