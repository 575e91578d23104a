"""A real guest's disk grows with a resize, goes back with a revert and stays with a confirm."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.rest import COMPUTE, IMAGE, NETWORK, Rest, until

pytestmark = pytest.mark.vm


def test_a_reverted_resize_puts_the_old_disk_back(cloud: Any) -> None:
    rest, admin = Rest(cloud), Rest(cloud, "admin")
    tiny = next(one for one in rest.ok("GET", f"{COMPUTE}/flavors/detail")["flavors"] if one["name"] == "tiny")
    body = {"name": "grown", "ram": tiny["ram"], "vcpus": 1, "disk": tiny["disk"] + 2}
    grown = admin.ok("POST", f"{COMPUTE}/flavors", {"flavor": body})["flavor"]["id"]
    image = rest.ok("GET", f"{IMAGE}/images?name=demo")["images"][0]["id"]
    network = rest.ok("GET", f"{NETWORK}/networks?name=private")["networks"][0]["id"]
    body = {"name": "resized", "imageRef": image, "flavorRef": tiny["id"], "networks": [{"uuid": network}]}
    server = rest.ok("POST", f"{COMPUTE}/servers", {"server": body})["server"]["id"]
    rest.until(server, "ACTIVE")
    folder = next(Path(cloud.data).rglob(f"disks/{server}/root.qcow2")).parent

    def disks() -> dict[str, int]:
        """File → GiB that a guest sees."""
        info = ("qemu-img", "info", "-U", "--output=json")
        return {
            path.name: json.loads(subprocess.check_output([*info, str(path)]))["virtual-size"] >> 30
            for path in sorted(folder.glob("*.qcow2"))
        }

    def act(body: dict[str, Any], status: str) -> dict[str, int]:
        rest.act(server, body)
        rest.until(server, status)
        return disks()

    resize = {"resize": {"flavorRef": grown}}
    assert disks() == {"root.qcow2": 1}
    assert act(resize, "VERIFY_RESIZE") == {"before-growth.qcow2": 1, "root.qcow2": 3}
    assert act({"revertResize": None}, "ACTIVE") == {"root.qcow2": 1}
    assert act(resize, "VERIFY_RESIZE") == {"before-growth.qcow2": 1, "root.qcow2": 3}
    act({"confirmResize": None}, "ACTIVE")
    until(lambda: disks() == {"root.qcow2": 3}, 10, "the old disk goes")
    rest.ask("DELETE", f"{COMPUTE}/servers/{server}")
    rest.until_gone(server)
    admin.ask("DELETE", f"{COMPUTE}/flavors/{grown}")
