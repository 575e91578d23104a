"""Servers that are launched with volumes: their root disk a volume, made for them or there before, and further ones beside it."""

from typing import Any

import pytest

from compute.flavors.services import seed
from compute.servers.block_devices import BlockDevice
from compute.servers.models import Server
from hosts.models import Host
from images.images.models import Image
from operations.models import Operation
from tests.compute.client import Client, make_image, make_network
from tests.simulated import Cloud
from tests.volumes.parts import Volumes, host_with_backends
from volumes.attachments.models import Attachment
from volumes.volumes.models import Volume

UNKNOWN = "99999999-0000-4000-8000-000000000001"


@pytest.fixture
def nova(cloud: Cloud, red: Volumes) -> Client:
    seed()
    make_network()
    return Client(HTTP_X_AUTH_TOKEN="red-member")


@pytest.fixture
def image(cloud: Cloud) -> Image:
    return make_image()


def ask(
    nova: Client,
    mappings: list[dict[str, Any]],
    status: int = 202,
    *,
    form: str = "block_device_mapping_v2",
    version: str = "2.1",
    **more: Any,
) -> Any:
    server = {"name": "one", "flavorRef": "tiny", form: mappings, **more}
    return nova.ok("post", "servers", {"server": server}, status=status, version=version)


def launch(nova: Client, mappings: list[dict[str, Any]], **more: Any) -> str:
    return str(ask(nova, mappings, **more)["server"]["id"])


def of_image(image: Image, **more: Any) -> dict[str, Any]:
    return {
        "source_type": "image",
        "destination_type": "volume",
        "uuid": image.id,
        "volume_size": 1,
        "boot_index": 0,
        **more,
    }


def bootable(cloud: Cloud, red: Volumes, image: Image) -> str:
    id = red.create(imageRef=image.id)
    cloud.settle()
    return id


def domain(cloud: Cloud, server: str, host: str = "host1") -> list[tuple[str, str]]:
    """(device, kind of its source) of each disk of a domain."""
    spec = cloud.agent(host).hypervisor._domains.get(server)["spec"]  # type: ignore[attr-defined]
    return [(disk["device"], disk["source"]["kind"]) for disk in spec["disks"]]


def settle(cloud: Cloud) -> None:
    cloud.is_patient = True  # what waits is asked again
    cloud.settle()


