"""Volumes in real guests: what one wrote is read by another, also of a snapshot, and nothing of it stays."""

from pathlib import Path

import pytest

from tests.live import LiveCloud
from tests.rest import COMPUTE, IMAGE, NETWORK, Rest, until
from tests.vm.test_vm_walk import BOOT, Shell, float_ip, open_port

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]
VOLUME = "/api/volume/v3"


def status(rest: Rest, id: str, kind: str = "volume") -> str:
    return str(rest.ok("GET", f"{VOLUME}/{kind}s/{id}")[kind]["status"])


def make(rest: Rest, **values: object) -> str:
    id = str(rest.ok("POST", f"{VOLUME}/volumes", {"volume": {"size": 1, **values}})["volume"]["id"])
    until(lambda: status(rest, id) == "available", 60, f"volume {values} available")
    return id


def attach(rest: Rest, server: str, volume: str) -> None:
    rest.ok("POST", f"{COMPUTE}/servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    until(lambda: status(rest, volume) == "in-use", 60, "the volume in use")


def detach(rest: Rest, server: str, volume: str) -> None:
    rest.ok("DELETE", f"{COMPUTE}/servers/{server}/os-volume_attachments/{volume}")
    until(lambda: status(rest, volume) == "available", 90, "the volume free")


def test_what_a_guest_wrote_is_there_for_the_next(cloud: LiveCloud, tmp_path: Path) -> None:
    """The main job on one host: create, attach, a file system and a file, snapshot, another guest, a bootable one of an image."""
    rest, shell = Rest(cloud), Shell(cloud, tmp_path)
    rest.ok(
        "POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "volumes", "public_key": shell.public}}, version="2.1"
    )
    group = open_port(rest, "volumes")
    one = rest.boot("volumes-one", key_name="volumes", security_groups=[{"name": "volumes"}])
    rest.until(one, "ACTIVE", seconds=BOOT)
    ip_id, address = float_ip(rest, one)
    shell.reach(address)

    data = make(rest, name="data")
    attach(rest, one, data)
    until(
        lambda: shell.run(address, "cat /sys/block/vdb/serial", check=False).stdout.strip() == data[:20], 30, "the disk"
    )
    write = "sudo mkfs.ext2 /dev/vdb >/dev/null && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/file && sudo umount /mnt"
    shell.run(address, write)
    rest.act(one, {"reboot": {"type": "HARD"}})
    rest.until(one, "ACTIVE", seconds=BOOT)
    shell.reach(address)
    read = "sudo mount -o ro {} /mnt && cat /mnt/file; sudo umount /mnt"
    assert shell.run(address, read.format("/dev/vdb")).stdout.strip() == "kept", "the volume stays over a reboot"
    detach(rest, one, data)
    assert shell.run(address, "ls /sys/block").stdout.split() == ["vda"]

    snapshot = str(rest.ok("POST", f"{VOLUME}/snapshots", {"snapshot": {"volume_id": data}})["snapshot"]["id"])
    until(lambda: status(rest, snapshot, "snapshot") == "available", 60, "the snapshot")
    copy = make(rest, name="copy", snapshot_id=snapshot, size=2)
    attach(rest, one, copy)
    shell.run(address, "sudo mount /dev/vdb /mnt && echo other | sudo tee /mnt/file && sudo umount /mnt")
    detach(rest, one, copy)
    attach(rest, one, data)
    assert shell.run(address, read.format("/dev/vdb")).stdout.strip() == "kept", "a copy is a volume of its own"
    detach(rest, one, data)

    image = rest.named(f"{IMAGE}/images", "images", "demo")
    of_image = make(rest, name="bootable", imageRef=image)
    assert rest.ok("GET", f"{VOLUME}/volumes/{of_image}")["volume"]["bootable"] == "true"
    attach(rest, one, of_image)
    assert "vdb2" in shell.run(address, "cat /proc/partitions").stdout, "it has the image's partitions"

    rest.delete(one)
    until(lambda: status(rest, of_image) == "available", 60, "the volume of a server that is gone")
    rest.ok("DELETE", f"{VOLUME}/snapshots/{snapshot}")
    until(lambda: rest.ok("GET", f"{VOLUME}/snapshots")["snapshots"] == [], 60, "no snapshot")
    for id in (data, copy, of_image):
        rest.ok("DELETE", f"{VOLUME}/volumes/{id}")
    until(lambda: rest.ok("GET", f"{VOLUME}/volumes")["volumes"] == [], 60, "no volume")
    assert list((cloud.data / "hosts" / "host1" / "backends" / "file" / "volumes").iterdir()) == []
    rest.ok("DELETE", f"{NETWORK}/floatingips/{ip_id}")
    rest.ok("DELETE", f"{NETWORK}/security-groups/{group}")
    rest.ok("DELETE", f"{COMPUTE}/os-keypairs/volumes", version="2.1")
