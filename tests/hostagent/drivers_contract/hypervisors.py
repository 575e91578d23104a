"""What every hypervisor keeps to, as orders and answers: test_hypervisor.py runs it with the fake, tests/vm with libvirt.

The tests of one class share a guest and run in their order.
"""

from pathlib import Path
from typing import Any, Protocol

NETWORK = "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PORT = {
    "port_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
    "network_id": NETWORK,
    "mac": "fa:16:3e:00:00:01",
    "mtu": 1450,
}
OTHER_PORT = {**PORT, "port_id": "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee", "mac": "fa:16:3e:00:00:02"}
ROOT = {"device": "vda", "serial": "root", "source": {"kind": "root"}}
SPEC: dict[str, Any] = {
    "name": "instance-00000001", "vcpus": 1, "memory_mib": 128, "ports": [PORT], "disks": [ROOT], "power": "on",
    "config_drive": {"openstack/latest/meta_data.json": "e30="}, "metadata": {"name": "mine"},
}  # fmt: skip


class Orders(Protocol):
    """A host to which orders about one server go."""

    server_id: str

    def done(self, verb: str, **body: Any) -> dict[str, Any]:
        """The answer. A failure fails the test."""

    def failed(self, verb: str, **body: Any) -> str:
        """The code of the failure. A success fails the test."""

    def make_disk(self) -> None: ...

    def make_volume(self) -> Path:
        """A raw file of 16 MiB that the guest may be given."""

    def wait_for_guest(self) -> None:
        """Until the guest can hear that a device is to go."""


def state(host: Orders) -> str:
    return str(host.done("host.read")["servers"].get(host.server_id, "absent"))


class HypervisorContract:
    def test_a_domain_needs_its_disk(self, host: Orders) -> None:
        assert host.failed("server.ensure", **SPEC) == "not_found"
        assert state(host) == "absent"

    def test_a_domain_is_made_once_and_runs(self, host: Orders) -> None:
        host.make_disk()
        for _again in range(2):
            assert host.done("server.ensure", **SPEC) == {"state": "running"}
        assert state(host) == "running"
        host.wait_for_guest()

    def test_it_is_described_with_what_control_said_of_it(self, host: Orders) -> None:
        known = host.done("server.describe", server_ids=[host.server_id, UNKNOWN])["servers"]
        assert known[host.server_id]["state"] == "running" and host.server_id in known[host.server_id]["xml"]
        assert known[host.server_id]["record"] == {"name": "mine"}
        assert known[UNKNOWN] == {"state": "absent", "xml": "", "record": {}}

    def test_nothing_is_done_with_what_is_not_there(self, host: Orders) -> None:
        for verb in ("pause", "unpause", "suspend", "resume"):
            assert host.failed(f"server.{verb}", server_id=UNKNOWN) == "not_found"
        assert host.failed("server.stop", server_id=UNKNOWN, timeout=0) == "not_found"
        assert host.failed("server.reboot", server_id=UNKNOWN, hard=True) == "not_found"
        assert host.failed("server.attach_port", server_id=UNKNOWN, port=PORT) == "not_found"
        assert host.failed("server.snapshot", server_id=UNKNOWN, image_id="x", upload_path="/x") == "not_found"
        host.done("server.remove", server_id=UNKNOWN)

    def test_a_port_is_plugged_once_and_unplugged_twice(self, host: Orders) -> None:
        for _again in range(2):
            host.done("server.attach_port", port=OTHER_PORT)
        assert self.described(host).count(OTHER_PORT["mac"]) == 1
        for _again in range(2):
            host.done("server.detach_port", port=OTHER_PORT)
        assert OTHER_PORT["mac"] not in self.described(host)

    def test_a_disk_is_attached_once_and_detached_twice(self, host: Orders) -> None:
        where = {"kind": "file", "path": str(host.make_volume()), "format": "raw"}
        disk = {"device": "vdb", "serial": "volume-1", "source": where}
        for _again in range(2):
            host.done("server.attach_disk", disk=disk)
        assert self.described(host).count("volume-1") == 1
        for _again in range(2):
            host.done("server.detach_disk", disk=disk)
        assert "volume-1" not in self.described(host)

    def described(self, host: Orders) -> str:
        return str(host.done("server.describe", server_ids=[host.server_id])["servers"][host.server_id]["xml"])

    def test_a_running_guest_is_copied_and_runs_on(self, host: Orders) -> None:
        answer = host.done("server.snapshot", image_id="img", upload_path="/internal/images/img")
        assert answer["virtual_size"] == 2**30 and answer["size"] > 0 and len(answer["checksum"]) == 128
        assert state(host) == "running"

    def test_every_verb_of_power_may_be_repeated(self, host: Orders) -> None:
        for verb, ends in (("pause", "paused"), ("unpause", "running"), ("suspend", "saved"), ("resume", "running")):
            for _again in range(2):
                assert host.done(f"server.{verb}") == {"state": ends}, verb
            assert state(host) == ends
        assert host.done("server.reboot", hard=True) == {"state": "running"}
        for _again in range(2):
            assert host.done("server.stop", timeout=0) == {"state": "shutoff"}
        assert host.done("server.ensure", **SPEC) == {"state": "running"}

    def test_a_domain_may_be_described_anew_and_off(self, host: Orders) -> None:
        larger = {**SPEC, "memory_mib": 160, "power": "off"}
        assert host.done("server.ensure", **larger) == {"state": "shutoff"}
        assert host.done("server.ensure", **{**larger, "power": "on"}) == {"state": "running"}

    def test_what_is_put_aside_comes_back_and_does_not_run(self, host: Orders) -> None:
        note = host.done("setaside.put", why="a test")
        assert note["record"] == {"name": "mine"} and state(host) == "absent"
        assert host.server_id not in host.done("host.read")["disks"]
        host.done("setaside.back", id=note["id"])
        assert state(host) == "shutoff" and host.server_id in host.done("host.read")["disks"]

    def test_what_is_removed_is_gone_and_may_be_removed_again(self, host: Orders) -> None:
        for _again in range(2):
            host.done("server.remove")
            host.done("disk.remove")
        found = host.done("host.read")
        assert host.server_id not in found["servers"] and host.server_id not in found["disks"]
        assert host.failed("server.pause") == "not_found"
