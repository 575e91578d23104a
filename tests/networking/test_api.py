"""Neutron's wire: envelopes, statuses, filters, pages, fields."""

import pytest

from hosts import drivers
from hosts.models import Host
from networking.networks import sharing


def test_a_network_is_made_shown_changed_and_deleted(neutron, demo) -> None:
    call = neutron(demo)
    status, body = call("post", "networks", {"network": {"name": "n"}})
    assert status == 201
    network = body["network"]
    assert (network["status"], network["mtu"], network["project_id"]) == ("ACTIVE", 1450, demo.project_id)
    assert "provider:network_type" not in network
    status, body = call("put", f"networks/{network['id']}", {"network": {"name": "m"}})
    assert (status, body["network"]["name"], body["network"]["revision_number"]) == (200, "m", 2)
    assert call("delete", f"networks/{network['id']}") == (204, None)
    status, body = call("get", f"networks/{network['id']}")
    assert status == 404
    assert body["NeutronError"]["type"] == "NetworkNotFound"
    assert set(body["NeutronError"]) == {"type", "message", "detail"}


def test_only_an_administrator_sees_and_sets_the_provider_attributes(neutron, demo, admin) -> None:
    wanted = {"network": {"name": "v", "provider:network_type": "vxlan", "provider:segmentation_id": 77}}
    assert neutron(demo)("post", "networks", wanted)[0] == 403
    status, body = neutron(admin)("post", "networks", wanted)
    assert (status, body["network"]["provider:segmentation_id"]) == (201, 77)
    assert neutron(admin)("post", "networks", wanted)[0] == 409


@pytest.mark.parametrize("owner", ["project_id", "tenant_id"])
def test_nobody_but_an_administrator_makes_a_thing_that_is_another_projects(
    neutron, demo, other, admin, private, external, owner
) -> None:
    """A2, a sibling: a subnet on one's own network could be another project's: in its lists, its quota and its records."""
    bodies = {
        "networks": {"network": {"name": "x"}},
        "subnets": {"subnet": {"network_id": private.id, "ip_version": 4, "cidr": "10.77.0.0/24"}},
        "ports": {"port": {"network_id": private.id}},
        "routers": {"router": {"name": "x"}},
        "floatingips": {"floatingip": {"floating_network_id": external.id}},
        "security-groups": {"security_group": {"name": "x"}},
        "subnetpools": {"subnetpool": {"name": "x", "prefixes": ["10.0.0.0/16"]}},
        "address-scopes": {"address_scope": {"name": "x", "ip_version": 4}},
    }
    for kind, body in bodies.items():
        ((name, fields),) = body.items()
        wanted = {name: {**fields, owner: other.project_id}}
        assert 400 <= neutron(demo)("post", kind, wanted)[0] < 500, kind
        assert neutron(admin)("post", kind, wanted)[0] == 201, kind


@pytest.mark.parametrize("kind", ["networks", "subnets", "ports", "routers", "floatingips", "security-groups"])
def test_what_belongs_to_another_project_does_not_exist(neutron, demo, other, private, external, kind) -> None:
    mine = neutron(demo)
    subnet = private.subnets.get().id
    bodies = {
        "networks": {"network": {"name": "x"}},
        "subnets": {"subnet": {"network_id": private.id, "ip_version": 4, "cidr": "10.77.0.0/24"}},
        "ports": {"port": {"network_id": private.id}},
        "routers": {"router": {"name": "x"}},
        "floatingips": {"floatingip": {"floating_network_id": external.id}},
        "security-groups": {"security_group": {"name": "x"}},
    }
    name = next(iter(bodies[kind]))
    status, body = mine("post", kind, bodies[kind])
    assert status == 201, body
    path = f"{kind}/{body[name]['id']}"
    theirs = neutron(other)
    assert theirs("get", path)[0] == 404
    assert theirs("put", path, {name: {"description": "mine now"}})[0] == 404
    assert theirs("delete", path)[0] == 404
    assert body[name]["id"] not in [row["id"] for row in theirs("get", kind)[1][kind.replace("-", "_")]]
    assert mine("get", path)[0] == 200
    assert subnet


def test_a_bulk_request_makes_all_or_none(neutron, demo) -> None:
    call = neutron(demo)
    status, body = call("post", "networks", {"networks": [{"name": "a"}, {"name": "b"}]})
    assert (status, [row["name"] for row in body["networks"]]) == (201, ["a", "b"])
    before = len(call("get", "networks")[1]["networks"])
    assert call("post", "networks", {"networks": [{"name": "c"}, {"nonsense": 1}]})[0] == 400
    assert len(call("get", "networks")[1]["networks"]) == before


