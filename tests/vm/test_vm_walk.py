"""The whole life of a real guest through the API, as a person lives it; nothing of it stays."""

import base64
import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hostagent.contract.network import tap_name
from tests.live import LiveCloud
from tests.rest import COMPUTE, IMAGE, NETWORK, Rest, until

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]
USER_DATA = "#!/bin/sh\necho from user data > /home/demo/user-data\n"
BOOT = 150.0  # seconds: a guest without KVM on a busy machine


class Shell:
    """ssh to a guest's floating IP with a key made here."""

    def __init__(self, cloud: LiveCloud, folder: Path) -> None:
        self.cloud, self.key = cloud, folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.public = self.key.with_suffix(".pub").read_text().strip()

    def run(self, address: str, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=10", "BatchMode=yes"]
        line = [
            "ssh",
            "-q",
            "-i",
            str(self.key),
            *(word for o in options for word in ("-o", o)),
            f"demo@{address}",
            command,
        ]
        return self.cloud.external(*line, check=check, timeout=60)

    def reach(self, address: str, seconds: float = BOOT) -> None:
        until(lambda: self.run(address, "true", check=False).returncode == 0, seconds, f"ssh to {address}")


def log_of(rest: Rest, server_id: str) -> str:
    return str(rest.act(server_id, {"os-getConsoleOutput": {}}).json["output"])


def open_port(rest: Rest, name: str) -> str:
    """A security group that lets ssh and ping in; its id."""
    group = rest.ok("POST", f"{NETWORK}/security-groups", {"security_group": {"name": name}})["security_group"]["id"]
    for rule in ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, {"protocol": "icmp"}):
        body = {"security_group_rule": {"security_group_id": group, "direction": "ingress", **rule}}
        rest.ok("POST", f"{NETWORK}/security-group-rules", body)
    return str(group)


def float_ip(rest: Rest, server_id: str) -> tuple[str, str]:
    """A new floating IP on the server's only port: (its id, the address)."""
    (port,) = rest.ok("GET", f"{NETWORK}/ports?device_id={server_id}")["ports"]
    public = rest.named(f"{NETWORK}/networks?router:external=true", "networks", "public")
    body = {"floatingip": {"floating_network_id": public, "port_id": port["id"]}}
    made = rest.ok("POST", f"{NETWORK}/floatingips", body)["floatingip"]
    return made["id"], made["floating_ip_address"]


def snapshot(rest: Rest, server_id: str, name: str) -> str:
    answer = rest.act(server_id, {"createImage": {"name": name}})
    image_id = str(answer.json["image_id"])
    status = lambda: rest.ok("GET", f"{IMAGE}/images/{image_id}")["status"]  # noqa: E731
    until(lambda: status() == "active", 120, f"snapshot {name} active")
    rest.until(server_id, "ACTIVE", "SHUTOFF", seconds=60)
    return image_id


