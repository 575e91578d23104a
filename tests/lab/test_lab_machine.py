"""A host that is the machine itself. The machine is a namespace here, made for the test and removed by it."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostagent.machine import namespaces, real_machine
from hostagent.machine.pinned_namespaces import CannotBuild, Cloud

pytestmark = pytest.mark.lab


class Machine:
    def __init__(self, place: Path, name: str) -> None:
        self.name = name
        self.place = place
        self.clouds: list[Cloud] = []

    def cloud(self, word: str = "one") -> Cloud:
        found = Cloud(self.place / word, Path(f"/run/stackling/{self.name}-{word}"))
        self.clouds.append(found)
        return found

    def run(self, *command: str) -> str:
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command], check=True, capture_output=True, text=True
        ).stdout

    def up(self, cloud: Cloud, *, mode: str = "machine", underlay_ip: str = "127.0.0.1") -> dict[str, object]:
        return namespaces.up(
            cloud,
            ["host1"],
            netns=self.name,
            external="172.24.9.0/24",
            nat_out=False,
            mode=mode,
            underlay_ip=underlay_ip,
        )

    def links(self) -> set[str]:
        return {link["ifname"] for link in json.loads(self.run("ip", "-j", "link", "show"))}

    def addresses(self, link: str) -> list[str]:
        return [a["local"] for a in json.loads(self.run("ip", "-j", "-4", "addr", "show", "dev", link))[0]["addr_info"]]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Machine]:
    name = f"machine-{uuid.uuid4().hex[:6]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    made = Machine(tmp_path, name)
    made.run("ip", "link", "set", "lo", "up")
    try:
        yield made
    finally:
        for cloud in made.clouds:
            namespaces.down(cloud)
            subprocess.run(["rm", "-rf", "--one-file-system", str(cloud.run)], check=True)
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_the_host_shares_the_machines_links_and_has_mounts_of_its_own(ground: Machine) -> None:
    cloud = ground.cloud()
    status = ground.up(cloud, underlay_ip="192.0.2.7")
    host = status["hosts"]["host1"]  # type: ignore[index]
    assert host["underlay_ip"] == "192.0.2.7"
    line = namespaces.entering(cloud, "host1", ["readlink", "/proc/self/ns/net", "/proc/self/ns/mnt"])
    net, mounts = subprocess.run(line, check=True, capture_output=True, text=True).stdout.split()
    assert net == ground.run("readlink", "/proc/self/ns/net").strip()
    assert mounts != ground.run("readlink", "/proc/self/ns/mnt").strip()
    assert ground.links() == {"lo", "br-ex"}
    assert ground.addresses("br-ex") == ["172.24.9.1"]
    assert ground.up(cloud)["hosts"]["host1"]["up"], "a second start finds it"  # type: ignore[index]


def test_what_is_ours_goes_and_what_was_there_stays(ground: Machine) -> None:
    for name in ("tap0", "brqueen", "br-lan"):
        ground.run("ip", "link", "add", name, "type", "bridge")
    ground.run("nft", "add table ip theirs")
    cloud = ground.cloud()
    ground.up(cloud)
    for name in ("brq01234567-89", "vx-01234567-89"):
        ground.run("ip", "link", "add", name, "type", "bridge")
    for table in ("inet stackling_state", "bridge stackling_groups"):
        ground.run("nft", f"add table {table}")
    namespaces.down(cloud)
    assert ground.links() == {"lo", "tap0", "brqueen", "br-lan"}
    assert ground.run("nft", "list", "tables").split() == ["table", "ip", "theirs"]


def test_an_operators_own_external_bridge_is_used_and_left_as_it_is(ground: Machine) -> None:
    ground.run("ip", "link", "add", "br-ex", "type", "bridge")
    ground.run("ip", "addr", "add", "198.51.100.4/24", "dev", "br-ex")
    cloud = ground.cloud()
    ground.up(cloud)
    assert ground.addresses("br-ex") == ["198.51.100.4"]
    namespaces.down(cloud)
    assert "br-ex" in ground.links()


def test_a_second_cloud_on_one_machine_is_refused(ground: Machine) -> None:
    ground.up(ground.cloud("one"))
    second = ground.cloud("two")
    with pytest.raises(CannotBuild, match="Another cloud has its networks on this machine"):
        ground.up(second)
    assert not second.record.exists()
    assert "br-ex" in ground.links()


def test_neutrons_bridges_are_refused_too(ground: Machine) -> None:
    ground.run("ip", "link", "add", "brq01234567-89", "type", "bridge")
    with pytest.raises(CannotBuild, match="brq01234567-89"):
        ground.up(ground.cloud())
    assert "brq01234567-89" in ground.links()


def test_hosts_do_not_change_their_kind(ground: Machine) -> None:
    cloud = ground.cloud()
    ground.up(cloud)
    with pytest.raises(CannotBuild, match="make clean"):
        ground.up(cloud, mode="namespace")


def test_a_firewall_that_would_stop_guests_is_named_with_its_remedy(ground: Machine) -> None:
    cloud = ground.cloud()
    assert ground.up(cloud)["notices"] == []
    ground.run(
        "nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"
    )
    ground.run("ip", "link", "add", "br-lan", "type", "bridge")
    ground.run("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "far0")
    ground.run("ip", "link", "set", "tap0", "master", "br-lan")
    taps, firewall = ground.up(cloud)["notices"]  # type: ignore[misc]
    assert "tap0" in taps
    remedy = firewall.partition("`")[2].partition("`")[0]
    ground.run(*remedy.split(" ", 1))  # the line it gives is one that nft takes
    assert 'iifname "brq*"' in ground.run("nft", "list", "ruleset")
    assert real_machine.OURS.fullmatch("tap01234567-89")
