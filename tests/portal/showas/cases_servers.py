"""Servers: launching, what is done with them, and what leads to them."""

import base64
from typing import Any

from tests.portal.showas.cases_network import anywhere, group, network, outside, port, stable, subnet
from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, listed
from tests.rest import COMPUTE, IMAGE, NETWORK, VOLUME, until

CASES: list[Case] = []
case = collector(CASES)
SERVERS = f"{COMPUTE}/servers"


def server(work: Work, **more: Any) -> str:
    """A server that runs."""
    id = work.rest.boot(work.name, **more)
    work.goes(f"{SERVERS}/{id}")
    work.rest.until(id, "ACTIVE")
    return id


def found(work: Work, name: str = "") -> dict[str, Any]:
    """The server of this run, once it is there."""
    id = work.named(f"{SERVERS}/detail", "servers", name=name)["id"]
    return work.rest.until(id, "ACTIVE")


def alike(row: dict[str, Any]) -> dict[str, Any]:
    """A server without what another run has differently."""
    other = (
        "links",
        "OS-EXT-SRV-ATTR:host",
        "OS-EXT-SRV-ATTR:hypervisor_hostname",
        "hostId",
        "OS-EXT-SRV-ATTR:instance_name",
    )
    return {name: value for name, value in row.items() if name not in other and name != "addresses"}


def of(work: Work, path: str, key: str, name: str) -> str:
    return work.rest.named(path, key, name)


def base(work: Work) -> dict[str, object]:
    """What every launch needs."""
    return {
        "name": work.name, "count": 1, "image": of(work, f"{IMAGE}/images", "images", "demo"),
        "flavor": of(work, f"{COMPUTE}/flavors", "flavors", "tiny"), "networks": [of(work, f"{NETWORK}/networks", "networks", "private")],
        "groups": [of(work, f"{NETWORK}/security-groups?project_id={work.project}", "security_groups", "default")],
    }  # fmt: skip


@case("server.create")
def launch_a_server(work: Work) -> Steps:
    text = '#!/bin/sh\necho it\'s "$HOME"\n'
    typed = {
        **base(work), "user_data": text, "description": "it's a server", "metadata": "role=web it's\nteam=a", "config_drive": True,
        "zone": "nova",
    }  # fmt: skip
    yield Ask("/instances/launch", ("server.create",), typed, bare=True)
    row = found(work)
    assert (row["description"], row["metadata"], row["config_drive"]) == (
        "it's a server",
        {"role": "web it's", "team": "a"},
        "True",
    )
    assert (
        base64.b64decode(work.get(f"{SERVERS}/{row['id']}", "server", work.admin)["OS-EXT-SRV-ATTR:user_data"]).decode()
        == text
    )
    assert [one["name"] for one in row["security_groups"]] == ["default"]
    return alike(row)


@case("server.create")
def launch_a_server_on_a_port_beside_others(work: Work) -> Steps:
    at, card, friend = network(work, "-n"), port(work), server(work)
    subnet(work, at, "10.82.0.0/24")
    kind = {"name": work.name, "policy": "soft-anti-affinity"}
    near = work.make(f"{COMPUTE}/os-server-groups", "server_group", kind)
    name = f"{work.name}-b"
    typed = {
        **base(work), "name": name, "networks": [at], f"fixed-{at}": "10.82.0.55", "ports": [card], "server_group": near,
        "hints": f"different_host={friend}",
    }  # fmt: skip
    yield Ask("/instances/launch", ("server.create",), typed, bare=True)
    row = found(work, name)
    cards = {
        one["id"]: one["fixed_ips"][0]["ip_address"]
        for one in work.get(f"{NETWORK}/ports?device_id={row['id']}", "ports")
    }
    assert card in cards and "10.82.0.55" in cards.values() and len(cards) == 2
    assert row["id"] in work.get(f"{COMPUTE}/os-server-groups/{near}", "server_group")["members"]
    hosts = [work.get(f"{SERVERS}/{id}", "server", work.admin)["OS-EXT-SRV-ATTR:host"] for id in (friend, row["id"])]
    work.rest.delete(row["id"])
    assert hosts[0] != hosts[1]
    return True


