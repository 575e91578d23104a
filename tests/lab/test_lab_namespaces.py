"""Hosts in namespaces: made, entered again, refused, removed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hostagent.machine import namespaces, outside
from hostagent.machine.pinned_namespaces import CannotBuild, Cloud
from tests.lab.world import World, eventually

pytestmark = pytest.mark.lab


def test_up_again_finds_the_same_hosts_and_adds_what_is_new(world: World) -> None:
    host = world.hosts["host1"]
    before = host.run("readlink", "/proc/self/ns/net", "/proc/self/ns/mnt").stdout
    status = namespaces.up(host.cloud, ["host1", "host3"], netns=world.outer, external="172.24.9.0/24", nat_out=False)
    assert host.run("readlink", "/proc/self/ns/net", "/proc/self/ns/mnt").stdout == before
    assert {name: facts["up"] for name, facts in status["hosts"].items()} == {
        "host1": True,
        "host2": True,
        "host3": True,
    }
    assert host.run("ping", "-c", "1", "-W", "1", status["hosts"]["host3"]["underlay_ip"]).returncode == 0
    assert "under0" in host.run("ls", "/sys/class/net").stdout


def test_a_range_that_is_taken_is_refused_with_its_remedy(world: World, tmp_path) -> None:
    other = Cloud(tmp_path / "data", tmp_path / "run")
    with pytest.raises(CannotBuild, match="STACKLING_EXTERNAL_CIDR"):
        namespaces.up(other, ["host1"], netns=world.outer, external="172.24.0.0/16", nat_out=False)
    assert not other.record.exists()


@contextmanager
def far_side(world: World) -> Iterator[str]:
    """A machine beyond the outer namespace that knows no way back but to the outer namespace itself."""
    far = f"{world.outer}-far"
    commands = [
        f"netns add {far}",
        f"-n {world.outer} link add far0 type veth peer name far1 netns {far}",
        f"-n {world.outer} addr add 203.0.113.1/24 dev far0",
        f"-n {world.outer} link set far0 up",
        f"-n {far} addr add 203.0.113.2/24 dev far1",
        f"-n {far} link set far1 up",
    ]
    try:
        for command in commands:
            subprocess.run(["ip", *command.split()], check=True)
        yield "203.0.113.2"
    finally:
        subprocess.run(["ip", "netns", "del", far], check=True)


def test_nat_out_translates_in_a_table_of_its_own_and_down_takes_it_away(world: World) -> None:
    cloud = world.hosts["host1"].cloud
    namespaces.up(cloud, ["host1"], netns=world.outer, external="172.24.9.0/24", nat_out=True)
    assert f"table ip stackling_{cloud.id}" in world.outside("nft", "list", "ruleset").stdout
    port = world.add_port("host1", "192.168.77.11")
    world.rules = [world.rule("egress")]
    world.apply()
    guest = world.plug("host1", port)
    assert guest.dhcp()
    with far_side(world) as address:
        assert eventually(lambda: guest.reaches(address))
    namespaces.up(cloud, ["host1"], netns=world.outer, external="172.24.9.0/24", nat_out=False)
    assert "masquerade" not in world.outside("nft", "list", "ruleset").stdout


def test_down_ends_what_runs_on_the_hosts_and_leaves_nothing(world: World) -> None:
    host = world.hosts["host1"]
    guest = subprocess.Popen(host.line("sleep", "300"))
    for each in world.hosts.values():
        each.stop_agent(kill=True)
    namespaces.down(host.cloud)
    assert guest.wait(10) != 0
    assert not host.cloud.pinned.exists()
    mounts = subprocess.run(["cat", "/proc/self/mountinfo"], capture_output=True, text=True, check=True).stdout
    assert str(host.cloud.run) not in mounts
    assert world.outer not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    namespaces.down(host.cloud)


def test_a_namespace_that_was_given_has_its_loopback_up(request: pytest.FixtureRequest) -> None:
    """The reverse proxy listens on 127.0.0.1 in it, and could not bind."""
    name = f"stk-given-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    request.addfinalizer(lambda: subprocess.run(["ip", "netns", "del", name], check=True))
    path, made = outside.outer_namespace(name, make=True)
    assert path is not None and not made  # not ours to remove
    shown = subprocess.run(["ip", "-n", name, "-br", "address", "show", "lo"], capture_output=True, text=True)
    assert "127.0.0.1" in shown.stdout