def test_lists_filter_select_sort_and_page(neutron, demo) -> None:
    call = neutron(demo)
    for name in ("a", "b", "c"):
        call("post", "networks", {"network": {"name": name}})
    status, body = call("get", "networks?name=a&name=c&fields=name&sort_key=name&sort_dir=desc")
    assert (status, body) == (200, {"networks": [{"name": "c"}, {"name": "a"}]})
    seen, path = [], "networks?limit=2&sort_key=name&sort_dir=asc"
    body = call("get", path)[1]
    seen += [row["name"] for row in body["networks"]]
    assert [link["rel"] for link in body["networks_links"]] == ["next"]
    marker = body["networks"][-1]["id"]
    body = call("get", f"{path}&marker={marker}")[1]
    seen += [row["name"] for row in body["networks"]]
    assert [link["rel"] for link in body["networks_links"]] == ["previous"]
    assert seen == ["a", "b", "c"]
    back = call("get", f"{path}&marker={body['networks'][0]['id']}&page_reverse=True")[1]
    assert [row["name"] for row in back["networks"]] == ["a", "b"]
    assert call("get", "networks?limit=x")[0] == 400
    assert call("get", "networks?marker=gone")[0] == 400


def test_a_network_with_ports_in_use_stays(neutron, demo, private) -> None:
    call = neutron(demo)
    port = call("post", "ports", {"port": {"network_id": private.id}})[1]["port"]
    status, body = call("delete", f"networks/{private.id}")
    assert (status, body["NeutronError"]["type"]) == (409, "NetworkInUse")
    assert port["id"] in body["NeutronError"]["message"]
    status, body = call("delete", f"subnets/{private.subnets.get().id}")
    assert (status, body["NeutronError"]["type"]) == (409, "SubnetInUse")
    call("delete", f"ports/{port['id']}")
    assert call("delete", f"networks/{private.id}")[0] == 204


def test_a_floating_ip_goes_through_the_router_and_survives_its_port(neutron, demo, private, external) -> None:
    call = neutron(demo)
    subnet = private.subnets.get()
    port = call("post", "ports", {"port": {"network_id": private.id}})[1]["port"]
    wanted = {"floatingip": {"floating_network_id": external.id, "port_id": port["id"]}}
    status, body = call("post", "floatingips", wanted)
    assert (status, body["NeutronError"]["type"]) == (404, "ExternalGatewayForFloatingIPNotFound")
    router = call("post", "routers", {"router": {"external_gateway_info": {"network_id": external.id}}})[1]["router"]
    assert call("put", f"routers/{router['id']}/add_router_interface", {"subnet_id": subnet.id})[0] == 200
    floating = call("post", "floatingips", wanted)[1]["floatingip"]
    assert (floating["router_id"], floating["fixed_ip_address"]) == (router["id"], "10.0.0.3")
    assert call("put", f"routers/{router['id']}/remove_router_interface", {"subnet_id": subnet.id})[0] == 409
    assert call("put", f"routers/{router['id']}", {"router": {"external_gateway_info": None}})[0] == 409
    assert call("delete", f"ports/{port['id']}")[0] == 204
    shown = call("get", f"floatingips/{floating['id']}")[1]["floatingip"]
    assert (shown["port_id"], shown["fixed_ip_address"], shown["status"]) == (None, None, "DOWN")
    assert call("put", f"routers/{router['id']}/remove_router_interface", {"subnet_id": subnet.id})[0] == 200
    assert call("delete", f"routers/{router['id']}")[0] == 204


def test_a_router_refuses_overlapping_interfaces_and_ports_of_its_own(neutron, demo, private) -> None:
    call = neutron(demo)
    twin = call("post", "networks", {"network": {"name": "twin"}})[1]["network"]
    same = {"subnet": {"network_id": twin["id"], "ip_version": 4, "cidr": "10.0.0.0/25"}}
    same_id = call("post", "subnets", same)[1]["subnet"]["id"]
    router = call("post", "routers", {"router": {}})[1]["router"]["id"]
    interface = call("put", f"routers/{router}/add_router_interface", {"subnet_id": private.subnets.get().id})[1]
    assert call("put", f"routers/{router}/add_router_interface", {"subnet_id": same_id})[0] == 400
    assert call("delete", f"ports/{interface['port_id']}")[0] == 409
    assert call("delete", f"routers/{router}")[0] == 409


