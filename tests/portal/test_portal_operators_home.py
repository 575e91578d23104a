"""The operator's home and usage: what they show is what the APIs, the scheduler and the samples say."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from common.clock import now
from common.errors import NoCapacity
from compute.flavors.models import Flavor
from compute.servers.create import room, scheduling
from compute.servers.models import Server
from hosts.models import Host
from identity.models import Project
from operations.models import Operation
from placement import inventories
from tests.portal.conftest import PASSWORDS
from tests.portal.operators import Api

INVENTORY = {"vcpus": 2, "memory_mib": 4096, "disk_gib": 100, "image_cache_gib": 10, "hypervisor": "QEMU"}


@pytest.fixture
def hosts(cloud_rows: None) -> list[Host]:
    """Two hosts of the same size, and a third of it that is switched off."""
    made = []
    for number, name in enumerate(("h1", "h2", "h3"), 1):
        host = Host.objects.create(
            name=name, number=number, state="up", roles=["compute"], inventory=INVENTORY, enabled=number < 3
        )
        inventories.on_inventory(host)
        made.append(host)
    return made


@pytest.fixture
def ran(make_servers: Callable[..., list[Server]]) -> dict[str, Server]:
    """In project demo one server since 10 h ago, and one that was there for 2 of the last 24 h; in admin one since 1 h ago."""
    moment = now()
    admin = Project.objects.get(name="admin", is_domain=False).pk
    (old,) = make_servers(name="old", launched_at=moment - timedelta(hours=10))
    (gone,) = make_servers(
        name="gone", launched_at=moment - timedelta(hours=5), terminated_at=moment - timedelta(hours=3), deleted=True
    )
    (other,) = make_servers(name="other", project_id=admin, launched_at=moment - timedelta(hours=1))
    return {"old": old, "gone": gone, "other": other}


def _day(back: int) -> str:
    return (now() - timedelta(days=back)).date().isoformat()


def _plain(text: str) -> str:
    return re.sub(r"<[^>]+>", " ", text)


def test_usage_is_what_the_api_says(admin: Client, demo: Client, ran: dict[str, Server]) -> None:
    """I14: usage of a project by instance, for the days asked, and of every project for operators."""
    query = f"start={_day(1)}&end={_day(0)}"
    page = demo.get(f"/usage?{query}").content.decode()
    assert {"old", "gone"} <= set(re.findall(r'class="name"[^>]*>(\w+)<', page)) and ">other<" not in page
    api = Api(PASSWORDS["admin"])
    project = ran["old"].project_id
    told = api.get(f"compute/v2.1/os-simple-tenant-usage/{project}?start={_day(1)}&end={now():%Y-%m-%dT%H:%M:%S}")
    want = {one["name"]: one["hours"] for one in told["tenant_usage"]["server_usages"]}
    for name, hours in want.items():
        row = re.search(rf'<tr data-id="{ran[name].pk}".*?</tr>', page, re.S)
        assert row and f">{hours:.2f}<" in row[0].replace(" ", ""), (name, hours, row and row[0])
    everyone = admin.get(f"/cloud/usage?{query}").content.decode()
    total = told["tenant_usage"]["total_vcpus_usage"]
    row = re.search(rf'<tr data-id="{project}".*?</tr>', everyone, re.S)
    assert row and f"{total:.2f}" in row[0]
    assert f'href="/cloud/usage/{project}"' in everyone
    assert "Usage of demo" in admin.get(f"/cloud/usage/{project}?{query}").content.decode()
    assert demo.get("/cloud/usage").status_code == 403
    assert demo.get(f"/cloud/usage/{ran['other'].project_id}").status_code in (403, 404)


def test_usage_goes_as_a_file_and_says_what_is_wrong_with_days(demo: Client, ran: dict[str, Server]) -> None:
    answer = demo.get("/usage?format=csv")
    text = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/csv") and '"Memory, MiB-hours"' in text
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["old", "gone"]
    wrong = demo.get(f"/usage?start={_day(0)}&end={_day(3)}")
    assert wrong.status_code == 422 and "It ends before it begins." in wrong.content.decode()
    assert demo.get("/usage?start=2999-01-01&end=2999-02-01").status_code == 422
    for month in ("2999-01", "0001-01", "what", "1999-12"):
        assert demo.get(f"/usage?month={month}").status_code == 200
    assert "Nothing was used in this time" in demo.get("/usage?month=1999-12").content.decode()


def test_there_is_room_for_as_many_as_the_scheduler_then_places(
    hosts: list[Host], make_servers: Callable[..., list[Server]]
) -> None:
    """I10: "room for 3 × large" is what can be launched: so many are placed, and one more is refused."""
    flavor = Flavor.objects.create(id="l", name="large", vcpus=2, ram=1200, disk=20)
    found = room.room([flavor])["l"]
    assert found == 6  # three a host by memory; the host that is switched off takes none
    for server in make_servers(found):
        server.flavor = flavor.embedded()
        scheduling.choose(server)
    assert room.room([flavor])["l"] == 0
    (one,) = make_servers()
    one.flavor = flavor.embedded()
    with pytest.raises(NoCapacity):
        scheduling.choose(one)


def test_the_operators_home(
    admin: Client, demo: Client, hosts: list[Host], make_servers: Callable[..., list[Server]]
) -> None:
    """I10: tiles, heat map, failed work of a day, room and the largest projects."""
    (server,) = make_servers()
    scheduling.choose(server)
    user = {"project_id": server.project_id, "subject_kind": "server", "subject_id": server.pk, "action": "start"}
    Operation.objects.create(**user, state="failed", flow="x")
    old = Operation.objects.create(**user, state="failed", flow="x")
    Operation.objects.filter(pk=old.pk).update(updated_at=now() - timedelta(hours=25))
    page = admin.get("/cloud?heat=promised").content.decode()
    tile = {
        name: " ".join(_plain(text).split())
        for name, text in re.findall(r'data-tile="(\w+)">(.*?)</section>', page, re.S)
    }
    assert tile["hosts"] == "Hosts up 3 of 3" and tile["vcpu"] == "vCPUs promised 1 of 96"
    assert tile["memory_mb"] == "Memory promised 128 MiB of 12 GiB"
    spots = dict(re.findall(r'data-id="(h\d)"><b>([^<]+)<', page))
    assert sorted(spots.values()) == ["0 %", "0 %", "3 %"]
    assert re.search(r'data-field="failed">1<', page)
    assert re.search(rf'data-card="projects".*data-id="{server.project_id}"', page, re.S)
    fits = dict(re.findall(r">(\d+)</b> × <a[^>]*>([^<]+)<", page))
    assert fits["0"] == "m1.xlarge" and "tiny" in fits.values()
    assert 'data-tile="cpu"' not in page  # no host has told what it uses
    for part in ("cloud", "cloud?live=1", "cloud?failed=1", "hosts?tiles=1", "services/processes?live=1"):
        assert demo.get(f"/{part}", headers={"HX-Request": "true"}).status_code == 403, part
