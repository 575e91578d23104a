"""C9: what a guest finds when it looks around: DHCP, DNS, metadata, the reverse proxy where it is meant to be; nothing else."""

import json
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from hostagent.contract.network import bridge_name
from hostagent.drivers.network.linux_bridge import firewall
from hostagent.machine import fences, namespaces, outside
from tests.lab.world import Guest, World, eventually

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

PROXY_PORT = 8123
#: Connects to TCP ports of an address, 800 at a time; prints those that are open.
SCAN = """
import errno, json, select, socket, sys
address, wait = sys.argv[1], float(sys.argv[2])
ports = [int(p) for p in sys.argv[3].split(",")] if len(sys.argv) > 3 else list(range(1, 65536))
family, _, _, _, target = socket.getaddrinfo(address, 1, type=socket.SOCK_STREAM)[0]
found = []
for start in range(0, len(ports), 800):
    poll, held = select.poll(), {}
    for port in ports[start : start + 800]:
        end = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if end.connect_ex((target[0], port, *target[2:])) in (0, errno.EINPROGRESS):
            poll.register(end, select.POLLOUT); held[end.fileno()] = (end, port)
    while held and (said := poll.poll(wait * 1000)):
        for number, _ in said:
            end, port = held.pop(number); poll.unregister(number)
            if not end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR): found.append(port)
            end.close()
    for end, _ in held.values(): end.close()
print(json.dumps(sorted(found)))
"""
#: Listens on these TCP ports and UDP 4789 of all addresses until it is killed.
LISTEN = """
import socket, sys, time
held = []
for port in map(int, sys.argv[1:]):
    s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("::", port)); s.listen(64); held.append(s)
print("ready", flush=True); time.sleep(600)
"""
TYPICAL = "22,53,80,111,443,2375,3306,4789,5432,5672,5900,5901,6379,8000,8123,9697,10250,16509,16514"


def scan(guest: Guest, address: str, ports: str = "", wait: float = 2.0) -> list[int]:
    line = [sys.executable, "-c", SCAN, address, str(wait), *([ports] if ports else [])]
    return json.loads(guest.run(*line).stdout)


@pytest.fixture
def looking(world: World) -> Iterator[tuple[World, Guest]]:
    """A guest with an address, and something that listens on each host and at the machine's end, as machines have it."""
    world.rules = [world.rule("egress"), world.rule("egress", ethertype="IPv6")]
    port = world.add_port("host1", "192.168.77.11")
    world.apply()
    guest = world.plug("host1", port)
    assert guest.dhcp()
    cloud = world.hosts["host1"].cloud
    namespaces.up(cloud, ["host1"], netns=world.outer, external="172.24.9.0/24", nat_out=False, proxy_port=PROXY_PORT)
    program = [sys.executable, "-c", LISTEN, "22", "5432", str(PROXY_PORT)]
    listeners = [
        subprocess.Popen(["ip", "netns", "exec", world.outer, *program], stdout=subprocess.PIPE),
        subprocess.Popen(world.hosts["host1"].line(*program), stdout=subprocess.PIPE),
    ]
    try:
        for one in listeners:
            assert one.stdout is not None and one.stdout.readline() == b"ready\n"
        yield world, guest
    finally:
        for one in listeners:
            one.kill()
            one.wait(10)


def test_a_scan_finds_the_reverse_proxy_dhcp_dns_and_metadata_and_nothing_else(looking: tuple[World, Guest]) -> None:
    """C9: the network's service, the router inside and outside, the machine's own end, the hosts' underlay."""
    world, guest = looking
    assert scan(guest, "192.168.77.2", TYPICAL) == [53], "DHCP and DNS"
    assert scan(guest, "169.254.169.254", TYPICAL) == [53, 80], "metadata, and DNS by the same daemon"
    assert scan(guest, "192.168.77.1", TYPICAL) == [], "the router"
    assert scan(guest, "172.24.9.10", TYPICAL) == [], "its external address"
    assert scan(guest, "172.24.9.1", TYPICAL) == [PROXY_PORT], "the machine's own end"
    for host in world.hosts.values():
        assert scan(guest, host.underlay_ip, TYPICAL) == []
    assert guest.run("ping", "-c", "1", "-W", "2", "172.24.9.1", check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "address, found", [("192.168.77.2", [53]), ("192.168.77.1", []), ("169.254.169.254", [53, 80]), ("172.24.9.10", [])]
)
def test_a_scan_of_all_ports(looking: tuple[World, Guest], address: str, found: list[int]) -> None:
    """C9: all 65,535 TCP ports of what stands in a guest's network."""
    assert scan(looking[1], address, wait=5.0) == found