@case("server.create")
def launch_a_server_from_a_new_volume(work: Work) -> Steps:
    typed = {**base(work), "on_volume": True, "volume_size": "1", "volume_goes": True}
    yield Ask("/instances/launch", ("server.create",), typed, bare=True)
    row = found(work)
    (disk,) = row["os-extended-volumes:volumes_attached"]
    volume = work.get(f"{VOLUME}/volumes/{disk['id']}", "volume")
    work.rest.delete(row["id"])
    assert (row["image"], disk["delete_on_termination"], volume["bootable"]) == ("", True, "true")
    return [volume["size"], volume["volume_image_metadata"]["image_name"]]


@case("security group.create", "security-group-rule.create", "server.create")
def launch_a_server_with_open_doors(work: Work) -> Steps:
    path = f"{NETWORK}/security-groups"
    for one in work.get(f"{path}?project_id={work.project}", "security_groups"):
        if one["name"] == "open-http":
            work.rest.ok("DELETE", f"{path}/{one['id']}")
    typed = {**base(work), "doors": ["http"]}
    yield Ask(
        "/instances/launch", ("security group.create", "security-group-rule.create", "server.create"), typed, bare=True
    )
    row = found(work)
    opened = work.named(path, "security_groups", name="open-http")
    rules = [one for one in opened["security_group_rules"] if one["direction"] == "ingress"]
    names = sorted(one["name"] for one in row["security_groups"])
    second = {**base(work), "name": f"{work.name}-b", "doors": ["http"]}
    yield Ask("/instances/launch", ("server.create",), second, bare=True)
    other = found(work, f"{work.name}-b")
    for id in (row["id"], other["id"]):
        work.rest.delete(id)
    assert names == ["default", "open-http"] == sorted(one["name"] for one in other["security_groups"])
    return sorted(
        [one["ethertype"], one["port_range_min"], one["remote_ip_prefix"], one["description"]] for one in rules
    )


@case("server.create", "port.of-server", "floatingip.create")
def launch_two_servers_with_addresses(work: Work) -> Steps:
    typed = {**base(work), "count": 2, "floating": f"new:{outside(work)}"}
    yield Ask("/instances/launch", ("server.create", "port.of-server", "floatingip.create"), typed, bare=True)
    rows = [found(work, f"{work.name}-{number}") for number in (1, 2)]
    kinds = [one["OS-EXT-IPS:type"] for row in rows for one in row["addresses"]["private"]]
    for row in rows:
        at = work.get(f"{NETWORK}/ports?device_id={row['id']}", "ports")[0]["id"]
        work.goes(f"{NETWORK}/floatingips/{work.get(f'{NETWORK}/floatingips?port_id={at}', 'floatingips')[0]['id']}")
    assert sorted(kinds) == ["fixed", "fixed", "floating", "floating"]
    return kinds


@case(
    "server.stop", "server.start", "server.reboot", "server.pause", "server.unpause", "server.suspend", "server.resume", "server.shelve",
    "server.unshelve", "server.lock", "server.unlock",
)  # fmt: skip
def press_the_buttons_of_a_server(work: Work) -> Steps:
    id = server(work)
    pressed = (
        ("stop", "SHUTOFF"), ("start", "ACTIVE"), ("reboot", "ACTIVE"), ("reboot_hard", "ACTIVE"), ("pause", "PAUSED"), ("unpause", "ACTIVE"),
        ("suspend", "SUSPENDED"), ("resume", "ACTIVE"), ("shelve", "SHELVED_OFFLOADED"), ("unshelve", "ACTIVE"),
    )  # fmt: skip
    for verb, status in pressed:
        yield Ask(f"/instances/{id}/do/{verb}", (f"server.{verb.removesuffix('_hard')}",))
        work.rest.until(id, status)
    for verb in ("lock", "unlock"):
        yield Ask(f"/instances/{id}/do/{verb}", (f"server.{verb}",))
        assert (work.rest.server(id) or {})["locked"] is (verb == "lock")
    done = [row["action"] for row in work.get(f"{SERVERS}/{id}/os-instance-actions", "instanceActions")]
    return sorted(done)


