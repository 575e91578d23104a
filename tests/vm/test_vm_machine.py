"""STACKLING_HOST_MODE=machine: a guest on a host that is the machine itself (a namespace of ours stands for it)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import CLONE, LiveCloud
from tests.rest import COMPUTE, Rest
from tests.vm.test_vm_walk import BOOT, Shell, float_ip, open_port

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]


@pytest.fixture
def machine_cloud() -> Iterator[LiveCloud]:
    with LiveCloud(hosts=1, STACKLING_HOST_MODE="machine") as found:
        yield found


def links(cloud: LiveCloud) -> set[str]:
    done = subprocess.run(["ip", "-n", cloud.netns, "-j", "link", "show"], check=True, capture_output=True, text=True)
    return {link["ifname"] for link in json.loads(done.stdout)}


def test_a_guest_lives_on_the_machine_itself(machine_cloud: LiveCloud, tmp_path: Path) -> None:
    cloud, rest, shell = machine_cloud, Rest(machine_cloud), Shell(machine_cloud, tmp_path)
    rest.ok("POST", f"{COMPUTE}/os-keypairs", {"keypair": {"name": "own", "public_key": shell.public}}, version="2.1")
    open_port(rest, "own")
    server = rest.boot("own", key_name="own", security_groups=[{"name": "own"}])
    rest.until(server, "ACTIVE", seconds=BOOT)
    _, address = float_ip(rest, server)
    shell.reach(address)
    assert shell.run(address, "hostname").stdout.strip() == "own"
    assert {"br-ex"} < links(cloud), "its networks are links of the machine"
    assert any(name.startswith("tap") for name in links(cloud))

    boot = shell.run(address, "cat /proc/sys/kernel/random/boot_id").stdout
    cloud.stop()
    assert shell.run(address, "cat /proc/sys/kernel/random/boot_id").stdout == boot, "the guest outlives the cloud"
    cloud.start()
    Rest(cloud).until(server, "ACTIVE")
    assert shell.run(address, "cat /proc/sys/kernel/random/boot_id").stdout == boot
    assert cloud.manage("doctor", check=False).returncode == 0, "rows and host agree"

    cloud.stop()
    keeper = subprocess.Popen(
        ["ip", "netns", "exec", cloud.netns, "sleep", "60"]
    )  # the namespace itself is removed too
    try:
        subprocess.run(
            [sys.executable, "-m", "cloud.run", "clean"],
            cwd=CLONE,
            env=cloud.environment,
            check=True,
            capture_output=True,
        )
        left = subprocess.run(
            ["nsenter", f"--net=/proc/{keeper.pid}/ns/net", "sh", "-c", "ip -o link; nft list tables"],
            check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
    finally:
        keeper.kill()
        keeper.wait()
    assert [line.split()[1] for line in left] == ["lo:"], "links and tables are gone"
