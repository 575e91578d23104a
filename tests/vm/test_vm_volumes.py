"""Volumes in real guests: what one wrote is read by another, also of a snapshot and on another host, and nothing of it stays."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.live import LiveCloud
from tests.rest import COMPUTE, IMAGE, NETWORK, Rest, until
from tests.vm.test_vm_two_hosts import build_network
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
    partitions = lambda: shell.run(address, "cat /proc/partitions", check=False).stdout  # noqa: E731
    until(lambda: "vdb2" in partitions(), 30, "the guest has read the image's partitions")

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


def test_a_guest_boots_from_a_volume_which_outlives_it(cloud: LiveCloud, tmp_path: Path) -> None:
    """The main job: a server booted from a volume made from an image; what it wrote is there for the next that boots from it."""
    rest, shell = Rest(cloud), Shell(cloud, tmp_path)
    key = {"keypair": {"name": "rooted", "public_key": shell.public}}
    rest.ok("POST", f"{COMPUTE}/os-keypairs", key, version="2.1")
    group = open_port(rest, "rooted")
    image = rest.named(f"{IMAGE}/images", "images", "demo")
    common = {"key_name": "rooted", "security_groups": [{"name": "rooted"}], "imageRef": ""}
    root = {"destination_type": "volume", "boot_index": 0}
    mapping = [{**root, "source_type": "image", "uuid": image, "volume_size": 1}]
    one = rest.boot("rooted-one", block_device_mapping_v2=mapping, **common)
    rest.until(one, "ACTIVE", seconds=BOOT)
    ip_id, address = float_ip(rest, one)
    shell.reach(address)
    assert shell.run(address, "echo kept > mark && sync && ls /sys/block").stdout.split() == ["vda"]
    rest.act(one, {"reboot": {"type": "HARD"}})
    rest.until(one, "ACTIVE", seconds=BOOT)
    shell.reach(address)
    (volume,) = rest.ok("GET", f"{VOLUME}/volumes")["volumes"]
    rest.ok("DELETE", f"{NETWORK}/floatingips/{ip_id}")
    rest.delete(one)
    until(lambda: status(rest, volume["id"]) == "available", 60, "the volume free")

    mapping = [{**root, "source_type": "volume", "uuid": volume["id"], "delete_on_termination": True}]
    two = rest.boot("rooted-two", block_device_mapping_v2=mapping, **common)
    rest.until(two, "ACTIVE", seconds=BOOT)
    ip_id, address = float_ip(rest, two)
    shell.reach(address)
    assert shell.run(address, "cat mark; hostname").stdout.split() == ["kept", "rooted-two"]
    rest.delete(two)
    until(lambda: rest.ok("GET", f"{VOLUME}/volumes")["volumes"] == [], 60, "no volume")
    rest.ok("DELETE", f"{NETWORK}/floatingips/{ip_id}")
    rest.ok("DELETE", f"{NETWORK}/security-groups/{group}")
    rest.ok("DELETE", f"{COMPUTE}/os-keypairs/rooted", version="2.1")


# ── On another host ─────────────────────────────────────────────────────────────────────────────────────────────────

#: Writes numbered blocks behind the file system, round and round, each onto the disk before it is noted as acknowledged.
WRITER = """i=0
while [ ! -e /tmp/stop ]; do
  i=$((i + 1))
  printf '%08d' $i | sudo dd of=/dev/vdb bs=4096 seek=$((30000 + i % 32)) conv=sync,fsync,notrunc 2>/dev/null || { echo failed $i >> /tmp/failed; continue; }
  echo $i > /tmp/acked.new && mv /tmp/acked.new /tmp/acked
done"""


def daemon(program: str, volume: str) -> int:
    """The number of the process that gives a volume out."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            words = (entry / "cmdline").read_bytes().split(b"\0") if (entry / "cmdline").exists() else []
            if words and words[0].endswith(program.encode()) and any(volume.encode() in word for word in words):
                return int(entry.name)
    raise AssertionError(f"no {program} of volume {volume}")


