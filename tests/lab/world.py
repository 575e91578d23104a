"""A cloud of lab hosts with pretended guests: namespaces whose one link is named and plugged as a guest's tap is."""

import ipaddress
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostagent.contract.network import bridge_name, piece_hash, tap_name
from hostagent.machine import namespaces
from hostagent.machine.pinned_namespaces import Cloud

ROOT = Path(__file__).resolve().parents[2]
UDHCPC = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip link set "$interface" mtu "${mtu:-1500}"
set -- $staticroutes
while [ $# -ge 2 ]; do
  case $2 in
    0.0.0.0) ip route replace "$1" dev "$interface" ;;
    *) ip route replace "$1" via "$2" dev "$interface" ;;
  esac
  shift 2
done
env > "$LEASE_NOTE"
"""


def eventually(check: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer of `check`, or its last one after `seconds`: on a busy machine things come late."""
    until = time.monotonic() + seconds
    while not (answer := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return answer


@dataclass
class LabHost:
    cloud: Cloud
    name: str
    underlay_ip: str
    control: str
    agent: subprocess.Popen[str] | None = None

    def line(self, *command: str) -> list[str]:
        return namespaces.entering(self.cloud, self.name, command)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.line(*command), capture_output=True, text=True, check=check, timeout=60)

    def start_agent(self, module: str = "tests.lab.agent") -> None:
        data, run = self.cloud.data / "hosts" / self.name, self.cloud.run / "hosts" / self.name
        command = self.line(
            sys.executable, "-m", module, self.name, str(data), str(run), self.underlay_ip, self.control
        )
        self.agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._answer()

    def stop_agent(self, *, kill: bool = False) -> None:
        if self.agent is None:
            return
        if kill:
            self.agent.kill()
        elif self.agent.stdin:
            self.agent.stdin.close()
        self.agent.wait(10)
        self.agent = None

    def ask(self, verb: str, **body: Any) -> Any:
        assert self.agent is not None and self.agent.stdin is not None
        self.agent.stdin.write(json.dumps({"verb": verb, "body": body}) + "\n")
        self.agent.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.agent is not None and self.agent.stdout is not None
        answer = json.loads(self.agent.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def apply(
        self, pieces: dict[str, dict[str, Any]], *, remove: tuple[str, ...] = (), full: bool = False
    ) -> dict[str, Any]:
        """What failed."""
        told = {key: {"hash": piece_hash(body), "body": body} for key, body in pieces.items()}
        return self.ask("ensure_pieces", pieces=told, remove=list(remove), full=full)


@dataclass
class Guest:
    host: LabHost
    port: dict[str, Any]
    name: str
    lease: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.host.run("nsenter", f"--net=/run/netns/{self.name}", *command, check=check)

    def plug(self) -> None:
        tap, bridge = tap_name(self.port["id"]), bridge_name(self.port["network_id"])
        self.host.run("ip", "netns", "add", self.name)
        peer = ("peer", "name", "eth0", "address", self.port["mac"], "netns", self.name)
        self.host.run("ip", "link", "add", tap, "type", "veth", *peer)
        self.host.run("ip", "link", "set", tap, "master", bridge, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")

    def unplug(self) -> None:
        self.host.run("ip", "netns", "del", self.name, check=False)
        self.host.run("ip", "link", "del", tap_name(self.port["id"]), check=False)

    def dhcp(self) -> dict[str, str]:
        """Ask for an address; what was offered, as udhcpc names it. {} when nobody answered."""
        folder = self.host.cloud.data / "lab"
        folder.mkdir(exist_ok=True)
        script, note = folder / "udhcpc.sh", folder / f"{self.name}.lease"
        script.write_text(UDHCPC)
        script.chmod(0o755)
        note.unlink(missing_ok=True)
        options = ("-q", "-n", "-f", "-t", "3", "-T", "1", "-O", "mtu", "-O", "staticroutes", "-s", str(script))
        self.run("env", f"LEASE_NOTE={note}", "busybox", "udhcpc", "-i", "eth0", *options, check=False)
        lines = note.read_text().splitlines() if note.exists() else []
        self.lease = dict(line.split("=", 1) for line in lines if "=" in line)
        return self.lease

    def reaches(self, address: str, *, count: int = 1, size: int = 56) -> bool:
        return (
            self.run("ping", "-c", str(count), "-W", "1", "-s", str(size), "-M", "do", address, check=False).returncode
            == 0
        )


@dataclass
class World:
    """Wanted pieces of a small cloud: one VXLAN network on host1 and host2, its DHCP and router on `service_host`."""

    hosts: dict[str, LabHost]
    outer: str
    network_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    group_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    router_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    service_host: str = "host1"  # where DHCP and the router live
    zone: int = 11
    segment: int = 1001
    ports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    inside6: list[dict[str, Any]] = field(default_factory=list)  # the router's IPv6 addresses on the network
    floating: list[dict[str, str]] = field(default_factory=list)
    routes: list[dict[str, str]] = field(default_factory=list)  # the router's own
    guests: list[Guest] = field(default_factory=list)
    options: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # port id → its own DHCP options
    subnets: list[dict[str, Any]] = field(default_factory=list)  # besides the IPv4 one

    @property
    def outer_link(self) -> str:
        return self.hosts["host1"].cloud.outer_link

    def outside(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("ip", "netns", "exec", self.outer, *command), capture_output=True, text=True, check=check, timeout=60
        )

    def reached_from_outside(self, address: str) -> bool:
        return self.outside("ping", "-c", "1", "-W", "1", address, check=False).returncode == 0

    def rule(self, direction: str, **match: Any) -> dict[str, Any]:
        blank = {"ethertype": "IPv4", "protocol": None, "min": None, "max": None, "cidr": None, "group": None}
        return {"id": str(uuid.uuid4()), "direction": direction, **blank, **match}

    def add_port(self, host: str, ip: str, **more: Any) -> dict[str, Any]:
        mac = f"fa:16:3e:00:00:{int(ip.rsplit('.', 1)[1]):02x}"
        port = {
            "id": str(uuid.uuid4()),
            "network_id": self.network_id,
            "mac": mac,
            "ips": [ip],
            "groups": [self.group_id],
            "pairs": [],
        }
        port |= {"security": True, "up": True, **more}
        self.ports.append((host, port))
        return port

    def pieces(self, host: str) -> dict[str, dict[str, Any]]:
        """All that `host` should have."""
        here = [port for where, port in self.ports if where == host]
        found = {f"network:{self.network_id}": self.network(host), f"group:{self.group_id}": self.group()}
        found |= {f"port:{port['id']}": port for port in here}
        if host == self.service_host:
            found |= {f"dhcp:{self.network_id}": self.dhcp(), f"router:{self.router_id}": self.router()}
        return found

    def network(self, host: str) -> dict[str, Any]:
        remote = [
            {"mac": port["mac"], "ips": port["ips"], "host_ip": self.hosts[where].underlay_ip}
            for where, port in self.ports
            if where != host
        ]
        return {
            "id": self.network_id, "kind": "vxlan", "segment": self.segment, "physical": None, "mtu": 1500, "zone": self.zone,
            "peers": [h.underlay_ip for name, h in self.hosts.items() if name != host], "remote": remote,
        }  # fmt: skip

    def group(self) -> dict[str, Any]:
        members = [ip for _, port in self.ports for ip in port["ips"] if self.group_id in port["groups"]]
        return {"id": self.group_id, "rules": self.rules, "members": members}

    def dhcp(self) -> dict[str, Any]:
        hosts = [
            {
                "port_id": port["id"],
                "mac": port["mac"],
                "ips": [{"subnet_id": "s", "ip": ip} for ip in port["ips"]],
                "hostname": f"vm-{n}",
                "options": self.options.get(port["id"], []),
            }
            for n, (_, port) in enumerate(self.ports)
        ]
        subnet = {
            "id": "s", "cidr": "192.168.77.0/24", "gateway": "192.168.77.1", "dns": ["192.168.77.2"], "routes": [],
            "ip": "192.168.77.2", "ip_version": 4, "ipv6_mode": None,
        }  # fmt: skip
        leg = {
            "network_id": self.network_id,
            "port_id": f"dddd{self.network_id[4:]}",
            "mac": "fa:16:3e:00:00:02",
            "mtu": 1500,
        }
        return {**leg, "domain": "openstacklocal", "subnets": [subnet, *self.subnets], "hosts": hosts, "metadata": True}

    def router(self) -> dict[str, Any]:
        external = {
            "network_id": str(uuid.UUID(int=9)), "port_id": f"eeee{self.router_id[4:]}", "mac": "fa:16:3e:ee:00:01",
            "ips": [{"ip": "172.24.9.10", "prefix": 24}], "gateway": "172.24.9.1",
        }  # fmt: skip
        inside = {
            "port_id": f"ffff{self.router_id[4:]}", "network_id": self.network_id, "mac": "fa:16:3e:00:00:01",
            "ips": [{"ip": "192.168.77.1", "prefix": 24}], "mtu": 1500,
        }  # fmt: skip
        if self.inside6:
            inside["ips"] = [*inside["ips"], *self.inside6]
            inside["ra"] = [str(ipaddress.ip_interface(f"{a['ip']}/{a['prefix']}").network) for a in self.inside6]
        more = {"floating": self.floating, "routes": self.routes, "metadata": True}
        return {"id": self.router_id, "up": True, "snat": True, "external": external, "interfaces": [inside], **more}

    def apply(self) -> None:
        for name, host in self.hosts.items():
            assert host.apply(self.pieces(name), full=True) == {}

    def plug(self, host: str, port: dict[str, Any]) -> Guest:
        guest = Guest(self.hosts[host], port, f"guest-{port['id'][:8]}")
        guest.plug()
        self.guests.append(guest)
        return guest


def build(data: Path, run: Path, outer: str) -> Iterator[World]:
    cloud = Cloud(data, run)
    data.mkdir(parents=True, exist_ok=True)
    hosts = {}
    try:
        status = namespaces.up(cloud, ["host1", "host2"], netns=outer, external="172.24.9.0/24", nat_out=False)
        for name, facts in status["hosts"].items():
            hosts[name] = LabHost(cloud, name, facts["underlay_ip"], f"unix:{run}/control.sock")
            hosts[name].start_agent()
        yield World(hosts, outer)
    finally:
        for host in hosts.values():
            host.stop_agent(kill=True)
        namespaces.down(cloud)