def host_mac(world: World) -> str:
    said = world.hosts["host1"].run("ip", "-j", "link", "show", "dev", bridge_name(world.network_id)).stdout
    return str(json.loads(said)[0]["address"])


def test_the_hosts_own_stack_hears_no_guest(looking: tuple[World, Guest]) -> None:
    """C9, sibling: frames for the bridge's own address reached whatever listens on the host, by IPv4 and by link-local IPv6."""
    world, guest = looking
    mac, underlay = host_mac(world), world.hosts["host1"].underlay_ip
    guest.run("ip", "route", "replace", f"{underlay}/32", "dev", "eth0")
    guest.run("ip", "neigh", "replace", underlay, "lladdr", mac, "dev", "eth0", "nud", "permanent")
    # As on a machine, whose default route leads somewhere: so that an answer would find its way.
    bridge = bridge_name(world.network_id)
    world.hosts["host1"].run("ip", "route", "add", "192.168.77.11/32", "dev", bridge)
    world.hosts["host1"].run("ip", "neigh", "replace", "192.168.77.11", "lladdr", guest.port["mac"], "dev", bridge)
    assert scan(guest, underlay, TYPICAL, wait=1.0) == []
    assert guest.run("ping", "-c", "1", "-W", "1", underlay, check=False).returncode
    assert guest.run("ping", "-c", "1", "-W", "1", f"{firewall.link_local(mac)}%eth0", check=False).returncode
    assert scan(guest, f"{firewall.link_local(mac)}%eth0", TYPICAL, wait=1.0) == []


SEND = """
import socket, struct, sys
name, dst, src, ip_from, ip_to, vni, marker, kind = sys.argv[1:]
octets = lambda mac: bytes.fromhex(mac.replace(":", ""))
inner = b"\\xff" * 6 + octets(src) + b"\\x88\\xb5" + marker.encode().ljust(46, b"\\0")
vxlan = struct.pack("!II", 0x08000000, int(vni) << 8) + inner
udp = struct.pack("!HHHH", 40000, 4789, 8 + len(vxlan), 0) + vxlan
gre = struct.pack("!HHI", 0x2000, 0x6558, int(vni) << 8) + inner
body, protocol = (udp, 17) if kind == "vxlan" else (gre, 47)
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0, socket.inet_aton(ip_from), socket.inet_aton(ip_to))
words = sum(struct.unpack("!10H", head)); words = (words >> 16) + (words & 0xFFFF); words += words >> 16
head = head[:10] + struct.pack("!H", ~words & 0xFFFF) + head[12:]
end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); end.bind((name, 0))
for _ in range(5):
    end.send(octets(dst) + octets(src) + b"\\x08\\x00" + head + body)
"""
HEAR = """
import socket, sys, time
end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); end.bind(("eth0", 0)); end.settimeout(4)
print("ready", flush=True); until, heard = time.time() + 4, False
while time.time() < until and not heard:
    try: heard = sys.argv[1].encode() in end.recv(65536)
    except TimeoutError: break
print(heard, flush=True)
"""


