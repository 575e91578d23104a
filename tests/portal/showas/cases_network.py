"""Networks, subnets, ports, routers, floating IPs, security groups, shares of networks, agents."""

from typing import Any

from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, deleted, listed
from tests.rest import IDENTITY, NETWORK

CASES: list[Case] = []
case = collector(CASES)


def network(work: Work, end: str = "", **more: object) -> str:
    return work.make(f"{NETWORK}/networks", "network", {"name": work.name + end, **more})


def subnet(work: Work, network_id: str = "", cidr: str = "10.77.0.0/24") -> str:
    body = {"name": work.name, "network_id": network_id or network(work), "cidr": cidr, "ip_version": 4}
    return work.make(f"{NETWORK}/subnets", "subnet", body)


def port(work: Work, **more: object) -> str:
    at = network(work)
    subnet(work, at)
    return work.make(f"{NETWORK}/ports", "port", {"name": work.name, "network_id": at, **more})


def router(work: Work, **more: object) -> str:
    return work.make(f"{NETWORK}/routers", "router", {"name": work.name, **more})


def group(work: Work, end: str = "") -> str:
    return work.make(f"{NETWORK}/security-groups", "security_group", {"name": work.name + end})


def outside(work: Work) -> str:
    rows = work.get(f"{NETWORK}/networks?router:external=true", "networks")
    return str(rows[0]["id"])


def floating(work: Work, **more: object) -> str:
    body = {"floating_network_id": outside(work), "description": work.name, **more}
    return work.make(f"{NETWORK}/floatingips", "floatingip", body)


def address(work: Work) -> str:
    """The address of a new floating IP."""
    return str(work.get(f"{NETWORK}/floatingips/{floating(work)}", "floatingip")["floating_ip_address"])


