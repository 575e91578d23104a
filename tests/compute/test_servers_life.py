"""The life of a server, over the API, on hosts that answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from common.clock import now
from compute.servers.models import Server
from networking.ports.models import Port
from networking.securitygroups.models import SecurityGroup
from placement import services as placement
from tests.compute.client import Client
from tests.simulated import Cloud

Launch = Callable[..., str]


def status(client: Client, server_id: str) -> tuple[str, Any]:
    server = client.ok("get", f"servers/{server_id}")["server"]
    return server["status"], server["OS-EXT-STS:task_state"]


def test_a_server_boots_through_its_steps(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch()
    server = red.ok("get", f"servers/{server_id}")["server"]
    assert (server["status"], server["OS-EXT-STS:task_state"], server["OS-EXT-STS:power_state"]) == ("ACTIVE", None, 1)
    assert world.verbs() == ["disk.ensure", "server.ensure"]
    assert next(a["addr"] for a in server["addresses"]["private"]).startswith("10.9.0.")
    assert placement.held_by(server_id) == {"host1": {"VCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}}
    assert server["OS-SRV-USG:launched_at"]


def test_a_deleted_server_leaves_nothing_behind(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch()
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    assert red.ask("get", f"servers/{server_id}").status_code == 404
    assert world.verbs()[-2:] == ["server.remove", "disk.remove"]
    assert placement.held_by(server_id) == {}
    assert not Port.objects.filter(device_id=server_id).exists()


def test_a_server_is_deleted_while_it_is_being_built(world: Cloud, red: Client, launch: Launch) -> None:
    world.replies["disk.ensure"] = lambda order: None
    server_id = launch(settle=False)
    world.settle()
    red.ok("delete", f"servers/{server_id}", status=204)
    assert status(red, server_id) == ("BUILD", "deleting")
    from common.clock import now
    from operations.models import Operation

    Operation.objects.filter(subject_id=server_id).update(wake_at=now())
    for row in Operation.objects.filter(subject_id=server_id):
        world.jobs.append(row.id)
    world.settle()
    for row in Operation.objects.filter(subject_id=server_id):
        world.jobs.append(row.id)
    world.settle()
    assert red.ask("get", f"servers/{server_id}").status_code == 404
    assert placement.consumers() == {}


def test_power_verbs(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch()
    for body, after in (
        ({"os-stop": None}, "SHUTOFF"),
        ({"os-start": None}, "ACTIVE"),
        ({"reboot": {"type": "SOFT"}}, "ACTIVE"),
        ({"reboot": {"type": "HARD"}}, "ACTIVE"),
        ({"pause": None}, "PAUSED"),
        ({"unpause": None}, "ACTIVE"),
        ({"suspend": None}, "SUSPENDED"),
        ({"resume": None}, "ACTIVE"),
    ):
        red.ok("post", f"servers/{server_id}/action", body, status=202)
        world.settle()
        assert status(red, server_id) == (after, None), body


def test_a_verb_in_the_wrong_state_is_409_and_says_so(red: Client, launch: Launch) -> None:
    server_id = launch()
    answer = red.ask("post", f"servers/{server_id}/action", {"os-start": None})
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        f"Cannot 'start' instance {server_id} while it is in vm_state active"
    )


def test_no_host_fits_says_which_came_closest(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch(flavor="5")
    server = red.ok("get", f"servers/{server_id}")["server"]
    assert server["status"] == "ERROR"
    assert server["fault"]["message"].endswith("No valid host was found. host1: needs 16384 MiB, has 8192")
    assert placement.held_by(server_id) == {}
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    assert red.ask("get", f"servers/{server_id}").status_code == 404


def test_a_host_that_cannot_make_the_disk_leaves_an_error_and_no_claim(
    world: Cloud, red: Client, launch: Launch
) -> None:
    world.replies["disk.ensure"] = lambda order: (
        "failed",
        {"code": "no_space", "data": {"path": "/x", "need": 9, "have": 1}},
    )
    server_id = launch()
    server = red.ok("get", f"servers/{server_id}")["server"]
    assert server["status"] == "ERROR" and "full" in server["fault"]["message"]
    assert placement.consumers() == {}
    assert "disk.remove" in world.verbs()
    assert Server.objects.get(id=server_id).host == ""


def test_instance_actions_are_the_steps(red: Client, launch: Launch) -> None:
    server_id = launch()
    (action,) = red.ok("get", f"servers/{server_id}/os-instance-actions")["instanceActions"]
    assert action["action"] == "create"
    shown = red.ok("get", f"servers/{server_id}/os-instance-actions/{action['request_id']}")["instanceAction"]
    names = [event["event"] for event in shown["events"]]
    assert names == [
        f"compute_{n}"
        for n in ("claim_host", "bind_ports", "create_disk", "wire_network", "start_domain", "mark_active")
    ]
    assert all(event["result"] == "Success" for event in shown["events"])


def test_rebuild_resize_and_snapshot(world: Cloud, red: Client, launch: Launch, image: Any) -> None:
    server_id = launch()
    red.ok("post", f"servers/{server_id}/action", {"rebuild": {"imageRef": image.id, "name": "two"}}, status=202)
    assert status(red, server_id)[0] == "REBUILD"
    world.settle()
    assert status(red, server_id) == ("ACTIVE", None)
    red.ok("post", f"servers/{server_id}/action", {"resize": {"flavorRef": "small"}}, status=202)
    world.settle()
    assert status(red, server_id) == ("VERIFY_RESIZE", None)
    red.ok("post", f"servers/{server_id}/action", {"revertResize": None}, status=202)
    world.settle()
    assert status(red, server_id) == ("ACTIVE", None)
    assert placement.held_by(server_id) == {"host1": {"VCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}}
    red.ok("post", f"servers/{server_id}/action", {"resize": {"flavorRef": "small"}}, status=202)
    world.settle()
    red.ok("post", f"servers/{server_id}/action", {"confirmResize": None}, status=204)
    world.settle()
    assert placement.held_by(server_id) == {"host1": {"VCPU": 1, "MEMORY_MB": 192, "DISK_GB": 2}}
    assert set(placement.consumers()) == {server_id}


def test_interfaces_come_and_go(world: Cloud, red: Client, launch: Launch, network: Any) -> None:
    server_id = launch()
    body = {"interfaceAttachment": {"net_id": network.id}}
    made = red.ok("post", f"servers/{server_id}/os-interface", body)["interfaceAttachment"]
    world.settle()
    assert len(red.ok("get", f"servers/{server_id}/os-interface")["interfaceAttachments"]) == 2
    assert world.verbs()[-1] == "server.attach_port"
    red.ok("delete", f"servers/{server_id}/os-interface/{made['port_id']}", status=202)
    world.settle()
    assert not Port.objects.filter(id=made["port_id"]).exists()


def test_foreign_servers_do_not_exist(signed_in: Callable[..., Client], launch: Launch) -> None:
    server_id = launch()
    blue = signed_in("blue")
    assert blue.ask("get", f"servers/{server_id}").status_code == 404
    assert blue.ask("delete", f"servers/{server_id}").status_code == 404
    assert blue.ok("get", "servers")["servers"] == []


def test_a_guest_that_powers_itself_off_is_shutoff(world: Cloud, red: Client, launch: Launch) -> None:
    from compute.servers.lifecycle import reconcile

    server_id = launch()
    reconcile.on_state("host1", {"event": "state", "server_id": server_id, "state": "shutoff", "at": 1.0})
    assert status(red, server_id) == ("SHUTOFF", None)


def test_a_server_that_was_never_built_has_no_verb_but_delete(red: Client, launch: Launch) -> None:
    server_id = launch(flavor="5")
    for body in ({"reboot": {"type": "HARD"}}, {"os-stop": None}):
        answer = red.ask("post", f"servers/{server_id}/action", body)
        assert answer.status_code == 409 and "on no host" in answer.content.decode()


def test_deleting_an_unconfirmed_resize_frees_both_claims(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch()
    red.ok("post", f"servers/{server_id}/action", {"resize": {"flavorRef": "small"}}, status=202)
    world.settle()
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    assert placement.consumers() == {}


def test_an_ephemeral_disk_and_swap_come_with_the_flavor(
    world: Cloud, red: Client, admin: Client, launch: Launch
) -> None:
    body = {"name": "more", "ram": 64, "vcpus": 1, "disk": 1, "id": "more", "swap": 256, "OS-FLV-EXT-DATA:ephemeral": 2}
    admin.ok("post", "flavors", {"flavor": body})
    launch(flavor="more")
    disks = world.orders[-1][2]["body"]["disks"]
    assert [(disk["device"], disk["serial"]) for disk in disks] == [
        ("vda", "root"),
        ("vdb", "ephemeral0"),
        ("vdc", "swap"),
    ]
    assert [disk["source"].get("size_mib") for disk in disks] == [None, 2048, 256]


def test_diagnostics_count_disks_and_seconds(red: Client, admin: Client, launch: Launch) -> None:
    body = {"name": "more", "ram": 64, "vcpus": 2, "disk": 1, "id": "more", "swap": 256}
    admin.ok("post", "flavors", {"flavor": body})
    server_id = launch(flavor="more")
    Server.objects.filter(id=server_id).update(launched_at=now() - timedelta(seconds=90))
    found = admin.ok("get", f"servers/{server_id}/diagnostics", version="2.48")
    assert 90 <= found["uptime"] < 120
    assert (found["num_disks"], len(found["disk_details"]), found["num_cpus"]) == (2, 2, 2)
    assert len(found["nic_details"]) == found["num_nics"]
    assert found["disk_details"][0]["read_bytes"] is None


def test_a_shelved_server_comes_back_where_it_is_wanted(
    world: Cloud, red: Client, admin: Client, launch: Launch
) -> None:
    server_id = launch()
    path = f"servers/{server_id}/action"
    placement.release(server_id)
    Server.objects.filter(id=server_id).update(vm_state="shelved_offloaded", host="")
    world.host("host2")
    world.host("host0", memory=99999)
    assert red.ask("post", path, {"unshelve": {"host": "host2"}}, version="2.90").status_code == 400
    assert red.ask("post", path, {"unshelve": {"host": "host2"}}, version="2.91").status_code == 403
    assert red.ask("post", path, {"unshelve": {"availability_zone": "moon"}}, version="2.77").status_code == 400
    assert admin.ask("post", path, {"unshelve": {"host": "host9"}}, version="2.91").status_code == 400
    admin.ok("post", path, {"unshelve": {"host": "host2"}}, version="2.91", status=202)
    world.settle()
    assert Server.objects.get(id=server_id).host == "host2"
    assert red.ask("post", path, {"unshelve": {"availability_zone": None}}, version="2.91").status_code == 409


def test_servers_of_one_request_are_found_by_its_reservation(red: Client, launch: Launch) -> None:
    launch("other")
    server_id = launch()
    reservation = Server.objects.get(id=server_id).reservation_id
    found = red.ok("get", f"servers?reservation_id={reservation}")["servers"]
    assert [server["id"] for server in found] == [server_id]


def test_a_resize_may_change_who_partitions_the_disk(world: Cloud, red: Client, launch: Launch) -> None:
    server_id = launch()
    body = {"resize": {"flavorRef": "small", "OS-DCF:diskConfig": "AUTO"}}
    red.ok("post", f"servers/{server_id}/action", body, status=202)
    world.settle()
    red.ok("post", f"servers/{server_id}/action", {"confirmResize": None}, status=204)
    world.settle()
    server = red.ok("get", f"servers/{server_id}")["server"]
    assert (server["flavor"]["id"], server["OS-DCF:diskConfig"]) == ("small", "AUTO")


def test_a_server_without_groups_names_none(red: Client, launch: Launch) -> None:
    server_id = launch()
    red.ok("post", f"servers/{server_id}/action", {"removeSecurityGroup": {"name": "default"}}, status=202)
    assert "security_groups" not in red.ok("get", f"servers/{server_id}")["server"]


def test_groups_asked_for_by_id_are_shown_by_name(red: Client, launch: Launch) -> None:
    """The client sends ids, and every other answer of Nova's has names."""
    group = SecurityGroup.objects.create(project_id="red", name="web")
    server_id = launch(security_groups=[{"name": group.id}])
    assert red.ok("get", f"servers/{server_id}")["server"]["security_groups"] == [{"name": "web"}]
    assert list(Port.objects.get(device_id=server_id).groups.values_list("id", flat=True)) == [group.id]