def test_the_whole_walk(cloud: LiveCloud, tmp_path: Path) -> None:
    rest, shell = Rest(cloud), Shell(cloud, tmp_path)
    rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "walk", "public_key": shell.public}}, version="2.1")
    group = open_port(rest, "walk")
    data = base64.b64encode(USER_DATA.encode()).decode()
    common = {"key_name": "walk", "security_groups": [{"name": "walk"}]}

    one = rest.boot("walk-one", user_data=data, **common)
    server = rest.until(one, "ACTIVE", seconds=BOOT)
    assert server["OS-EXT-STS:power_state"] == 1
    early = len(log_of(rest, one))
    ip_id, address = float_ip(rest, one)
    shell.reach(address)
    until(lambda: "login:" in log_of(rest, one), 60, "a login prompt in the log")
    assert len(log_of(rest, one)) > early, "the console log grows"
    until(lambda: all(facts(cloud, one)), 60, "lease, metadata and login are noted")

    assert shell.run(address, "hostname").stdout.strip() == "walk-one"
    until(lambda: shell.run(address, "cat user-data", check=False).stdout.strip() == "from user data", 30, "user-data")
    shell.run(address, "echo kept > file && sync")

    image = snapshot(rest, one, "walk-snapshot")
    two = rest.boot("walk-two", image="walk-snapshot", **common)
    rest.until(two, "ACTIVE", seconds=BOOT)
    second_ip, second = float_ip(rest, two)
    shell.reach(second)
    assert shell.run(second, "cat file; hostname").stdout.split() == ["kept", "walk-two"]
    ports = [port for id in (one, two) for port in rest.ok("GET", f"{NETWORK}/ports?device_id={id}")["ports"]]
    rest.delete(two)

    for body, status in (
        ({"os-stop": None}, "SHUTOFF"),
        ({"os-start": None}, "ACTIVE"),
        ({"reboot": {"type": "SOFT"}}, "ACTIVE"),
        ({"reboot": {"type": "HARD"}}, "ACTIVE"),
    ):
        before = shell.run(address, "cat /proc/sys/kernel/random/boot_id", check=False).stdout
        rest.act(one, body)
        rest.until(one, status, seconds=BOOT)
        if status == "ACTIVE":
            boot = lambda: shell.run(address, "cat /proc/sys/kernel/random/boot_id", check=False).stdout  # noqa: E731
            until(lambda: (new := boot()) and new != before, BOOT, f"a new boot after {body}")  # noqa: B023
            assert shell.run(address, "cat file").stdout.strip() == "kept"

    rest.delete(one)
    for path in (f"{NETWORK}/floatingips/{ip_id}", f"{NETWORK}/floatingips/{second_ip}", f"{IMAGE}/images/{image}"):
        rest.ok("DELETE", path)
    rest.ok("DELETE", f"{NETWORK}/security-groups/{group}")
    rest.ok("DELETE", f"{COMPUTE}/os-keypairs/walk", version="2.1")
    nothing_is_left(cloud, [one, two], ports)


def facts(cloud: LiveCloud, server_id: str) -> list[Any]:
    """When the guest had its address, asked for its metadata, showed its login; None for what it has not yet."""
    with closing(sqlite3.connect(f"file:{cloud.data}/database/db.sqlite3?mode=ro", uri=True)) as link:
        row = link.execute("SELECT leased_at, metadata_at, login_at FROM compute_server WHERE id = ?", [server_id])
        return list(row.fetchone())


def on_host(cloud: LiveCloud, host: str, *command: str) -> str:
    """Runs a command in a host's network namespace."""
    line = ["nsenter", f"--net={cloud.ready['run']}/ns/{host}/net", *command]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def nothing_is_left(cloud: LiveCloud, servers: list[str], ports: list[dict[str, Any]]) -> None:
    """No domain, disk, tap, lease, rule or claim of these servers; and doctor finds nothing."""
    done = until(
        lambda: (d := cloud.manage("doctor", "--json", check=False)).returncode == 0 and d, 40, "doctor finds nothing"
    )
    assert json.loads(done.stdout) == {"findings": [], "ok": True}
    for host in cloud.ready["hosts"]:
        folder = cloud.data / "hosts" / host
        assert not {path.name for path in (folder / "disks").glob("*")} & set(servers)
        running = subprocess.run(["pgrep", "-af", "qemu-system"], capture_output=True, text=True).stdout
        assert not any(server_id in running for server_id in servers)
        links, rules = on_host(cloud, host, "ip", "-br", "link"), on_host(cloud, host, "nft", "list", "ruleset")
        said = subprocess.run(["grep", "-rIlE", "--exclude=log", "|".join(p["mac_address"] for p in ports), str(folder / "network")],
                              capture_output=True, text=True).stdout  # fmt: skip
        for port in ports:
            assert tap_name(port["id"]) not in links + rules and port["mac_address"] not in links + rules
        assert said == "", "files that still name a MAC address"
    rest = Rest(cloud, "admin")
    for server_id in servers:
        assert rest.ok("GET", f"{NETWORK}/ports?device_id={server_id}")["ports"] == []
        assert rest.ok("GET", f"/api/placement/allocations/{server_id}")["allocations"] == {}
