"""Today's code starts on what each release left (tests/releases): everything is there, and everything goes on working."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import CLONE, LiveCloud
from tests.rest import Rest

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(600)]
RELEASES = sorted(path for path in (CLONE / "tests" / "releases").iterdir() if path.is_dir())


def lay_out(release: Path, data: Path) -> None:
    """Put a release's database and files into a data folder, each where that release had it."""
    for name, text in json.loads((release / "files.json").read_text()).items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(text)
    with sqlite3.connect(data / "db.sqlite3") as database:
        database.executescript((release / "database.sql").read_text())


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name)
def cloud(request: pytest.FixtureRequest) -> Iterator[LiveCloud]:
    with tempfile.TemporaryDirectory(prefix="stackling-upgrade-") as folder:
        data = Path(folder) / "var"
        data.mkdir()
        lay_out(request.param, data)
        with LiveCloud(hosts=0, fake_hosts=2, data=data) as found:
            yield found


def test_everything_of_the_release_is_there(cloud: LiveCloud) -> None:
    """People sign in with the passwords they had (clouds.yaml is written anew), and see what they made."""
    servers = {row["Name"]: row for row in cloud.openstack_json("server", "list")}
    assert {name: row["Status"] for name, row in servers.items()} == {"upgrade-1": "ACTIVE", "upgrade-2": "SHUTOFF"}
    assert servers["upgrade-1"]["Networks"]["upgrade-net"][0].startswith("10.77.0.")
    assert cloud.openstack_json("floating", "ip", "list")[0]["Floating IP Address"].startswith("172.24.4.")
    assert "upgrade-key" in [row["Name"] for row in cloud.openstack_json("keypair", "list")]
    rules = cloud.openstack_json("security", "group", "rule", "list", "upgrade-group")
    assert "22:22" in [row["Port Range"] for row in rules]
    router = cloud.openstack_json("router", "show", "upgrade-router")
    assert router["external_gateway_info"] and router["status"] == "ACTIVE"


def test_verbs_work_on_servers_of_the_release(cloud: LiveCloud) -> None:
    cloud.openstack("server", "stop", "upgrade-1")
    rest = Rest(cloud)
    ids = {row["Name"]: row["ID"] for row in cloud.openstack_json("server", "list")}
    rest.until(ids["upgrade-1"], "SHUTOFF")
    cloud.openstack("server", "start", "upgrade-1", "upgrade-2")
    for id in ids.values():
        rest.until(id, "ACTIVE")
    address = cloud.openstack_json("floating", "ip", "list")[0]["Floating IP Address"]
    cloud.openstack("server", "add", "floating", "ip", "upgrade-1", address)
    cloud.openstack("server", "delete", "--wait", "upgrade-2")
    assert [row["Name"] for row in cloud.openstack_json("server", "list")] == ["upgrade-1"]


def test_new_things_can_be_made_beside_the_old(cloud: LiveCloud) -> None:
    disk = cloud.data.parent / "fresh.raw"
    disk.write_bytes(bytes(1 << 20))
    cloud.openstack("image", "create", "--file", str(disk), "--disk-format", "raw", "fresh")
    image = cloud.openstack_json("image", "show", "fresh")
    assert image["status"] == "active"
    cloud.openstack(
        "server", "create", "--image", "fresh", "--flavor", "tiny", "--network", "upgrade-net", "--wait", "fresh-1"
    )
    assert cloud.openstack_json("server", "show", "fresh-1")["status"] == "ACTIVE"


def test_the_doctor_finds_nothing_wrong(cloud: LiveCloud) -> None:
    """Nothing but the bytes of the demo images, which are not kept with the release."""
    found = json.loads(cloud.manage("doctor", "--json", check=False).stdout)
    assert [finding for finding in found["findings"] if finding["kind"] != "image"] == []
