"""Whose samples a host may send, and who may read them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from compute.servers.models import Server
from telemetry.meters import SERVER
from telemetry.samples import ingest, owners, rollups, store
from tests.portal import conftest as portal
from tests.telemetry.conftest import ZERO

cloud_rows, demo, admin, make_servers = portal.cloud_rows, portal.demo, portal.admin, portal.make_servers
Make = Callable[..., list[Server]]


@pytest.fixture
def sampled(cloud_rows: None, make_servers: Make, monkeypatch: pytest.MonkeyPatch) -> tuple[Server, Server]:
    """An instance of the project demo and one of another project, both sampled for five minutes."""
    owners.forget()
    own, other = make_servers()[0], make_servers(project_id="0" * 32)[0]
    moment = ingest.now().timestamp()
    for n in range(30):
        servers = {one.id: {**ZERO, "cpu_ns": n * 10**9} for one in (own, other)}
        body = {"run": "a", "number": n, "at": moment - 300 + n * 10, "host": {"cpu_ns": n, "cpus": 2}, "ports": {}}
        ingest.take("host1", {**body, "servers": servers})
    return own, other


def test_a_host_speaks_for_what_lies_on_it_alone(cloud_rows: None, make_servers: Make) -> None:
    owners.forget()
    here, there = make_servers(2)
    Server.objects.filter(pk=there.pk).update(host="host2")
    body = {"run": "a", "number": 1, "at": ingest.now().timestamp(), "host": {}, "ports": {"some": {"in_bytes": 1}}}
    ingest.take("host1", {**body, "servers": {here.id: ZERO, there.id: ZERO, "none at all": ZERO}})
    link = store.connection()
    assert link is not None
    assert {name for (name,) in link.execute("SELECT name FROM resources")} == {"host1", here.id}


def test_a_new_guest_is_known_at_its_first_report(cloud_rows: None, make_servers: Make) -> None:
    owners.forget()
    assert owners.of("host1", SERVER, {"nobody"}) == frozenset()
    owners._known = {key: (when - owners.AGAIN - 1, ids) for key, (when, ids) in owners._known.items()}
    server = make_servers()[0]
    assert owners.of("host1", SERVER, {server.id}) == {server.id}


def test_an_instance_shows_its_own_load(sampled: tuple[Server, Server], demo: Client) -> None:
    own, _other = sampled
    found = demo.get(f"/instances/{own.id}/load?span=1h").json()
    assert len(found["times"]) > 25 and set(found["charts"]) == {"cpu", "memory", "network", "disk"}
    assert found["charts"]["cpu"][0][0] == pytest.approx(10.0) and found["why"] == ""
    assert found["until"] - found["from"] == 3600


def test_nobody_reads_anothers(sampled: tuple[Server, Server], demo: Client) -> None:
    own, other = sampled
    paths = [f"/instances/{other.id}/load", f"/instances/{other.id}/load/{other.id}", "/hosts/host1/load", "/load"]
    for path in [*paths, f"/instances/{own.id}/load/{'0' * 36}"]:
        answer = demo.get(path, headers={"HX-Request": "true"})
        assert answer.status_code in (403, 404) and b"times" not in answer.content, path
    answer = demo.get(f"/instances/{own.id}/load?span=2y", headers={"HX-Request": "true"})
    assert answer.status_code == 404 and "1h, 24h, 7d, 30d" in json.loads(answer["HX-Trigger"])["toast"]["text"]


def test_sparks_are_of_what_one_sees(sampled: tuple[Server, Server], demo: Client, admin: Client) -> None:
    own, other = sampled
    rollups.roll()
    asked = f"/instances/sparks?id={own.id}&id={other.id}"
    found = demo.get(asked).json()
    assert set(found) == {own.id} and len(found[own.id]) == 60
    assert {value for value in found[own.id] if value is not None} == {10.0}
    assert demo.get(f"{asked}&everywhere=1", headers={"HX-Request": "true"}).status_code == 403
    assert set(admin.get(f"{asked}&everywhere=1").json()) == {own.id, other.id}


def test_pages_say_what_is_used_now_without_a_script(
    cloud_rows: None, make_servers: Make, demo: Client, admin: Client
) -> None:
    owners.forget()
    server = make_servers()[0]
    moment = ingest.now().timestamp()
    for n in range(3):
        servers = {server.id: {**ZERO, "cpu_ns": n * 42 * 10**8}}
        body = {"run": "a", "number": n, "at": moment - 30 + n * 10, "host": {}, "ports": {}, "servers": servers}
        ingest.take("host1", body)
    page = demo.get(f"/instances/{server.id}").content.decode()
    assert "42 %" in page and "64 MiB of 128 MiB" in page and "<noscript>" in page
    assert "vendor/uplot.css" in page and "js/load.js" in page
    chinese = demo.get(f"/instances/{server.id}", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "42%" in chinese and "负载" in chinese


def test_a_page_without_samples_says_why_and_when_they_come(make_servers: Make, demo: Client, admin: Client) -> None:
    runs, rests = make_servers()[0], make_servers(vm_state="stopped", power_state=4)[0]
    assert "No samples yet. They come each 10 s" in demo.get(f"/instances/{runs.id}").content.decode()
    assert "an instance has load while it runs" in demo.get(f"/instances/{rests.id}").content.decode()
    assert "No samples yet. The first are there two minutes after" in admin.get("/").content.decode()
    assert "Load of all hosts" not in demo.get("/").content.decode()


def test_samples_that_cannot_be_read_take_no_page_away(make_servers: Make, demo: Client, settings: Any) -> None:
    server = make_servers()[0]
    store.path().parent.mkdir(parents=True)
    store.path().mkdir()  # nothing that SQLite could open
    answer = demo.get(f"/instances/{server.id}")
    assert answer.status_code == 200 and "The samples cannot be read now" in answer.content.decode()
    asked = demo.get(f"/instances/{server.id}/load", headers={"HX-Request": "true"})
    assert asked.status_code == 503 and "HX-Trigger" not in asked  # each ten seconds a toast