def acked(shell: Shell, address: str) -> int:
    said = shell.run(address, "cat /tmp/acked 2>/dev/null || echo 0", check=False).stdout.split()
    return int(said[0]) if said and said[0].isdigit() else 0


@pytest.mark.slow
def test_a_volume_goes_to_a_guest_on_another_host_and_loses_nothing(two_hosts: LiveCloud, tmp_path: Path) -> None:
    """The main job's second part: write, detach, attach on the other host, kills in mid-write, read."""
    rest, shell = Rest(two_hosts, "admin"), Shell(two_hosts, tmp_path)
    rest.ok("POST", f"{NETWORK}/networks", {"network": {"name": "apart"}})
    network = rest.named(f"{NETWORK}/networks", "networks", "apart")
    build_network(rest, network)
    rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "apart", "public_key": shell.public}}, version="2.1")
    open_port(rest, "apart")
    data = make(rest, name="data")
    home = rest.ok("GET", f"{VOLUME}/volumes/{data}")["volume"]["os-vol-host-attr:host"].partition("@")[0]
    away = {"host1": "host2", "host2": "host1"}[home]
    common = {"network": network, "key_name": "apart", "security_groups": [{"name": "apart"}]}
    servers = {host: rest.boot(f"at-{host}", availability_zone=f"nova:{host}", **common) for host in (home, away)}
    addresses = {}
    for host, server in servers.items():
        rest.until(server, "ACTIVE", seconds=BOOT)
        addresses[host] = float_ip(rest, server)[1]
        shell.reach(addresses[host])

    attach(rest, servers[home], data)
    shell.run(
        addresses[home],
        "sudo mkfs.ext2 /dev/vdb 65536 >/dev/null && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/file && sudo umount /mnt",
    )
    detach(rest, servers[home], data)
    attach(rest, servers[away], data)
    there = addresses[away]
    until(lambda: "vdb" in shell.run(there, "ls /sys/block", check=False).stdout, 30, "the disk on the other host")
    read = "sudo mount -o ro /dev/vdb /mnt && cat /mnt/file; sudo umount /mnt"
    assert shell.run(there, read).stdout.strip() == "kept"

    shell.run(there, f"cat > /tmp/writer <<'X'\n{WRITER}\nX\nsetsid sh /tmp/writer </dev/null >/dev/null 2>&1 &")
    for number, program in enumerate(("qemu-storage-daemon", "tgtd") * 2):
        before = acked(shell, there)
        until(lambda: acked(shell, there) > before + 2, 60, "the guest writes")  # noqa: B023
        time.sleep(0.1 * number)
        os.kill(daemon(program, data), signal.SIGKILL)
        before = acked(shell, there)
        until(lambda: acked(shell, there) > before + 2, 90, f"the guest writes on after {program} was killed")  # noqa: B023
    shell.run(there, "touch /tmp/stop; sleep 3; test ! -e /tmp/failed")
    last = acked(shell, there)
    assert rest.ok("GET", f"{COMPUTE}/servers/{servers[away]}")["server"]["status"] == "ACTIVE"
    detach(rest, servers[away], data)

    attach(rest, servers[home], data)
    found = shell.run(
        addresses[home], "sudo dd if=/dev/vdb bs=4096 skip=30000 count=32 2>/dev/null | tr -d '\\000' | fold -w 8"
    ).stdout
    numbers = sorted(int(word) for word in found.split())
    assert last > 32 and numbers[-1] in (last, last + 1), "the last may have been written and not been noted"
    assert numbers == list(range(numbers[-1] - 31, numbers[-1] + 1)), (
        "each block holds the number that was written there last"
    )
    assert shell.run(addresses[home], read).stdout.strip() == "kept"
    detach(rest, servers[home], data)
    for server in servers.values():
        rest.delete(server)
    rest.ok("DELETE", f"{VOLUME}/volumes/{data}")
    until(lambda: rest.ok("GET", f"{VOLUME}/volumes")["volumes"] == [], 60, "no volume")
    done = lambda: two_hosts.manage("doctor", "--json", check=False).returncode == 0  # noqa: E731
    until(done, 40, "doctor finds nothing")