def anywhere(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule that says nothing of where from: the client writes that out."""
    prefix = rule["remote_ip_prefix"]
    nowhere = {"remote_ip_prefix": None, "normalized_cidr": None} if prefix in ("0.0.0.0/0", "::/0") else {}
    return {**rule, **nowhere}


def stable(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what another run has differently."""
    return {
        name: value
        for name, value in row.items()
        if name not in ("revision_number", "provider:segmentation_id", "etag")
    }


# ── Networks and subnets ────────────────────────────────────────────────────────────────────────────────────────────


@case("network.create", "subnet.create")
def make_a_network_with_a_subnet(work: Work) -> Steps:
    typed = {
        "name": work.name, "description": "it's mine", "mtu": 1400, "subnet_name": f"{work.name}-s", "cidr": "10.78.0.0/24", "gateway": "10.78.0.9",
        "pools": "10.78.0.20 - 10.78.0.40", "dns": "1.1.1.1\n8.8.8.8", "routes": "10.99.0.0/16 10.78.0.7",
    }  # fmt: skip
    yield Ask("/networks/create", ("network.create", "subnet.create"), typed)
    row = work.named(f"{NETWORK}/networks", "networks")
    inner = work.get(f"{NETWORK}/subnets?network_id={row['id']}", "subnets")[0]
    assert (row["mtu"], row["description"]) == (1400, "it's mine")
    assert (inner["gateway_ip"], inner["dns_nameservers"]) == ("10.78.0.9", ["1.1.1.1", "8.8.8.8"])
    assert inner["allocation_pools"] == [{"start": "10.78.0.20", "end": "10.78.0.40"}]
    assert inner["host_routes"] == [{"destination": "10.99.0.0/16", "nexthop": "10.78.0.7"}]
    return [stable(row), stable(inner)]


@case("network.create", account="admin")
def make_a_network_of_a_kind(work: Work) -> Steps:
    place = work.make(f"{IDENTITY}/projects", "project", {"name": work.name})
    typed = {
        "name": work.name,
        "project": place,
        "kind": "vlan",
        "segment": 77,
        "physical": "physnet1",
        "shared": True,
        "admin_state_up": False,
    }
    yield Ask("/all-networks/create", ("network.create",), typed)
    row = work.named(f"{NETWORK}/networks", "networks")
    assert (row["shared"], row["admin_state_up"], row["project_id"]) == (True, False, place)
    return stable(row)


@case("network.update")
def change_a_network(work: Work) -> Steps:
    id = network(work, description="old")
    typed = {"name": f"{work.name}-b", "description": "", "admin_state_up": False, "mtu": 1300}
    yield Ask(f"/networks/{id}/edit", ("network.update",), typed)
    row = work.get(f"{NETWORK}/networks/{id}", "network")
    assert (row["name"], row["description"], row["admin_state_up"], row["mtu"]) == (f"{work.name}-b", "", False, 1300)
    return stable(row)


@case("subnet.create")
def add_a_subnet_of_ipv6(work: Work) -> Steps:
    at = network(work)
    typed = {"subnet_name": work.name, "cidr": "fd77::/64", "ra_mode": "slaac", "address_mode": "slaac"}
    yield Ask(f"/networks/{at}/subnets/create", ("subnet.create",), typed)
    row = work.named(f"{NETWORK}/subnets", "subnets")
    assert (row["ip_version"], row["ipv6_ra_mode"], row["ipv6_address_mode"]) == (6, "slaac", "slaac")
    return stable(row)


@case("subnet.create")
def add_a_subnet_without_a_gateway(work: Work) -> Steps:
    at = network(work)
    typed = {"subnet_name": work.name, "cidr": "10.79.0.0/24", "no_gateway": True, "enable_dhcp": False}
    yield Ask(f"/networks/{at}/subnets/create", ("subnet.create",), typed)
    row = work.named(f"{NETWORK}/subnets", "subnets")
    assert (row["gateway_ip"], row["enable_dhcp"]) == (None, False)
    return stable(row)


@case("subnet.update")
def change_a_subnet(work: Work) -> Steps:
    at = network(work)
    id = subnet(work, at)
    work.rest.ok("PUT", f"{NETWORK}/subnets/{id}", {"subnet": {"dns_nameservers": ["9.9.9.9"]}})
    typed = {
        "name": f"{work.name}-b", "gateway": "10.77.0.5", "enable_dhcp": False, "pools": "10.77.0.50 - 10.77.0.60", "dns": "1.1.1.1",
        "routes": "10.99.0.0/16 10.77.0.7",
    }  # fmt: skip
    yield Ask(f"/networks/{at}/subnets/{id}/edit", ("subnet.update",), typed)
    row = work.get(f"{NETWORK}/subnets/{id}", "subnet")
    assert (row["name"], row["gateway_ip"], row["enable_dhcp"]) == (f"{work.name}-b", "10.77.0.5", False)
    assert (row["dns_nameservers"], row["allocation_pools"][0]["start"]) == (["1.1.1.1"], "10.77.0.50")
    assert row["host_routes"] == [{"destination": "10.99.0.0/16", "nexthop": "10.77.0.7"}]
    yield Ask(
        f"/networks/{at}/subnets/{id}/edit",
        ("subnet.update",),
        {"dns": "", "routes": "", "gateway": "", "no_gateway": True},
    )
    bare = work.get(f"{NETWORK}/subnets/{id}", "subnet")
    assert (bare["dns_nameservers"], bare["host_routes"], bare["gateway_ip"]) == ([], [], None)
    return [stable(row), stable(bare)]


@case("subnet.delete")
def delete_a_subnet(work: Work) -> Steps:
    at = network(work)
    id = subnet(work, at)
    yield Ask(f"/networks/{at}/subnets/{id}/delete", ("subnet.delete",))
    assert work.is_gone(f"{NETWORK}/subnets/{id}")
    return True


deleted(CASES, "network.delete", "/networks/{id}/delete", NETWORK + "/networks/{id}", network)
listed(
    CASES,
    "network.list",
    "/networks",
    network,
    narrowed="name={name}&status=ACTIVE&external=False&shared=False&on=True",
)


# ── Ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@case("port.create")
def make_a_port(work: Work) -> Steps:
    at, guarded = network(work), group(work)
    inside = subnet(work, at)
    typed = {
        "name": work.name,
        "network": at,
        "subnet": inside,
        "ip": "10.77.0.33",
        "groups": [guarded],
        "device_owner": "test:it",
    }
    yield Ask("/ports/create", ("port.create",), typed)
    row = work.named(f"{NETWORK}/ports", "ports")
    assert row["fixed_ips"] == [{"subnet_id": inside, "ip_address": "10.77.0.33"}]
    assert (row["security_groups"], row["device_owner"]) == ([guarded], "test:it")
    return stable(row)


@case("port.update")
def change_a_port(work: Work) -> Steps:
    id, guarded = port(work), group(work)
    typed = {
        "name": f"{work.name}-b",
        "description": "it's a port",
        "addresses": "10.77.0.44",
        "groups": [guarded],
        "admin_state_up": False,
    }
    yield Ask(f"/ports/{id}/edit", ("port.update",), typed)
    row = work.get(f"{NETWORK}/ports/{id}", "port")
    assert (row["name"], row["description"], row["admin_state_up"]) == (f"{work.name}-b", "it's a port", False)
    assert [one["ip_address"] for one in row["fixed_ips"]] == ["10.77.0.44"] and row["security_groups"] == [guarded]
    yield Ask(f"/ports/{id}/edit", ("port.update",), {"groups": [], "port_security": False})
    yield Ask(f"/ports/{id}/edit", ("port.update",), {"name": ""}, lacks=(CLI,))
    bare = work.get(f"{NETWORK}/ports/{id}", "port")
    assert (bare["security_groups"], bare["port_security_enabled"]) == ([], False)
    return [stable(row), stable(bare)]


@case("port.update")
def add_and_drop_an_address_pair(work: Work) -> Steps:
    id = port(work)
    path = f"{NETWORK}/ports/{id}"
    yield Ask(f"/ports/{id}/pairs/add", ("port.update",), {"ip": "10.77.0.200", "mac": ""})
    yield Ask(f"/ports/{id}/pairs/add", ("port.update",), {"ip": "10.5.0.0/16", "mac": "fa:16:3e:00:00:77"})
    pairs = work.get(path, "port")["allowed_address_pairs"]
    assert [pair["ip_address"] for pair in pairs] == ["10.77.0.200", "10.5.0.0/16"]
    yield Ask(f"/ports/{id}/pairs/{pairs[0]['mac_address']}/delete/10.77.0.200", ("port.update",))
    left = work.get(path, "port")["allowed_address_pairs"]
    assert [pair["ip_address"] for pair in left] == ["10.5.0.0/16"]
    return left


deleted(CASES, "port.delete", "/ports/{id}/delete", NETWORK + "/ports/{id}", port)
listed(CASES, "port.list", "/ports", port, "admin", narrowed="name={name}&status=DOWN")


# ── Routers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def emptied(work: Work, id: str) -> None:
    """At the end no interface is left of a router."""
    for one in work.get(f"{NETWORK}/ports?device_id={id}", "ports", work.admin):
        work.admin.ask("PUT", f"{NETWORK}/routers/{id}/remove_router_interface", {"port_id": one["id"]})


@case("router.create", "router.add-subnet")
def make_a_router_with_an_interface(work: Work) -> Steps:
    inside = subnet(work)
    typed = {"name": work.name, "description": "it's a way", "network": outside(work), "subnet": inside}
    yield Ask("/routers/create", ("router.create", "router.add-subnet"), typed)
    row = work.named(f"{NETWORK}/routers", "routers")
    ports = work.get(f"{NETWORK}/ports?device_id={row['id']}", "ports")
    emptied(work, row["id"])
    assert row["external_gateway_info"]["network_id"] == outside(work) and row["description"] == "it's a way"
    assert [one["fixed_ips"][0]["subnet_id"] for one in ports] == [inside]
    row["external_gateway_info"].pop("external_fixed_ips", None)
    return stable(row)


@case("router.create", "router.update", account="admin")
def make_a_router_and_choose_its_gateway(work: Work) -> Steps:
    typed = {"name": work.name, "project": work.project, "network": outside(work), "enable_snat": False}
    yield Ask("/all-routers/create", ("router.create",), typed)
    row = work.named(f"{NETWORK}/routers", "routers")
    assert row["external_gateway_info"]["enable_snat"] is False
    work.rest.ok("PUT", f"{NETWORK}/routers/{row['id']}", {"router": {"external_gateway_info": {}}})
    subnet_id = work.get(f"{NETWORK}/networks/{outside(work)}", "network")["subnets"][0]
    pool = work.get(f"{NETWORK}/subnets/{subnet_id}", "subnet")["allocation_pools"][0]
    typed = {"network": outside(work), "enable_snat": True, "ip": pool["end"]}
    yield Ask(f"/routers/{row['id']}/gateway", ("router.update",), typed)
    found = work.get(f"{NETWORK}/routers/{row['id']}", "router")
    assert found["external_gateway_info"]["external_fixed_ips"][0]["ip_address"] == pool["end"]
    assert found["external_gateway_info"]["enable_snat"] is True
    return stable(found)


@case("router.update")
def change_a_router(work: Work) -> Steps:
    id = router(work)
    typed = {"name": f"{work.name}-b", "description": "other", "admin_state_up": False}
    yield Ask(f"/routers/{id}/edit", ("router.update",), typed)
    row = work.get(f"{NETWORK}/routers/{id}", "router")
    assert (row["name"], row["description"], row["admin_state_up"]) == (f"{work.name}-b", "other", False)
    return stable(row)


@case("router.update", "router.clear-gateway")
def set_and_clear_a_gateway(work: Work) -> Steps:
    id = router(work)
    yield Ask(f"/routers/{id}/gateway", ("router.update",), {"network": outside(work)})
    row = work.get(f"{NETWORK}/routers/{id}", "router")
    assert row["external_gateway_info"]["network_id"] == outside(work)
    yield Ask(f"/routers/{id}/clear-gateway", ("router.clear-gateway",))
    assert work.get(f"{NETWORK}/routers/{id}", "router")["external_gateway_info"] is None
    return True


@case("router.add-subnet", "port.create", "router.add-port", "router.remove-port")
def join_subnets_to_a_router(work: Work) -> Steps:
    id, first, second = router(work), subnet(work), subnet(work, network(work, "-b"), "10.80.0.0/24")
    path = f"{NETWORK}/ports?device_id={id}"
    yield Ask(f"/routers/{id}/interfaces/add", ("router.add-subnet",), {"subnet": first, "ip": ""})
    yield Ask(
        f"/routers/{id}/interfaces/add", ("port.create", "router.add-port"), {"subnet": second, "ip": "10.80.0.77"}
    )
    ports = {one["fixed_ips"][0]["subnet_id"]: one for one in work.get(path, "ports")}
    assert ports.keys() == {first, second} and ports[second]["fixed_ips"][0]["ip_address"] == "10.80.0.77"
    yield Ask(f"/routers/{id}/interfaces/{ports[first]['id']}/delete", ("router.remove-port",))
    left = [one["fixed_ips"][0]["subnet_id"] for one in work.get(path, "ports")]
    emptied(work, id)
    assert left == [second]
    return True


@case("router.add-route", "router.remove-route")
def add_and_drop_a_route(work: Work) -> Steps:
    id, inside = router(work), subnet(work)
    work.rest.ok("PUT", f"{NETWORK}/routers/{id}/add_router_interface", {"subnet_id": inside})
    path = f"{NETWORK}/routers/{id}"
    try:
        yield Ask(
            f"/routers/{id}/routes/add", ("router.add-route",), {"destination": "10.90.0.0/16", "nexthop": "10.77.0.7"}
        )
        yield Ask(
            f"/routers/{id}/routes/add", ("router.add-route",), {"destination": "10.91.0.0/16", "nexthop": "10.77.0.8"}
        )
        assert len(work.get(path, "router")["routes"]) == 2
        yield Ask(f"/routers/{id}/routes/10.77.0.7/delete/10.90.0.0/16", ("router.remove-route",))
        found = work.get(path, "router")["routes"]
    finally:
        work.rest.ask("PUT", path, {"router": {"routes": []}})
        emptied(work, id)
    assert found == [{"destination": "10.91.0.0/16", "nexthop": "10.77.0.8"}]
    return found


deleted(CASES, "router.delete", "/routers/{id}/delete", NETWORK + "/routers/{id}", router)
listed(CASES, "router.list", "/routers", router, narrowed="name={name}&on=True")


# ── Floating IPs ────────────────────────────────────────────────────────────────────────────────────────────────────


@case("floatingip.create")
def take_a_floating_ip(work: Work) -> Steps:
    typed = {
        "pool": outside(work),
        "description": f"it's {work.name}",
        "dns_name": work.name,
        "dns_domain": "a.example.",
    }
    yield Ask("/floating-ips/create", ("floatingip.create",), typed)
    rows = [
        row for row in work.get(f"{NETWORK}/floatingips", "floatingips") if row["description"] == f"it's {work.name}"
    ]
    assert len(rows) == 1
    work.goes(f"{NETWORK}/floatingips/{rows[0]['id']}")
    assert (rows[0]["dns_name"], rows[0]["dns_domain"]) == (work.name, "a.example.")
    return {name: value for name, value in stable(rows[0]).items() if name != "floating_ip_address"}


@case("floatingip.update")
def describe_a_floating_ip(work: Work) -> Steps:
    id = floating(work)
    yield Ask(f"/floating-ips/{id}/edit", ("floatingip.update",), {"description": "it's new"})
    assert work.get(f"{NETWORK}/floatingips/{id}", "floatingip")["description"] == "it's new"
    yield Ask(f"/floating-ips/{id}/edit", ("floatingip.update",), {"description": ""}, lacks=(CLI,))
    assert work.get(f"{NETWORK}/floatingips/{id}", "floatingip")["description"] == ""
    return True


@case("floatingip.associate", "floatingip.disassociate")
def lead_a_floating_ip_to_a_port(work: Work) -> Steps:
    id, at, way = floating(work), port(work), router(work, external_gateway_info={"network_id": outside(work)})
    fixed = work.get(f"{NETWORK}/ports/{at}", "port")["fixed_ips"][0]
    work.rest.ok("PUT", f"{NETWORK}/routers/{way}/add_router_interface", {"subnet_id": fixed["subnet_id"]})
    path = f"{NETWORK}/floatingips/{id}"
    try:
        yield Ask(f"/floating-ips/{id}/associate", ("floatingip.associate",), {"port": f"{at} {fixed['ip_address']}"})
        row = work.get(path, "floatingip")
        assert (row["port_id"], row["fixed_ip_address"]) == (at, fixed["ip_address"])
        yield Ask(f"/floating-ips/{id}/disassociate", ("floatingip.disassociate",))
        assert work.get(path, "floatingip")["port_id"] is None
    finally:
        work.rest.ask("PUT", path, {"floatingip": {"port_id": None}})
        emptied(work, way)
    return True


deleted(CASES, "floatingip.delete", "/floating-ips/{id}/delete", NETWORK + "/floatingips/{id}", floating)
listed(CASES, "floatingip.list", "/floating-ips", address)


# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────


@case("security group.create")
def make_a_security_group(work: Work) -> Steps:
    yield Ask("/security-groups/create", ("security group.create",), {"name": work.name, "description": "it's shut"})
    row = work.named(f"{NETWORK}/security-groups", "security_groups")
    assert row["description"] == "it's shut"
    return [row["name"], row["description"], len(row["security_group_rules"])]


@case("security group.update")
def change_a_security_group(work: Work) -> Steps:
    id = group(work)
    yield Ask(
        f"/security-groups/{id}/edit", ("security group.update",), {"name": f"{work.name}-b", "description": "other"}
    )
    row = work.get(f"{NETWORK}/security-groups/{id}", "security_group")
    assert (row["name"], row["description"]) == (f"{work.name}-b", "other")
    return [row["name"], row["description"]]


def _line(at: int, **parts: str) -> dict[str, str]:
    whole = {"protocol": "tcp", "ports": "", "remote": "", "cidr": "", "family": "", "description": "", **parts}
    return {f"ingress-{at}-{name}": value for name, value in whole.items()}


@case("security-group-rule.create", "security-group-rule.delete")
def save_the_rules_of_a_group(work: Work) -> Steps:
    id, other = group(work), group(work, "-b")
    rule = {
        "security_group_id": id,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 99,
        "port_range_max": 99,
    }
    work.rest.ok("POST", f"{NETWORK}/security-group-rules", {"security_group_rule": rule})
    typed = {
        **_line(0, ports="22", remote="cidr", cidr="10.0.0.0/8", description="it's ssh"), **_line(1, protocol="icmp", ports="8/0", family="IPv4"),
        **_line(2, protocol="udp", ports="6000-6010", remote=other, family="IPv6"), **_line(3, protocol="", family="IPv4"),
        **_line(4, protocol="vrrp", family="IPv4"),
    }  # fmt: skip
    yield Ask(f"/security-groups/{id}/rules", ("security-group-rule.create", "security-group-rule.delete"), typed)
    rows = work.get(f"{NETWORK}/security-group-rules?security_group_id={id}&direction=ingress", "security_group_rules")
    names = (
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
        "description",
    )
    found = sorted([str(anywhere(row)[name]) for name in names] for row in rows)
    assert len(found) == 5, found
    assert ["IPv4", "tcp", "22", "22", "10.0.0.0/8", "None", "it's ssh"] in found
    assert ["IPv6", "udp", "6000", "6010", "None", other, ""] in found
    return found


deleted(CASES, "security group.delete", "/security-groups/{id}/delete", NETWORK + "/security-groups/{id}", group)
listed(CASES, "security group.list", "/security-groups", group)


# ── Shares and agents ───────────────────────────────────────────────────────────────────────────────────────────────


def policy(work: Work) -> str:
    body = {
        "object_type": "network",
        "object_id": network(work),
        "action": "access_as_shared",
        "target_tenant": work.project,
    }
    return work.make(f"{NETWORK}/rbac-policies", "rbac_policy", body)


@case("network rbac.create", "network rbac.update", account="admin")
def share_a_network(work: Work) -> Steps:
    at, first = network(work), work.make(f"{IDENTITY}/projects", "project", {"name": work.name})
    typed = {"network": at, "action": "access_as_shared", "target": first}
    yield Ask("/rbac-policies/create", ("network rbac.create",), typed)
    row = work.get(f"{NETWORK}/rbac-policies?object_id={at}", "rbac_policies")[0]
    work.goes(f"{NETWORK}/rbac-policies/{row['id']}")
    assert (row["action"], row["target_tenant"]) == ("access_as_shared", first)
    yield Ask(f"/rbac-policies/{row['id']}/edit", ("network rbac.update",), {"target": work.project})
    found = work.get(f"{NETWORK}/rbac-policies/{row['id']}", "rbac_policy")
    assert found["target_tenant"] == work.project
    return [row, found]


deleted(CASES, "network rbac.delete", "/rbac-policies/{id}/delete", NETWORK + "/rbac-policies/{id}", policy, "admin")
listed(CASES, "network rbac.list", "/rbac-policies", policy, "admin")


@case("agent.add-network", "agent.remove-network", account="admin")
def choose_who_serves_a_network(work: Work) -> Steps:
    at = network(work)
    subnet(work, at)
    path = f"{NETWORK}/networks/{at}/dhcp-agents"
    for one in work.get(path, "agents"):
        work.rest.ok("DELETE", f"{NETWORK}/agents/{one['id']}/dhcp-networks/{at}")
    yield Ask(f"/networks/{at}/agents/add", ("agent.add-network",), {"host": "fake2"})
    assert [one["host"] for one in work.get(path, "agents")] == ["fake2"]
    yield Ask(f"/networks/{at}/agents/fake2/delete", ("agent.remove-network",))
    assert work.get(path, "agents") == []
    return True


@case("agent.update", account="admin")
def switch_an_agent(work: Work) -> Steps:
    one = next(
        row for row in work.get(f"{NETWORK}/agents?host=fake3", "agents") if row["binary"] == "neutron-dhcp-agent"
    )
    path = f"{NETWORK}/agents/{one['id']}"
    try:
        yield Ask(f"/services/network/{one['id']}/disable", ("agent.update",))
        assert work.get(path, "agent")["admin_state_up"] is False
    finally:
        work.rest.ok("PUT", path, {"agent": {"admin_state_up": False}})
    yield Ask(f"/services/network/{one['id']}/enable", ("agent.update",))
    assert work.get(path, "agent")["admin_state_up"] is True
    return True
