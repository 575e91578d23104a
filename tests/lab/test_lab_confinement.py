"""A5: what serves guests on a host is neither root nor more than its row of the table; its files are its own."""

import subprocess

import pytest

from hostagent.machine import accounts, confinement, namespaces
from tests import confined
from tests.lab.world import World, eventually

pytestmark = pytest.mark.lab


def daemons_of(world: World, host: str = "host1") -> list[confined.Process]:
    """All processes on the host but the agent and who runs a command in it."""
    cloud = world.hosts[host].cloud
    agent = world.hosts[host].agent
    pids = namespaces.processes_in({cloud.mnt(host).stat().st_ino})
    found = [confined.read(pid) for pid in pids if agent is None or pid != agent.pid]
    return [process for process in found if process is not None]


@pytest.fixture
def served(world: World) -> World:
    """A network with IPv4 and IPv6, a router that announces, metadata in both: every daemon there is."""
    world.add_port("host1", "192.168.77.11")
    world.inside6 = [{"ip": "fd00:77::1", "prefix": 64}]
    world.subnets = [{"id": "s6", "cidr": "fd00:77::/64", "gateway": None, "dns": [], "routes": [], "ip": "fd00:77::2",
                      "ip_version": 6, "ipv6_mode": "slaac"}]  # fmt: skip
    world.apply()
    return world


def test_every_process_on_a_host_is_what_the_table_says(served: World) -> None:
    """A5: dnsmasq, the advertiser, the metadata proxies: own users, their capabilities, nothing of ours inherited."""
    found = eventually(lambda: len(seen := daemons_of(served)) >= 4 and seen)
    assert {process.name for process in found} - {"arping"} == {"dnsmasq", "haproxy"}
    assert [fault for process in found for fault in confined.faults(process, ["11" * 32])] == []
    users = {accounts.ensure(name).pw_uid for name in (confinement.DHCP, confinement.ADVERTISER, confinement.METADATA)}
    assert {uid for process in found for uid in process.uids} == users


def test_a_network_of_ipv4_alone_has_no_raw_sockets(world: World) -> None:
    """A5: no capability that is not needed: only announcing takes NET_RAW."""
    world.apply()
    found = eventually(lambda: [p for p in daemons_of(world) if p.name == "dnsmasq"])
    assert {p.capabilities("CapBnd") for p in found} == {1 << 10 | 1 << 12}


def as_user(name: str) -> dict[str, object]:
    entry = accounts.ensure(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def test_one_daemon_reads_nothing_of_another_and_writes_only_its_own(served: World) -> None:
    """A5, A6: the proxy's account sees its own configuration; dnsmasq's cannot change what root reads."""
    data = served.hosts["host1"].cloud.data
    network = data / "hosts" / "host1" / "network"
    proxy, dhcp = accounts.ensure(confinement.METADATA), accounts.ensure(confinement.DHCP)
    theirs = confined.readable(network, uid=proxy.pw_uid, gids=[proxy.pw_gid])
    assert theirs and all("metadata" in path.parts for path in theirs)
    assert confined.readable(data, uid=65534) == []
    writable = [p for p in network.rglob("*") if not p.is_symlink() and p.stat().st_uid == dhcp.pw_uid]
    assert writable and all("state" in path.parts for path in writable)


def test_what_a_taken_over_dnsmasq_puts_into_its_folder_leads_root_nowhere(served: World) -> None:
    """A5, sibling: links in place of leases and notes are neither read nor written through."""
    host = served.hosts["host1"]
    dhcp = host.cloud.data / "hosts" / "host1" / "network" / "dhcp" / served.network_id
    secret = host.cloud.data / "secret"
    secret.write_text("1 add fa:16:3e:00:00:0b 192.168.77.11 2\n")
    secret.chmod(0o600)
    state, before = dhcp / "state", secret.stat().st_mtime_ns
    subprocess.run(["sh", "-c", f"rm -f {state}/leases; ln -s {secret} {state}/leases; ln -s {secret} {state}/spool/1-1; mkdir {state}/spool/2-2; echo 1 add x y z > {state}/spool/3-3"],
                   check=True, **as_user(confinement.DHCP))  # type: ignore[call-overload]  # fmt: skip
    assert host.ask("read_leases") == []
    served.add_port("host1", "192.168.77.12")
    served.apply()
    assert (secret.read_text(), secret.stat().st_mtime_ns) == ("1 add fa:16:3e:00:00:0b 192.168.77.11 2\n", before)
    assert secret.stat().st_uid == 0, "nor is what a link names given away"