@case("server.stop")
def stop_two_servers(work: Work) -> Steps:
    ids = [server(work), server(work)]
    yield Ask(f"/instances/bulk/stop?ids={','.join(ids)}", ("server.stop",), {"ids": ids})
    for id in ids:
        work.rest.until(id, "SHUTOFF")
    return True


@case("server.resize", "server.confirm-resize", "server.revert-resize")
def resize_a_server(work: Work) -> Steps:
    id = server(work)
    larger = of(work, f"{COMPUTE}/flavors", "flavors", "small")
    for verb, flavor in (("revert_resize", "tiny"), ("confirm_resize", "small")):
        yield Ask(f"/instances/{id}/resize", ("server.resize",), {"flavor": larger})
        work.rest.until(id, "VERIFY_RESIZE")
        yield Ask(f"/instances/{id}/do/{verb}", (f"server.{verb.replace('_', '-')}",))
        assert work.rest.until(id, "ACTIVE")["flavor"]["original_name"] == flavor
    return True


@case("server.rebuild")
def rebuild_a_server(work: Work) -> Steps:
    id = server(work)
    other = of(work, f"{IMAGE}/images", "images", "demo-alt")
    yield Ask(
        f"/instances/{id}/rebuild", ("server.rebuild",), {"image": other, "description": "it's anew", "disk_config": ""}
    )
    row = work.rest.until(id, "ACTIVE")
    assert (row["image"]["id"], row["description"]) == (other, "it's anew")
    return alike(row)


@case("server.snapshot")
def take_a_snapshot(work: Work) -> Steps:
    id = server(work)
    yield Ask(f"/instances/{id}/snapshot", ("server.snapshot",), {"name": work.name})
    rows = [row for row in work.get(f"{IMAGE}/images", "images") if row["name"] == work.name]
    assert len(rows) == 1
    work.goes(f"{IMAGE}/images/{rows[0]['id']}")
    work.rest.until(id, "ACTIVE")
    return True


@case("server.update")
def rename_a_server(work: Work) -> Steps:
    id = server(work)
    yield Ask(f"/instances/{id}/edit", ("server.update",), {"name": f"{work.name}-b", "description": "it's new"})
    row = work.rest.server(id) or {}
    assert (row["name"], row["description"]) == (f"{work.name}-b", "it's new")
    return alike(row)


@case("server.delete")
def delete_a_server(work: Work) -> Steps:
    id = server(work)
    yield Ask(f"/instances/{id}/delete", ("server.delete",))
    work.rest.until_gone(id)
    return True


@case("server.add-group", "server.remove-group")
def choose_the_groups_of_a_server(work: Work) -> Steps:
    id, first, second = server(work), group(work), group(work, "-b")
    yield Ask(f"/instances/{id}/groups", ("server.add-group", "server.remove-group"), {"groups": [first]})
    yield Ask(f"/instances/{id}/groups", ("server.add-group", "server.remove-group"), {"groups": [second]})
    names = [one["name"] for one in (work.rest.server(id) or {})["security_groups"]]
    work.rest.delete(id)
    assert names == [f"{work.name}-b"]
    return names


@case("port.update")
def choose_the_groups_of_a_card(work: Work) -> Steps:
    id, guarded = server(work), group(work)
    at = work.get(f"{NETWORK}/ports?device_id={id}", "ports")[0]["id"]
    yield Ask(f"/instances/{id}/interfaces/{at}/groups", ("port.update",), {"groups": [guarded]})
    groups = work.get(f"{NETWORK}/ports/{at}", "port")["security_groups"]
    work.rest.delete(id)
    assert groups == [guarded]
    return True


@case("server.attach", "server.attach-port", "server.attach-address", "server.detach")
def attach_and_detach_cards(work: Work) -> Steps:
    id, at, card = server(work), network(work, "-n"), port(work)
    subnet(work, at, "10.81.0.0/24")
    held: set[str] = {row["id"] for row in work.get(f"{NETWORK}/ports?device_id={id}", "ports")}

    def new() -> list[Any]:
        return [row for row in work.get(f"{NETWORK}/ports?device_id={id}", "ports") if row["id"] not in held]

    page = f"/instances/{id}/interfaces"
    for kind, typed in (
        ("server.attach", {"network": at, "address": "", "port": ""}), ("server.attach-address", {"network": at, "address": "10.81.0.77", "port": ""}),
        ("server.attach-port", {"network": "", "address": "", "port": card}),
    ):  # fmt: skip
        yield Ask(f"{page}/attach", (kind,), typed)
        rows = until(new, 60, kind)
        assert len(rows) == 1
        if kind == "server.attach-address":
            assert rows[0]["fixed_ips"][0]["ip_address"] == "10.81.0.77"
        if kind == "server.attach-port":
            assert rows[0]["id"] == card
        yield Ask(f"{page}/{rows[0]['id']}/detach", ("server.detach",))
        until(lambda: not new(), 60, "the card is gone")
    return True