@pytest.mark.parametrize(
    ("subnet", "status"),
    [
        ({"cidr": "10.1.0.0/24"}, 201),
        ({"cidr": "10.0.0.128/25"}, 400),  # overlaps
        ({"cidr": "10.1.0.0/33"}, 400),
        ({"cidr": "2001:db8::/64"}, 400),  # of the other version
        ({"cidr": "10.1.0.0/24", "gateway_ip": None}, 201),
        ({"cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.255"}, 400),
        ({"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.0.2"}]}, 400),
        ({"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.1", "end": "10.1.0.9"}]}, 409),
        ({"cidr": "10.1.0.0/24", "dns_nameservers": ["nonsense"]}, 400),
        ({"cidr": "10.1.0.0/24", "host_routes": [{"destination": "10.2.0.0/24"}]}, 400),
        ({"cidr": "10.1.0.0/24", "ipv6_ra_mode": "slaac"}, 400),
        ({"cidr": 5}, 400),
        ({}, 400),
    ],
)
def test_subnets_are_checked(neutron, demo, private, subnet, status) -> None:
    answer, body = neutron(demo)("post", "subnets", {"subnet": {"network_id": private.id, "ip_version": 4, **subnet}})
    assert answer == status, body


def test_a_spent_quota_is_409_and_leaves_nothing(neutron, demo, admin) -> None:
    assert neutron(admin)("put", f"quotas/{demo.project_id}", {"quota": {"network": 1}})[0] == 200
    call = neutron(demo)
    assert call("post", "networks", {"network": {}})[0] == 201
    status, body = call("post", "networks", {"network": {}})
    assert status == 409
    assert "network" in body["NeutronError"]["message"]
    assert call("get", f"quotas/{demo.project_id}/details.json")[1]["quota"]["network"] == {
        "limit": 1,
        "used": 1,
        "reserved": 0,
    }
    assert call("put", f"quotas/{demo.project_id}", {"quota": {"network": 9}})[0] == 403


def test_tags_are_set_found_and_removed(neutron, demo, private) -> None:
    call = neutron(demo)
    path = f"networks/{private.id}/tags"
    assert call("put", path, {"tags": ["red", "blue"]}) == (200, {"tags": ["blue", "red"]})
    assert call("put", f"{path}/green")[0] == 201
    assert call("get", f"{path}/green")[0] == 204
    assert [row["id"] for row in call("get", "networks?tags=red,green")[1]["networks"]] == [private.id]
    assert call("get", "networks?not-tags-any=red&name=private")[1]["networks"] == []
    assert call("delete", f"{path}/green")[0] == 204
    assert call("get", f"{path}/green")[0] == 404
    assert call("delete", path)[0] == 204
    assert call("get", path) == (200, {"tags": []})


@pytest.mark.parametrize(
    "body", [{}, {"network": []}, {"network": {"name": 5}}, {"networks": {}}, {"network": {"x": 1}}]
)
def test_a_wrong_body_is_400(neutron, demo, body) -> None:
    status, answer = neutron(demo)("post", "networks", body)
    assert status == 400
    assert answer["NeutronError"]["message"]


def test_extensions_are_listed_and_shown(neutron, demo) -> None:
    call = neutron(demo)
    listed = call("get", "extensions")[1]["extensions"]
    shown = call("get", f"extensions/{listed[0]['alias']}")[1]["extension"]
    assert shown == listed[0]
    assert call("get", "extensions/dvr")[0] == 404


def test_an_administrator_moves_dhcp_and_routers_by_hand(neutron, agents, demo, admin, private) -> None:
    call = neutron(admin)
    ids = {(a["agent_type"], a["host"]): a["id"] for a in call("get", "agents")[1]["agents"]}
    home = call("get", f"networks/{private.id}/dhcp-agents")[1]["agents"][0]["host"]
    other_host = "host2" if home == "host1" else "host1"
    there = f"agents/{ids['DHCP agent', other_host]}/dhcp-networks"
    assert call("post", there, {"network_id": private.id})[0] == 201
    assert [row["id"] for row in call("get", there)[1]["networks"]] == [private.id]
    agents.settle()
    assert f"dhcp:{private.id}" in agents.pieces(other_host)
    assert f"dhcp:{private.id}" not in agents.pieces(home)
    assert call("post", there, {"network_id": private.id})[0] == 409
    assert call("delete", f"{there}/{private.id}")[0] == 204
    assert call("get", f"networks/{private.id}/dhcp-agents")[1]["agents"] == []
    assert neutron(demo)("get", there)[0] == 403
    assert call("post", "agents/gone/l3-routers", {"router_id": "x"})[0] == 404


