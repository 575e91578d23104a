"""The ordinary `openstack` client does the whole walk; each command ends with status 0."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveCloud
from tests.rest import until

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]


def test_the_client_walks(cloud: LiveCloud, tmp_path: Path) -> None:
    run = cloud.openstack
    show = cloud.openstack_json
    names = {row["Type"]: row["Endpoints"] for row in show("catalog", "list")}
    assert {"identity", "image", "network", "compute", "placement"} <= set(names)
    assert show("token", "issue")["project_id"]

    content = tmp_path / "image.raw"
    content.write_bytes(b"\0" * 2**20)
    run("image", "create", "--disk-format", "raw", "--container-format", "bare", "--file", str(content), "cli-image")
    assert show("image", "show", "cli-image")["status"] == "active"
    assert {"demo", "cli-image"} <= {row["Name"] for row in show("image", "list")}
    assert "tiny" in {row["Name"] for row in show("flavor", "list")}

    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    run("keypair", "create", "--public-key", f"{key}.pub", "cli")
    run("network", "create", "cli-net")
    run("subnet", "create", "--network", "cli-net", "--subnet-range", "10.55.0.0/24", "cli-subnet")
    run("router", "create", "cli-router")
    run("router", "add", "subnet", "cli-router", "cli-subnet")
    run("router", "set", "--external-gateway", "public", "cli-router")
    run("security", "group", "create", "cli-group")
    run("security", "group", "rule", "create", "--protocol", "tcp", "--dst-port", "22", "cli-group")
    address = show("floating", "ip", "create", "public")["floating_ip_address"]

    run("server", "create", "--image", "demo", "--flavor", "tiny", "--network", "cli-net", "--security-group", "cli-group",
        "--key-name", "cli", "--wait", "cli-server")  # fmt: skip
    assert show("server", "show", "cli-server")["status"] == "ACTIVE"
    run("server", "add", "floating", "ip", "cli-server", address)
    ssh = ["ssh", "-q", "-i", str(key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "ConnectTimeout=10", "-o", "BatchMode=yes", f"demo@{address}", "hostname"]  # fmt: skip
    until(lambda: cloud.external(*ssh, check=False).stdout.strip() == "cli-server", 150, "ssh answers")
    assert "login:" in run("console", "log", "show", "cli-server")
    assert show("console", "url", "show", "--novnc", "cli-server")["url"].startswith("http")
    run("server", "image", "create", "--name", "cli-snapshot", "--wait", "cli-server")
    assert show("image", "show", "cli-snapshot")["status"] == "active"

    for verb, status in ((("stop",), "SHUTOFF"), (("start",), "ACTIVE")):
        run("server", *verb, "cli-server")
        until(lambda: show("server", "show", "cli-server")["status"] == status, 150, f"{verb} ends")  # noqa: B023
    run("server", "reboot", "--wait", "cli-server")
    check_events(cloud)
    run("server", "delete", "--wait", "cli-server")
    clean(cloud, address)


def check_events(cloud: LiveCloud) -> None:
    """Our steps with host, seconds and reason, as the client shows events."""
    rows: list[dict[str, Any]] = cloud.openstack_json("server", "event", "list", "cli-server")
    assert {"create", "stop", "start", "reboot", "createImage"} <= {row["Action"] for row in rows}
    create = next(row["Request ID"] for row in rows if row["Action"] == "create")
    shown = cloud.openstack_json("server", "event", "show", "cli-server", create)
    steps = str(shown["events"])
    for step in ("claim_host", "create_disk", "wire_network", "start_domain"):
        assert step in steps


def clean(cloud: LiveCloud, address: str) -> None:
    """Each command succeeds only if nothing of the server is left that would hold it back."""
    run = cloud.openstack
    run("floating", "ip", "delete", address)
    run("router", "remove", "subnet", "cli-router", "cli-subnet")
    run("router", "delete", "cli-router")
    run("network", "delete", "cli-net")
    run("security", "group", "delete", "cli-group")
    run("keypair", "delete", "cli")
    run("image", "delete", "cli-image", "cli-snapshot")