def test_a_server_boots_from_a_volume_that_is_made_of_an_image(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    id = launch(nova, [of_image(image, delete_on_termination=True, tag="root")], version="2.42", networks="auto")
    settle(cloud)
    shown = nova.ok("get", f"servers/{id}")["server"]
    (volume,) = Volume.objects.all()
    assert (shown["status"], shown["image"]) == ("ACTIVE", "")
    assert shown["os-extended-volumes:volumes_attached"] == [{"id": volume.id, "delete_on_termination": True}]
    assert domain(cloud, id) == [("vda", "volume")]
    assert (red.show(volume.id)["status"], red.show(volume.id)["attachments"][0]["device"]) == ("in-use", "/dev/vda")
    assert cloud.agent("host1").storage.read_disks() == [], "its host keeps no root disk for it"
    for action in ({"os-stop": None}, {"os-start": None}, {"reboot": {"type": "HARD"}}):
        nova.ok("post", f"servers/{id}/action", action, status=202)
        cloud.settle()
        assert domain(cloud, id) == [("vda", "volume")], action
    nova.ok("delete", f"servers/{id}", status=204)
    settle(cloud)
    assert not Volume.objects.exists() and cloud.agent("host1").backends["fake"].read_volumes() == []


def test_a_server_boots_from_a_volume_that_was_there_and_leaves_it(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    volume = bootable(cloud, red, image)
    id = launch(nova, [{"source_type": "volume", "destination_type": "volume", "uuid": volume, "boot_index": "0"}])
    assert red.show(volume)["status"] == "reserved", "nobody else gets it meanwhile"
    settle(cloud)
    assert (nova.ok("get", f"servers/{id}")["server"]["status"], red.show(volume)["status"]) == ("ACTIVE", "in-use")
    refused = nova.ok("delete", f"servers/{id}/os-volume_attachments/{volume}", status=409)
    assert "root disk" in str(refused)
    nova.ok("delete", f"servers/{id}", status=204)
    settle(cloud)
    assert (red.show(volume)["status"], red.show(volume)["attachments"]) == ("available", [])


def test_a_server_has_an_image_on_its_host_and_volumes_beside_it(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    data = red.create()
    cloud.settle()
    snapshot = red.snapshot(data)
    cloud.settle()
    mappings = [
        {"source_type": "image", "destination_type": "local", "uuid": image.id, "boot_index": 0},
        {"source_type": "volume", "destination_type": "volume", "uuid": data},
        {"source_type": "snapshot", "destination_type": "volume", "uuid": snapshot, "boot_index": -1},
        {"source_type": "blank", "destination_type": "volume", "volume_size": 3, "boot_index": None},
    ]
    id = launch(nova, mappings, imageRef=image.id)
    settle(cloud)
    assert domain(cloud, id) == [("vda", "root"), ("vdb", "volume"), ("vdc", "volume"), ("vdd", "volume")]
    assert sorted(Volume.objects.values_list("status", "size")) == [("in-use", 1), ("in-use", 1), ("in-use", 3)]


def test_the_first_form_of_mappings_is_understood(cloud: Cloud, nova: Client, red: Volumes, image: Image) -> None:
    volume = bootable(cloud, red, image)
    first = [{"volume_id": volume, "device_name": "vda", "delete_on_termination": "1"}]
    id = launch(nova, first, form="block_device_mapping")
    settle(cloud)
    row = BlockDevice.objects.get(server_id=id)
    assert (row.volume_id, row.device, row.is_root, row.delete_on_termination) == (volume, "vda", True, True)


def test_a_server_goes_to_the_host_of_its_volume_or_has_it_from_there(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    host_with_backends(cloud, "host2", underlay_ip="10.0.0.2")
    volume = bootable(cloud, red, image)
    home = Volume.objects.get(id=volume).host
    mapping = [{"source_type": "volume", "destination_type": "volume", "uuid": volume, "boot_index": 0}]
    id = launch(nova, mapping)
    settle(cloud)
    assert Server.objects.get(id=id).host == home
    nova.ok("delete", f"servers/{id}", status=204)
    settle(cloud)
    Host.objects.filter(name=home).update(enabled=False)
    id = launch(nova, mapping)
    settle(cloud)
    other = Server.objects.get(id=id).host
    assert other not in ("", home) and domain(cloud, id, other) == [("vda", "network")]
    assert cloud.agent(home).exports.volumes() == [volume]
    nova.ok("delete", f"servers/{id}", status=204)
    settle(cloud)
    assert (cloud.agent(home).exports.volumes(), red.show(volume)["status"]) == ([], "available")


@pytest.mark.parametrize("verb", ["volume.ensure", "server.ensure"])
def test_a_launch_that_fails_says_why_and_keeps_no_volume_busy(
    cloud: Cloud, nova: Client, red: Volumes, image: Image, verb: str
) -> None:
    cloud.replies[verb] = lambda order: ("failed", {"code": "hypervisor_refused", "data": {"detail": "no luck"}})
    id = launch(nova, [of_image(image, delete_on_termination=True)])
    settle(cloud)
    shown = nova.ok("get", f"servers/{id}")["server"]
    assert shown["status"] == "ERROR" and "no luck" in shown["fault"]["message"]
    assert not Attachment.objects.exists()
    assert set(Volume.objects.values_list("status", flat=True)) <= {"available", "error"}
    nova.ok("delete", f"servers/{id}", status=204)
    settle(cloud)
    assert not Volume.objects.exists(), "what was to go with the server goes, also when it never ran"


def test_what_works_with_a_root_disk_alone_is_refused_with_a_way_out(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    id = launch(nova, [of_image(image)])
    settle(cloud)
    for action in ({"rebuild": {"imageRef": image.id}}, {"createImage": {"name": "x"}}, {"shelve": None}):
        refused = nova.ok("post", f"servers/{id}/action", action, status=400)
        assert "boots from a volume" in str(refused), action
    nova.ok("post", f"servers/{id}/action", {"resize": {"flavorRef": "small"}}, status=202)
    settle(cloud)
    nova.ok("post", f"servers/{id}/action", {"confirmResize": None}, status=204)
    settle(cloud)
    assert (nova.ok("get", f"servers/{id}")["server"]["status"], domain(cloud, id)) == ("ACTIVE", [("vda", "volume")])


def refusals(image: str, volume: str, plain: str) -> list[tuple[dict[str, Any], str]]:
    a_volume = {"source_type": "volume", "destination_type": "volume", "boot_index": 0}
    return [
        ({"block_device_mapping_v2": []}, "imageRef"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": UNKNOWN}]}, "failed to get volume"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": plain}]}, "not bootable"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": volume}], "imageRef": image}, "Boot sequence"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": volume}], "max_count": 2, "min_count": 2}, "multiple instances"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": volume}] * 2}, "Boot sequence"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": volume, "boot_index": -1}] * 2, "imageRef": image}, "twice"),
        ({"block_device_mapping_v2": [{**a_volume, "uuid": "x" * 40}]}, "uuid"),
        ({"block_device_mapping_v2": [{**a_volume, "source_type": "moon"}]}, "no mapping"),
        ({"block_device_mapping_v2": [{"source_type": "image", "destination_type": "volume", "uuid": image, "boot_index": 0}]}, "volume_size"),
        ({"block_device_mapping_v2": [{"source_type": "image", "destination_type": "volume", "uuid": image, "boot_index": 0, "volume_size": "²"}]}, "whole number"),
        ({"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 0}]}, "not bootable"),
        ({"block_device_mapping": [{"device_name": "vda"}]}, "volume_id"),
        ({"block_device_mapping": [{"volume_id": volume, "device_name": "vda"}], "block_device_mapping_v2": [{**a_volume, "uuid": volume}]}, "either"),
    ]  # fmt: skip


def test_bad_mappings_are_refused_with_the_reason_and_leave_nothing(
    cloud: Cloud, nova: Client, red: Volumes, image: Image
) -> None:
    volume, plain = bootable(cloud, red, image), red.create()
    cloud.settle()
    before = (Operation.objects.count(), Volume.objects.count())
    for body, reason in refusals(image.id, volume, plain):
        server = {"name": "one", "flavorRef": "tiny", **body}
        refused = nova.ok("post", "servers", {"server": server}, status=400)
        assert reason in str(refused), (body, refused)
    assert (Operation.objects.count(), Volume.objects.count()) == before
    assert not Server.objects.exists() and red.show(volume)["status"] == "available"


def test_another_projects_volume_is_nobodys_root(
    cloud: Cloud, nova: Client, client: Any, red: Volumes, image: Image
) -> None:
    blue = client("blue")
    volume = blue.create(imageRef=image.id)
    cloud.settle()
    mapping = [{"source_type": "volume", "destination_type": "volume", "uuid": volume, "boot_index": 0}]
    assert "failed to get volume" in str(ask(nova, mapping, status=400))


def test_a_volume_that_is_in_use_is_no_root(cloud: Cloud, nova: Client, red: Volumes, image: Image) -> None:
    volume = bootable(cloud, red, image)
    mapping = [{"source_type": "volume", "destination_type": "volume", "uuid": volume, "boot_index": 0}]
    launch(nova, mapping)
    assert "reserved" in str(ask(nova, mapping, status=400))
