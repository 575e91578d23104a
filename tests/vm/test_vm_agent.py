"""A real guest under one real agent, with everything killed that can be killed."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostagent.machine import guest_users, namespaces
from images.demo.build import build
from tests import confined
from tests.live import DEMO_CACHE
from tests.vm.agent_world import HOST, NETWORK, SERVER, AgentWorld, Internal

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]

PORT = {
    "port_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
    "network_id": NETWORK,
    "mac": "fa:16:3e:00:00:01",
    "mtu": 1450,
}
SPEC: dict[str, Any] = {
    "name": "instance-00000001",
    "vcpus": 1,
    "memory_mib": 128,
    "ports": [PORT],
    "disks": [{"device": "vda", "serial": "root", "source": {"kind": "root"}}],
    "power": "on",
    "config_drive": {"openstack/latest/meta_data.json": "e30="},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentWorld]:
    image = build(DEMO_CACHE).images["demo"]
    with AgentWorld(tmp_path_factory.mktemp("agent"), image) as found:
        yield found


def console(world: AgentWorld, kind: str) -> socket.socket:
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(20)
    end.connect(str(world.sockets / f"{kind}-{SERVER}.sock"))
    return end


def state(world: AgentWorld) -> str:
    """Of the guest's domain, as the host tells it."""
    return str(world.order("host.read")["servers"].get(SERVER, "absent"))


def read(source: socket.socket, until: bytes) -> bytes:
    got = b""
    while until not in got:
        piece = source.recv(4096)
        assert piece, f"the console closed after {got[-200:]!r}"
        got += piece
    return got


def test_1_a_guest_boots_speaks_and_is_logged(world: AgentWorld) -> None:
    disk = world.order("disk.ensure", image=world.image, size_gib=1)
    assert disk["cached"] is False
    assert world.order("server.ensure", **SPEC)["state"] == "running"
    began = time.monotonic()
    assert world.order("server.ensure", **SPEC)["state"] == "running"
    assert time.monotonic() - began < 0.5, "it is asked again and does nothing"
    world.event("login", server_id=SERVER, seconds=90)
    path, end = f"/internal/servers/{SERVER}/log", time.monotonic() + 10
    while path not in Internal.kept:
        assert time.monotonic() < end, "control never got the log"
        time.sleep(0.05)
    log = bytes(Internal.kept[path])
    assert log and (world.hosts / "consoles" / f"{SERVER}.log").read_bytes().startswith(log)
    assert console(world, "vnc").recv(12) == b"RFB 003.008\n"


def test_1b_what_runs_here_is_confined(world: AgentWorld) -> None:
    """A5: QEMU is a user of its own with no capability, and no daemon of the host holds more than its row says."""
    pids = namespaces.processes_in({Path(f"{world.run}/ns/{HOST}/mnt").stat().st_ino})
    found = [process for pid in pids if pid != world.agent.pid and (process := confined.read(pid))]
    assert {"libvirtd", "virtlogd"} <= {process.name for process in found}
    [qemu] = [process for process in found if process.name.startswith("qemu")]
    assert qemu.uids == {guest_users.uid(SERVER)}
    assert qemu.status["Groups"].split() in ([], [str(guest_users.gid())])
    assert qemu.status["Seccomp"] == "2"
    assert [fault for process in found for fault in confined.faults(process, [world.key])] == []


def test_1c_nobody_reads_what_is_a_guests(world: AgentWorld) -> None:
    """A6: nothing of the host's data may be read by others, nor by another guest but what all share."""
    assert confined.readable(world.hosts, uid=65534) == []
    other = guest_users.uid("another")
    seen = [
        path.relative_to(world.hosts) for path in confined.readable(world.hosts, uid=other, gids=[guest_users.gid()])
    ]
    assert seen and all(path.parts[0] in ("cache", "proof") for path in seen)
    assert not [path for path in world.hosts.rglob("*") if confined.may(path, "w", uid=65534) and not path.is_symlink()]
    assert confined.readable(world.sockets, uid=other) == []