@case("server.set-metadata", "server.drop-metadata")
def set_the_metadata_of_a_server(work: Work) -> Steps:
    id = server(work, metadata={"a": "1", "b": "2"})
    yield Ask(
        f"/instances/{id}/metadata", ("server.set-metadata", "server.drop-metadata"), {"metadata": "b=2\nc=it's 3"}
    )
    kept = work.get(f"{SERVERS}/{id}/metadata", "metadata")
    assert kept == {"b": "2", "c": "it's 3"}
    return kept


@case("server.add-tag", "server.drop-tag")
def set_the_tags_of_a_server(work: Work) -> Steps:
    id = server(work)
    work.rest.ok("PUT", f"{SERVERS}/{id}/tags", {"tags": ["a", "b"]})
    yield Ask(f"/instances/{id}/tags", ("server.add-tag", "server.drop-tag"), {"tags": "b\nit's c"})
    kept = sorted(work.get(f"{SERVERS}/{id}/tags", "tags"))
    assert kept == ["b", "it's c"]
    return kept


@case("server.clear-password")
def forget_the_password_of_a_server(work: Work) -> Steps:
    id = server(work)
    yield Ask(f"/instances/{id}/password/clear", ("server.clear-password",), lacks=(CLI,))
    assert work.get(f"{SERVERS}/{id}/os-server-password", "password") == ""
    return True


@case("port.of-server", "floatingip.create", "floatingip.disassociate", "floatingip.associate", "floatingip.delete")
def lead_an_address_to_a_server(work: Work) -> Steps:
    id = server(work)
    at = work.get(f"{NETWORK}/ports?device_id={id}", "ports")[0]
    where = f"{at['id']} {at['fixed_ips'][0]['ip_address']}"
    path = f"{NETWORK}/floatingips?port_id={at['id']}"
    page = f"/instances/{id}/floating-ip"
    yield Ask(page, ("port.of-server", "floatingip.create"), {"floating": f"new:{outside(work)}", "port": where})
    one = work.get(path, "floatingips")[0]["id"]
    work.goes(f"{NETWORK}/floatingips/{one}")
    yield Ask(f"{page}/disassociate", ("floatingip.disassociate",), {"floating": one, "release": False})
    assert work.get(path, "floatingips") == []
    yield Ask(page, ("port.of-server", "floatingip.associate"), {"floating": one, "port": where})
    assert [row["id"] for row in work.get(path, "floatingips")] == [one]
    yield Ask(f"{page}/disassociate", ("floatingip.delete",), {"floating": one, "release": True})
    assert work.is_gone(f"{NETWORK}/floatingips/{one}")
    return True


@case("security-group-rule.create")
def let_ssh_in(work: Work) -> Steps:
    guarded = group(work)
    id = server(work, security_groups=[{"name": guarded}])
    yield Ask(f"/instances/{id}/open-ssh/anyone", ("security-group-rule.create",))
    rows = work.get(
        f"{NETWORK}/security-group-rules?security_group_id={guarded}&direction=ingress", "security_group_rules"
    )
    work.rest.delete(id)
    assert [(row["protocol"], row["port_range_min"], row["ethertype"]) for row in rows] == [("tcp", 22, "IPv4")]
    return [stable(anywhere(row)) for row in rows]


listed(
    CASES,
    "server list",
    "/instances",
    lambda work: server(work) and work.name,
    narrowed="name={name}&status=ACTIVE&zone=nova",
)
listed(CASES, "server list --all-projects", "/all-instances", lambda work: server(work) and work.name, "admin")
