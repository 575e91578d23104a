"""Two hosts, an instance on each: they reach each other over VXLAN; an agent dies and nothing is lost."""

import os
import signal
import time
from pathlib import Path

import pytest

from cloud.run import supervise
from tests.live import LiveCloud
from tests.rest import COMPUTE, NETWORK, Rest, until
from tests.vm.test_vm_walk import BOOT, Shell, float_ip, open_port

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]


def address_of(rest: Rest, server_id: str) -> str:
    (port,) = rest.ok("GET", f"{NETWORK}/ports?device_id={server_id}")["ports"]
    return str(port["fixed_ips"][0]["ip_address"])


def test_two_hosts(two_hosts: LiveCloud, tmp_path: Path) -> None:
    rest, shell = Rest(two_hosts, "admin"), Shell(two_hosts, tmp_path)
    rest.ok("POST", f"{NETWORK}/networks", {"network": {"name": "spread"}})
    spread = rest.named(f"{NETWORK}/networks", "networks", "spread")
    build_network(rest, spread)
    rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "two", "public_key": shell.public}}, version="2.1")
    open_port(rest, "two")
    common = {"network": spread, "key_name": "two", "security_groups": [{"name": "two"}]}
    servers = {host: rest.boot(f"on-{host}", availability_zone=f"nova:{host}", **common) for host in ("host1", "host2")}
    for host, server_id in servers.items():
        assert rest.until(server_id, "ACTIVE", seconds=BOOT)["OS-EXT-SRV-ATTR:host"] == host

    _, outside = float_ip(rest, servers["host1"])
    shell.reach(outside)
    far = address_of(rest, servers["host2"])
    ping = f"ping -c 3 -w 20 {far}"
    until(lambda: shell.run(outside, ping, check=False).returncode == 0, BOOT, f"{far} on host2 answers through VXLAN")

    kill_agent(two_hosts, "agent-host2")
    assert shell.run(outside, ping).returncode == 0, "guests and their network go on without the agent"
    for host, server_id in servers.items():
        shown = rest.until(server_id, "ACTIVE")
        assert shown["OS-EXT-SRV-ATTR:host"] == host
    rest.act(servers["host2"], {"reboot": {"type": "HARD"}})
    rest.until(servers["host2"], "ACTIVE", seconds=BOOT)
    until(lambda: shell.run(outside, ping, check=False).returncode == 0, BOOT, "the rebooted guest answers")
    for server_id in servers.values():
        rest.delete(server_id)
    done = lambda: two_hosts.manage("doctor", "--json", check=False).returncode == 0  # noqa: E731
    until(done, 40, "doctor finds nothing")


def build_network(rest: Rest, network: str) -> str:
    """A subnet, and a router to `public`; the router's id."""
    subnet = {"network_id": network, "cidr": "10.66.0.0/24", "ip_version": 4}
    made = rest.ok("POST", f"{NETWORK}/subnets", {"subnet": subnet})["subnet"]["id"]
    public = rest.named(f"{NETWORK}/networks?router:external=true", "networks", "public")
    body = {"router": {"name": "spread", "external_gateway_info": {"network_id": public}}}
    router = rest.ok("POST", f"{NETWORK}/routers", body)["router"]["id"]
    rest.ok("PUT", f"{NETWORK}/routers/{router}/add_router_interface", {"subnet_id": made})
    return str(router)


def kill_agent(cloud: LiveCloud, program: str) -> None:
    """kill -9, and wait until its supervisor has it running again."""
    supervisor = supervise.ask(Path(cloud.ready["run"]) / "supervisor.sock")
    old = supervisor.getProcessInfo(program)["pid"]
    os.kill(old, signal.SIGKILL)
    until(lambda: supervisor.getProcessInfo(program)["pid"] not in (0, old), 30, f"{program} runs again")
    time.sleep(1)