def test_2_guest_and_consoles_survive_libvirtd_and_the_agent(world: AgentWorld) -> None:
    for _ in range(10):  # one that is dying may still accept: one order in ten met that
        world.kill_libvirtd()
        assert state(world) == "running"
    world.kill_agent()
    world.start_agent()
    world.until(lambda report: report["kind"] == "hello")
    assert state(world) == "running"
    with console(world, "serial") as serial:
        read(serial, b"login: ")
        serial.sendall(b"\r")
        read(serial, b"login: ")


def test_3_devices_come_and_go_while_it_runs(world: AgentWorld) -> None:
    volume = world.data / "volume.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(volume), "64M"], check=True)
    disk = {"device": "vdb", "serial": "vol-1", "source": {"kind": "file", "path": str(volume), "format": "qcow2"}}
    port = {**PORT, "port_id": "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee", "mac": "fa:16:3e:00:00:02"}
    for _ in range(2):
        world.order("server.attach_disk", disk=disk)
        world.order("server.attach_port", port=port)
    assert "vol-1" in world.inside("virsh", "dumpxml", SPEC["name"])
    for _ in range(2):
        world.order("server.detach_disk", disk=disk)
        world.order("server.detach_port", port=port)
    for inactive in ((), ("--inactive",)):
        xml = world.inside("virsh", "dumpxml", SPEC["name"], *inactive)
        assert "vol-1" not in xml
        assert port["mac"] not in xml


def test_3_a_disk_that_a_service_gives_out_is_read_by_the_guest(world: AgentWorld) -> None:
    """Location "network": QEMU itself asks the service, here NBD on a unix socket."""
    volume, place = world.data / "export.raw", world.sockets / "export.sock"
    volume.write_bytes(bytes(2**24))
    serve = ["qemu-nbd", "-t", "-k", str(place), "-x", "one", "-f", "raw", str(volume)]
    service = subprocess.Popen(serve)
    try:
        end = time.monotonic() + 20
        while not place.exists():
            assert time.monotonic() < end, "the service never listened"
            time.sleep(0.05)
        place.chmod(0o666)
        where = {"kind": "network", "protocol": "nbd", "name": "one", "hosts": [{"socket": str(place)}]}
        disk = {"device": "vdb", "serial": "net-1", "source": where}
        for _ in range(2):
            world.order("server.attach_disk", disk=disk)
        xml = world.inside("virsh", "dumpxml", SPEC["name"])
        assert "net-1" in xml and "protocol='nbd'" in xml
        end = time.monotonic() + 60
        while "rd_req 0" in (said := world.inside("virsh", "domblkstat", SPEC["name"], "vdb")):
            assert time.monotonic() < end, f"the guest never read its disk: {said}"
            time.sleep(0.5)
        for _ in range(2):
            world.order("server.detach_disk", disk=disk)
        assert "net-1" not in world.inside("virsh", "dumpxml", SPEC["name"])
    finally:
        service.terminate()
        service.wait(10)


def test_4_a_snapshot_that_was_interrupted_is_made_after_all(world: AgentWorld) -> None:
    disks = world.hosts / "disks" / SERVER
    world.send("server.snapshot", image_id="img", upload_path="/internal/images/img")
    end = time.monotonic() + 20
    while not list(disks.glob("snapshot-*")):
        assert time.monotonic() < end, "the snapshot never began"
        time.sleep(0.002)
    world.kill_agent()
    world.start_agent()
    world.until(lambda report: report["kind"] == "hello")
    answer = world.order("server.snapshot", image_id="img", upload_path="/internal/images/img")
    assert answer["virtual_size"] == 2**30
    assert len(Internal.kept["/internal/images/img"]) == answer["size"]
    assert sorted(path.name for path in disks.iterdir()) == ["config.iso", "root.qcow2"]
    assert state(world) == "running"


