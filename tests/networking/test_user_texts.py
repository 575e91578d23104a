"""Texts of users in Neutron's API: parsed by type, or refused with a sentence."""

from typing import Any

import pytest

from networking.desired import reports
from networking.desired.rendering import render
from networking.ports.models import Port
from networking.subnets import services as subnets

ZONE = "fe80::1%x\ndhcp-script=/bin/sh"


def test_an_address_with_a_zone_is_refused_wherever_one_is_asked_for(neutron, demo, private) -> None:
    """B6 sibling: the zone of an IPv6 address reached dnsmasq's and nft's files, line ends and all."""
    call = neutron(demo)
    subnet6 = {"network_id": private.id, "ip_version": 6, "cidr": "fd00:5::/64"}
    group = call("post", "security-groups", {"security_group": {"name": "g"}})[1]["security_group"]["id"]
    router = call("post", "routers", {"router": {"name": "r"}})[1]["router"]["id"]
    port = call("post", "ports", {"port": {"network_id": private.id}})[1]["port"]["id"]
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("post", "subnets", {"subnet": {**subnet6, "dns_nameservers": [ZONE]}}),
        ("post", "subnets", {"subnet": {**subnet6, "gateway_ip": ZONE}}),
        ("post", "subnets", {"subnet": {**subnet6, "cidr": f"{ZONE}/64"}}),
        ("post", "subnets", {"subnet": {**subnet6, "host_routes": [{"destination": "fd00::/8", "nexthop": ZONE}]}}),
        ("post", "subnets", {"subnet": {**subnet6, "allocation_pools": [{"start": ZONE, "end": "fd00:5::9"}]}}),
        ("post", "subnetpools", {"subnetpool": {"name": "p", "prefixes": [f"{ZONE}/64"]}}),
        ("put", f"ports/{port}", {"port": {"allowed_address_pairs": [{"ip_address": ZONE}]}}),
        ("put", f"ports/{port}", {"port": {"fixed_ips": [{"ip_address": ZONE}]}}),
        ("put", f"ports/{port}", {"port": {"mac_address": "fa:16:3e:00:00:01\n"}}),
        ("put", f"routers/{router}", {"router": {"routes": [{"destination": "fd00::/8", "nexthop": ZONE}]}}),
        ("post", "security-group-rules", {"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "ethertype": "IPv6", "remote_ip_prefix": f"{ZONE}/64"}}),
    ]  # fmt: skip
    for method, path, body in asks:
        status, answer = call(method, path, body)
        assert status in (400, 403), (path, body, status, answer)


@pytest.mark.parametrize("name", ["6", "1", "3", "42", "policy-filter"])
def test_a_port_with_a_wrong_dhcp_option_is_refused(neutron, demo, private, name: str) -> None:
    """B6: these five, with "not-an-ip", ended DHCP for the whole network."""
    asked = {"network_id": private.id, "extra_dhcp_opts": [{"opt_name": name, "opt_value": "not-an-ip"}]}
    status, answer = neutron(demo)("post", "ports", {"port": asked})
    assert status == 400 and "a list of IPv4 addresses" in str(answer), answer
    assert not Port.objects.filter(extra_dhcp_opts__icontains="not-an-ip").exists()


def test_a_port_says_that_its_options_are_not_served(neutron, agents, demo, other, private) -> None:
    """B6: what a host leaves out stands on the port until its options change or are served."""
    call = neutron(demo)
    option = {"opt_name": "bootfile-name", "opt_value": "pxelinux.0"}
    port = call("post", "ports", {"port": {"network_id": private.id, "extra_dhcp_opts": [option]}})[1]["port"]["id"]
    agents.settle()
    private.refresh_from_db()
    body = render([f"dhcp:{private.id}"])[f"dhcp:{private.id}"][private.dhcp_host]
    assert body["hosts"][0]["options"] == [{"opt_name": "67", "opt_value": "pxelinux.0", "ip_version": 4}]
    shown = lambda: call("get", f"ports/{port}")[1]["port"]["extra_dhcp_opts_refusal"]  # noqa: E731
    report = {"hashes": agents.pieces(private.dhcp_host), "failed": {}}
    reports.on_network("host9", {**report, "left_out": {port: "not its network"}})
    assert shown() is None
    reports.on_network(private.dhcp_host, {**report, "left_out": {port: "67: bad dhcp-option"}})
    assert shown() == "67: bad dhcp-option"
    reports.on_network(private.dhcp_host, report)  # an agent that says nothing of it
    assert shown() == "67: bad dhcp-option"
    reports.on_network(private.dhcp_host, {**report, "left_out": {}})
    assert shown() is None
    reports.on_network(private.dhcp_host, {**report, "left_out": {port: "67: bad dhcp-option"}})
    call("put", f"ports/{port}", {"port": {"extra_dhcp_opts": [{**option, "opt_value": "other.0"}]}})
    assert shown() is None


def test_an_address_of_the_other_ip_version_is_kept_and_never_served(neutron, demo, private) -> None:
    """B6: clients on networks with IPv6 alone leave `ip_version` at its default; Neutron keeps what they say."""
    from networking.ports.dhcp_options import served

    call = neutron(demo)
    options = [{"opt_name": "server-ip-address", "opt_value": "2015::badd"}]
    status, made = call("post", "ports", {"port": {"network_id": private.id, "extra_dhcp_opts": options}})
    assert (status, made["port"]["extra_dhcp_opts"]) == (201, [{**options[0], "ip_version": 4}])
    assert served(made["port"]["extra_dhcp_opts"], {4, 6}) == []
    for bad in ("2015::badd,10.0.0.1", "2015::badd%eth0", "2015::badd x"):
        port = {"network_id": private.id, "extra_dhcp_opts": [{"opt_name": "router", "opt_value": bad}]}
        assert call("post", "ports", {"port": port})[0] == 400, bad


@pytest.mark.parametrize("destination", ["10.50.0.7/16", "10.50.0.1", "127.0.0.0/8", "fd00::1/64", "10.50.0.0/33", ""])
def test_a_route_leads_to_what_was_written(neutron, demo, private, destination: str) -> None:
    """Case 16, sibling: a route with host bits was taken as another one, which Terraform wants to change at every run."""
    call = neutron(demo)
    router = call("post", "routers", {"router": {"name": "r"}})[1]["router"]["id"]
    subnet = subnets.create(demo, network_id=private.id, cidr="10.31.0.0/24", ip_version=4)
    assert call("put", f"routers/{router}/add_router_interface", {"subnet_id": subnet.id})[0] == 200
    good = {"destination": "10.50.0.0/16", "nexthop": "10.31.0.9"}
    for path, body in (
        (f"routers/{router}", lambda route: {"router": {"routes": [route]}}),
        (f"subnets/{subnet.id}", lambda route: {"subnet": {"host_routes": [route]}}),
    ):
        assert call("put", path, body(good))[0] == 200
        assert call("put", path, body({**good, "destination": destination}))[0] == 400, path