STANDARD = {"id", "tenant_id", "project_id", "description", "tags", "created_at", "updated_at", "revision_number"}
TAIL = ["tags", "created_at", "updated_at", "revision_number", "project_id"]


@pytest.mark.parametrize(
    "kind",
    [
        "networks",
        "subnets",
        "ports",
        "routers",
        "floatingips",
        "security-groups",
        "security-group-rules",
        "subnetpools",
    ],
)
def test_every_kind_shows_and_filters_by_the_standard_attributes(neutron, demo, private, external, kind) -> None:
    call = neutron(demo)
    subnet = private.subnets.get()
    group = call("get", "security-groups")[1]["security_groups"][0]["id"]
    name, attributes = {
        "networks": ("network", {}),
        "subnets": ("subnet", {"network_id": private.id, "ip_version": 4, "cidr": "10.77.0.0/24"}),
        "ports": ("port", {"network_id": private.id, "fixed_ips": [{"subnet_id": subnet.id}]}),
        "routers": ("router", {}),
        "floatingips": ("floatingip", {"floating_network_id": external.id}),
        "security-groups": ("security_group", {"name": "g"}),
        "security-group-rules": ("security_group_rule", {"security_group_id": group, "direction": "ingress"}),
        "subnetpools": ("subnetpool", {"name": "p", "prefixes": ["10.8.0.0/16"]}),
    }[kind]
    status, body = call("post", kind, {name: {**attributes, "description": "mine"}})
    assert status == 201, body
    made = body[name]
    assert made.keys() >= STANDARD
    assert list(made)[-5:] == TAIL
    assert (made["project_id"], made["tenant_id"]) == (demo.project_id, demo.project_id)
    assert (made["description"], made["tags"]) == ("mine", [])
    for attribute in ("id", "description"):
        rows = call("get", f"{kind}?{attribute}={made[attribute]}")[1][kind.replace("-", "_")]
        assert [row["id"] for row in rows] == [made["id"]]
    for attribute in ("tenant_id", "project_id", "revision_number"):
        rows = call("get", f"{kind}?id={made['id']}&{attribute}=9")[1][kind.replace("-", "_")]
        assert rows == [], attribute


def test_who_else_sees_a_network_is_said_in_sentences(neutron, demo, other, admin, private) -> None:
    call = neutron(admin)
    lent = {"object_type": "network", "object_id": private.id, "action": "access_as_shared"}
    assert sharing.everyone(admin, private) == []
    for target in (other.project_id, "a" * 32, "*"):
        before = sharing.everyone(admin, private)
        assert call("post", "rbac-policies", {"rbac_policy": {**lent, "target_tenant": target}})[0] == 201
        assert len(sharing.everyone(admin, private)) == len(before) + 1
    assert sharing.everyone(admin, private) == [
        "Everybody: the network is shared with all projects.",
        "Everybody in the project project-a, by an RBAC policy.",
        "Everybody in the project project-e, by an RBAC policy.",
    ]
    assert f"Everybody in the project {other.project_id}, by an RBAC policy." in sharing.everyone(demo, private)


def test_what_a_port_plugs_into_is_what_the_network_driver_of_its_host_says(neutron, admin, private) -> None:
    call = neutron(admin)
    port = call("post", "ports", {"port": {"network_id": private.id}})[1]["port"]
    assert (port["binding:vif_type"], port["binding:vif_details"]) == ("unbound", {})
    bound = call("put", f"ports/{port['id']}", {"port": {"binding:host_id": "host1"}})[1]["port"]
    details = {"port_filter": True, "connectivity": "l2"}
    assert (bound["binding:vif_type"], bound["binding:vif_details"]) == (
        "bridge",
        details,
    )  # its agent says nothing of it
    vif = {"vif_type": "ovs", "vif_details": {**details, "ovs_hybrid_plug": False}}
    told = {"kind": "network", "name": "local", "driver": "openvswitch", "capabilities": [], "vif": vif}
    Host.objects.filter(name="host1").update(driver_instances=drivers.told({"drivers": {"v": 1, "instances": [told]}}))
    shown = call("get", f"ports/{port['id']}")[1]["port"]
    assert (shown["binding:vif_type"], shown["binding:vif_details"]) == ("ovs", vif["vif_details"])