def see_that_it_runs(world: AgentWorld) -> None:
    """The guest of test_1, or its like where a test runs without that one (`make test-slow` runs the slow ones alone)."""
    if state(world) != "running":
        world.order("disk.ensure", image=world.image, size_gib=1)
        assert world.order("server.ensure", **SPEC)["state"] == "running"
        world.event("login", server_id=SERVER, seconds=240)


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.parametrize("when", ["on its overlay", "while it comes back"])
def test_4a_a_power_cut_in_a_snapshot_loses_nothing(world: AgentWorld, when: str) -> None:
    """C8: agent, QEMU and libvirtd die at once, as with the host's power; the guest starts from what it wrote last."""
    see_that_it_runs(world)
    disks = world.hosts / "disks" / SERVER
    world.send("server.snapshot", image_id=f"cut-{when[-4:]}", upload_path="/internal/images/cut")
    until = (lambda: (disks / "overlays.json").exists() and "true" in (disks / "overlays.json").read_text()) if (
        when == "while it comes back") else (lambda: bool(list(disks.glob("snapshot-*.qcow2"))))  # fmt: skip
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "the snapshot never came so far"
        time.sleep(0.001)
    world.kill_agent()
    [qemu] = subprocess.run(
        ["pgrep", "-f", f"guest={SPEC['name']}.*{world.data}"], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(qemu), signal.SIGKILL)
    world.kill_libvirtd()
    had = when == "on its overlay"  # while it comes back it is held still, and writes nothing
    for overlay in disks.glob("snapshot-*.qcow2") if had else ():  # as if the guest had written this a moment ago
        write = ["qemu-io", "-f", "qcow2", "-c", "write -P 171 1000M 64k", str(overlay)]
        while subprocess.run(write).returncode:  # what was killed lets go of its files a moment later
            assert time.monotonic() < end, "somebody uses the disk still"
            time.sleep(0.1)
    world.start_agent()
    world.until(lambda report: report["kind"] == "hello")
    assert world.order("server.ensure", **SPEC)["state"] == "running"
    assert "snapshot-" not in world.inside("virsh", "dumpxml", SPEC["name"])
    assert not list(disks.glob("snapshot-*")) and not (disks / "overlays.json").exists()
    world.event("login", seconds=240)
    world.order("server.stop", timeout=20)
    if had:
        command = ["qemu-io", "-f", "qcow2", "-c", "read -P 171 1000M 64k", str(disks / "root.qcow2")]
        assert "failed" not in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert world.order("server.ensure", **SPEC)["state"] == "running"
    world.event("login", seconds=240)


def test_5_power_in_every_way(world: AgentWorld) -> None:
    states = [world.order(f"server.{verb}")["state"] for verb in ("pause", "unpause", "suspend", "resume")]
    assert states == ["paused", "running", "saved", "running"]
    [qemu] = subprocess.run(
        ["pgrep", "-f", f"guest={SPEC['name']}.*{world.data}"], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(qemu), signal.SIGKILL)
    world.event("state", server_id=SERVER, state="shutoff", seconds=15)
    assert world.order("server.ensure", **SPEC)["state"] == "running"
    world.event("login", seconds=90)
    assert world.order("server.stop", timeout=40)["state"] == "shutoff"
    assert world.order("server.reboot", hard=True)["state"] == "running"


@pytest.mark.parametrize("seconds", [0.02, 0.08, 0.14, 0.2, 0.26, 0.32])
def test_6_a_guest_starts_though_libvirtd_is_killed_over_it(world: AgentWorld, seconds: float) -> None:
    world.order("server.stop", timeout=0)
    operation = world.send("server.ensure", **SPEC)
    time.sleep(seconds)
    world.kill_libvirtd()
    assert world.answer(operation)["state"] == "running"


def test_7_nothing_is_left_and_viewers_are_cut(world: AgentWorld) -> None:
    with console(world, "serial") as serial, console(world, "vnc") as vnc:
        vnc.recv(12)
        world.order("server.remove")
        assert vnc.recv(1) == b""
        while serial.recv(4096):
            continue
    world.order("server.remove")
    world.order("disk.remove")
    facts = world.order("host.read")
    assert (facts["servers"], facts["disks"], facts["taps"]) == ({}, [], [])
    assert [path.name for path in Path(world.sockets).iterdir() if SERVER in path.name] == []
