"""Volumes that servers have: attached, kept through what is done with the server, detached, gone with it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from compute.flavors.services import seed
from compute.servers import block_devices
from compute.servers.lifecycle import domain
from compute.servers.models import Server
from hosts.models import Host, HostDebt
from identity.projects import owned
from keystore import encryption
from tests.compute.client import Client, make_image, make_network
from tests.simulated import Cloud
from tests.volumes.parts import Volumes, host_with_backends
from volumes.attachments import exports
from volumes.attachments.models import Attachment
from volumes.backends.models import Backend
from volumes.snapshots.models import Snapshot
from volumes.volumes.models import Volume


@pytest.fixture
def nova(cloud: Cloud, red: Volumes) -> Client:
    seed()
    return Client(HTTP_X_AUTH_TOKEN="red-member")


@pytest.fixture
def server(cloud: Cloud, nova: Client) -> str:
    make_network()
    id = nova.launch(make_image())
    cloud.settle()
    return id


@pytest.fixture
def volume(cloud: Cloud, red: Volumes) -> str:
    id = red.create()
    cloud.settle()
    return id


def attach(nova: Client, server: str, volume: str, status: int = 200, version: str = "2.1", **more: Any) -> Any:
    return nova.ok(
        "post",
        f"servers/{server}/os-volume_attachments",
        {"volumeAttachment": {"volumeId": volume, **more}},
        status=status,
        version=version,
    )


def detach(nova: Client, server: str, volume: str, status: int = 202) -> Any:
    return nova.ok("delete", f"servers/{server}/os-volume_attachments/{volume}", status=status)


def disks(cloud: Cloud, server: str, host: str = "host1") -> list[str]:
    """Name the volumes that the domain has."""
    spec = cloud.agent(host).hypervisor._domains.get(server)["spec"]  # type: ignore[attr-defined]
    return [disk["source"]["volume_id"] for disk in spec["disks"] if disk["source"]["kind"] == "volume"]


def test_a_volume_is_attached_shown_and_detached(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    made = attach(nova, server, volume, version="2.79")["volumeAttachment"]
    assert (made["device"], made["volumeId"], made["serverId"], made["delete_on_termination"]) == (
        "/dev/vdb",
        volume,
        server,
        False,
    )
    assert red.show(volume)["status"] == "reserved"
    cloud.settle()
    shown = red.show(volume)
    assert (shown["status"], shown["attachments"][0]["server_id"], shown["attachments"][0]["device"]) == (
        "in-use",
        server,
        "/dev/vdb",
    )
    assert disks(cloud, server) == [volume]
    assert nova.ok("get", f"servers/{server}", version="2.79")["server"]["os-extended-volumes:volumes_attached"] == [
        {"id": volume, "delete_on_termination": False}
    ]
    assert nova.ok("get", f"servers/{server}/os-volume_attachments", version="2.79")["volumeAttachments"] == [made]
    detach(nova, server, volume)
    assert red.show(volume)["status"] == "detaching"
    cloud.settle()
    assert (red.show(volume)["status"], red.show(volume)["attachments"], disks(cloud, server)) == ("available", [], [])
    detach(nova, server, volume, status=404)
    nova.ok("get", f"servers/{server}/os-volume_attachments/{volume}", status=404)


def test_what_is_attached_is_deleted_extended_and_attached_by_nobody(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    attach(nova, server, volume)
    cloud.settle()
    red.ok("delete", f"volumes/{volume}", status=400)
    red.ok("post", f"volumes/{volume}/action", {"os-extend": {"new_size": 9}}, status=400)
    attach(nova, server, volume, status=400)
    assert red.show(volume)["status"] == "in-use" and disks(cloud, server) == [volume]


def test_another_projects_volume_is_not_attached(
    cloud: Cloud, client: Callable[..., Volumes], nova: Client, server: str
) -> None:
    theirs = client("blue").create()
    cloud.settle()
    attach(nova, server, theirs, status=404)
    assert Volume.objects.get(id=theirs).status == "available" and not Attachment.objects.exists()


def test_a_device_is_chosen_once(cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str) -> None:
    other = red.create()
    cloud.settle()
    assert attach(nova, server, volume, device="/dev/vdf")["volumeAttachment"]["device"] == "/dev/vdf"
    cloud.settle()
    for device in ("/dev/vdf", "/dev/vda"):
        attach(nova, server, other, device=device, status=409)
    attach(nova, server, other, device="/dev/sda", status=400)
    assert attach(nova, server, other)["volumeAttachment"]["device"] == "/dev/vdb"


def test_a_volume_stays_with_a_server_that_is_off_and_on_and_rebuilt(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    nova.act(server, {"os-stop": None})
    cloud.settle()
    attach(nova, server, volume)
    cloud.settle()
    assert red.show(volume)["status"] == "in-use"
    for action in ({"os-start": None}, {"reboot": {"type": "HARD"}}, {"rebuild": {"imageRef": make_image().id}}):
        nova.act(server, action)
        cloud.settle()
        assert disks(cloud, server) == [volume], action


def test_volumes_of_a_deleted_server_are_free_or_go_with_it(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    other = red.create(name="goes")
    cloud.settle()
    attach(nova, server, volume)
    cloud.settle()
    attach(nova, server, other, version="2.79", delete_on_termination=True)
    cloud.settle()
    nova.ok("delete", f"servers/{server}", status=204)
    cloud.settle()
    assert red.show(volume)["status"] == "available"
    red.ok("get", f"volumes/{other}", status=404)
    assert not Attachment.objects.exists()


def test_a_host_that_refuses_leaves_the_volume_free(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    cloud.replies["server.attach_disk"] = lambda order: (
        "failed",
        {"code": "hypervisor_refused", "data": {"detail": "no slot"}},
    )
    attach(nova, server, volume)
    cloud.settle()
    assert (red.show(volume)["status"], red.show(volume)["attachments"]) == ("available", [])
    assert nova.ok("get", f"servers/{server}/os-volume_attachments")["volumeAttachments"] == []
    assert "no slot" in Server.objects.get(id=server).fault_message


def test_a_guest_that_does_not_let_go_keeps_the_volume(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    attach(nova, server, volume)
    cloud.settle()
    cloud.replies["server.detach_disk"] = lambda order: ("failed", {"code": "timed_out", "data": {"seconds": 30}})
    detach(nova, server, volume)
    cloud.settle()
    assert (red.show(volume)["status"], disks(cloud, server)) == ("in-use", [volume])
    del cloud.replies["server.detach_disk"]
    detach(nova, server, volume)
    cloud.settle()
    assert red.show(volume)["status"] == "available"


# ── Of another host ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def far(cloud: Cloud, red: Volumes, server: str) -> str:
    """A volume on host2; the server is on host1."""
    host_with_backends(cloud, "host2", underlay_ip="10.0.0.2")
    Host.objects.filter(name="host1").update(state="down")
    id = red.create()
    cloud.settle()
    Host.objects.filter(name="host1").update(state="up")
    return id


def given_out(cloud: Cloud) -> list[str]:
    return cloud.agent("host2").exports.volumes()


def far_disks(cloud: Cloud, server: str) -> list[str]:
    """Name the targets that the domain opens."""
    spec = cloud.agent("host1").hypervisor._domains.get(server)["spec"]  # type: ignore[attr-defined]
    return [disk["source"]["name"] for disk in spec["disks"] if disk["source"]["kind"] == "network"]


def test_a_volume_of_another_host_is_given_out_to_the_servers(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    attach(nova, server, far)
    cloud.settle()
    assert (red.show(far)["status"], given_out(cloud)) == ("in-use", [far])
    assert far_disks(cloud, server) == [f"iqn.2026-12.dev.stackling:{far}/1"]
    kept = Attachment.objects.get()
    asked = next(order["body"] for _host, verb, order in cloud.orders if verb == "export.ensure")
    password = asked["password"]
    assert (asked["clients"], len(password)) == (["10.0.0.1"], 16)
    assert (
        password not in kept.encrypted_password
        and encryption.decrypt(kept.encrypted_password, exports.place(kept.id)) == password
    )
    for action in ({"os-stop": None}, {"os-start": None}, {"reboot": {"type": "HARD"}}):
        nova.ok("post", f"servers/{server}/action", action, status=202)
        cloud.settle()
        assert far_disks(cloud, server) == [f"iqn.2026-12.dev.stackling:{far}/1"], action
    detach(nova, server, far)
    cloud.settle()
    assert (red.show(far)["status"], given_out(cloud), far_disks(cloud, server)) == ("available", [], [])


def test_a_server_that_goes_closes_what_was_given_out_to_it(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    attach(nova, server, far)
    cloud.settle()
    nova.ok("delete", f"servers/{server}", status=204)
    cloud.settle()
    assert (red.show(far)["status"], given_out(cloud)) == ("available", [])


def test_a_volume_that_was_to_go_with_a_far_server_goes(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    attach(nova, server, far, version="2.79", delete_on_termination=True)
    cloud.settle()
    nova.ok("delete", f"servers/{server}", status=204)
    cloud.is_patient = True  # what waits is asked again
    cloud.settle()
    red.ok("get", f"volumes/{far}", status=404)
    assert given_out(cloud) == [] and cloud.agent("host2").backends["fake"].read_volumes() == []


@pytest.mark.parametrize("verb", ["export.ensure", "server.attach_disk"])
def test_an_attachment_that_fails_on_either_host_leaves_nothing(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str, verb: str
) -> None:
    failure = {"code": "hypervisor_refused", "data": {"detail": "no way"}}
    cloud.replies[verb] = lambda order: ("failed", failure)
    attach(nova, server, far)
    cloud.settle()
    assert (red.show(far)["status"], given_out(cloud), far_disks(cloud, server)) == ("available", [], [])
    assert "no way" in Server.objects.get(id=server).fault_message
    assert not Attachment.objects.exists()


def test_what_an_away_host_gives_out_it_owes_to_close(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    attach(nova, server, far)
    cloud.settle()
    Host.objects.filter(name="host2").update(state="down")
    detach(nova, server, far)
    cloud.settle()
    assert red.show(far)["status"] == "available", "a volume waits in no status for a host that is away"
    (debt,) = HostDebt.objects.all()
    assert (debt.host, debt.kind, debt.key) == ("host2", "export.remove", far)


def test_a_server_stays_where_its_volume_is_given_out_to(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    attach(nova, server, far)
    cloud.settle()
    assert block_devices.hosts_of(Server.objects.get(id=server)) == ({"host1"}, {"host2"})


def test_a_host_that_opens_no_disks_of_others_is_said_so(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str
) -> None:
    row = Host.objects.get(name="host1")
    for instance in row.driver_instances:
        instance["capabilities"] = [name for name in instance["capabilities"] if name != "disk.iscsi"]
    row.save()
    assert exports.hosts_reaching(Volume.objects.get(id=far)) == {"host2"}
    assert "opens no disks of other hosts" in str(attach(nova, server, far, status=409))


@pytest.mark.parametrize(("lacks", "named"), [("host1", "host1"), ("host2", "host2"), ("", "its own host alone")])
def test_a_volume_that_cannot_be_given_out_is_refused_with_a_reason(
    cloud: Cloud, nova: Client, red: Volumes, server: str, far: str, lacks: str, named: str
) -> None:
    if lacks:
        Host.objects.filter(name=lacks).update(underlay_ip="")
    else:
        Backend.objects.filter(host="host2").update(capabilities=["volume.thin"])
    refused = str(attach(nova, server, far, status=409))
    assert "host1" in refused and "host2" in refused and named in refused
    assert red.show(far)["status"] == "available"


# ── With their project ──────────────────────────────────────────────────────────────────────────────────────────────


def test_volumes_go_with_their_project_also_in_use_and_with_snapshots(
    cloud: Cloud, nova: Client, red: Volumes, server: str, volume: str
) -> None:
    red.snapshot(volume)
    cloud.settle()
    attach(nova, server, volume)
    cloud.settle()
    with transaction.atomic():
        owned.remove_all("red")
    cloud.is_patient = True  # what waits is asked again
    cloud.settle()
    assert not Volume.objects.exists() and not Snapshot.objects.exists() and not Attachment.objects.exists()
    assert cloud.agent("host1").backends["fake"].read_volumes() == []


def test_a_server_with_more_disks_than_letters_starts_with_as_many_as_there_are(cloud: Cloud, server: str) -> None:
    many = [{"name": f"ephemeral{n}", "size_mib": 1024, "content": "ext4"} for n in range(30)]
    Server.objects.filter(id=server).update(local_disks=many)
    assert [disk["device"] for disk in domain.disks_of(Server.objects.get(id=server), [])][::25] == ["vda", "vdz"]