@pytest.mark.parametrize("kind", ["vxlan", "gre"])
def test_a_guests_own_tunnel_packets_do_not_enter_ours(looking: tuple[World, Guest], kind: str) -> None:
    """C9: VXLAN made by a guest, for another tenant's network, sent to the host's tunnel port by way of the bridge."""
    world, guest = looking
    other = World(world.hosts, world.outer, service_host="", zone=12, segment=1002)
    victim = other.add_port("host1", "192.168.77.12", security=False)
    pieces = other.pieces("host1")
    assert world.hosts["host1"].apply(pieces) == {}
    listener = other.plug("host1", victim)
    marker = f"marker-{uuid.uuid4().hex[:12]}"
    hearing = subprocess.Popen(
        world.hosts["host1"].line("nsenter", f"--net=/run/netns/{listener.name}", sys.executable, "-c", HEAR, marker),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert hearing.stdout is not None and hearing.stdout.readline() == "ready\n"
    for target in (host_mac(world), "fa:16:3e:00:00:01"):  # the bridge itself, and the router
        guest.run(sys.executable, "-c", SEND, "eth0", target, guest.port["mac"], "192.168.77.11",
                  world.hosts["host1"].underlay_ip, "1002", marker, kind)  # fmt: skip
    assert hearing.stdout.readline() == "False\n"
    hearing.wait(10)


def test_a_guest_does_not_answer_for_the_host_or_the_router(looking: tuple[World, Guest]) -> None:
    """C9: ARP that claims the router's, the underlay's or the machine's address is believed by nobody."""
    world, guest = looking
    for address in ("192.168.77.1", world.hosts["host1"].underlay_ip, "172.24.9.1"):
        guest.run("busybox", "arping", "-U", "-c", "2", "-I", "eth0", "-s", address, address, check=False)
        guest.run("arping", "-q", "-U", "-c", "2", "-w", "2", "-I", "eth0", address, check=False)
    other = world.add_port("host1", "192.168.77.12")
    world.apply()
    neighbour = world.plug("host1", other)
    assert neighbour.dhcp()
    assert neighbour.reaches("192.168.77.1")
    seen = [world.hosts["host1"].run("ip", "neigh", "show").stdout, neighbour.run("ip", "neigh", "show").stdout,
            world.outside("ip", "neigh", "show").stdout]  # fmt: skip
    claimed = [line for text in seen for line in text.splitlines() if guest.port["mac"] in line]
    assert [line for line in claimed if line.split()[0] != "192.168.77.11"] == []
    assert world.reached_from_outside("172.24.9.10")


def test_with_nat_off_a_guest_goes_no_further_than_the_machines_own_end(looking: tuple[World, Guest]) -> None:
    """C9, sibling: where the machine forwards for others (containers), guests were routed to its other networks."""
    world, guest = looking
    world.outside("ip", "link", "add", "br-office", "type", "bridge")
    world.outside("ip", "addr", "add", "198.51.100.1/24", "dev", "br-office")
    world.outside("ip", "link", "set", "br-office", "up")
    subprocess.run(["ip", "netns", "add", f"{world.outer}-office"], check=True)
    try:
        ends = ("type", "veth", "peer", "name", "eth0", "netns", f"{world.outer}-office")
        subprocess.run(["ip", "-n", world.outer, "link", "add", "of0", *ends], check=True)
        world.outside("ip", "link", "set", "of0", "master", "br-office", "up")
        inner = ("ip", "netns", "exec", f"{world.outer}-office")
        for line in ("addr add 198.51.100.9/24 dev eth0", "link set eth0 up", "route add default via 198.51.100.1"):
            subprocess.run([*inner, "ip", *line.split()], check=True)
        world.outside("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        assert eventually(
            lambda: world.outside("ping", "-c", "1", "-W", "1", "198.51.100.9", check=False).returncode == 0
        )
        assert guest.run("ping", "-c", "2", "-W", "1", "198.51.100.9", check=False).returncode
        assert scan(guest, "198.51.100.1", TYPICAL, wait=1.0) == [PROXY_PORT]
    finally:
        subprocess.run(["ip", "netns", "del", f"{world.outer}-office"], check=False)


def test_the_fence_goes_with_the_cloud(world: World) -> None:
    cloud = world.hosts["host1"].cloud
    assert cloud.table in world.outside("nft", "list", "tables").stdout
    outer, _ = outside.outer_namespace(world.outer, make=False)
    fences.remove(cloud, outer)
    assert cloud.table not in world.outside("nft", "list", "tables").stdout
    assert socket.has_ipv6
