"""An older copy of the database is put back while guests run on (A4): nothing is lost, and an operator decides."""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveCloud
from tests.rest import Rest, until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LiveCloud]:
    with LiveCloud(hosts=0, fake_hosts=2) as found:
        yield found


def copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)


def put_back(cloud: LiveCloud, saved: Path) -> None:
    database = cloud.data / "database" / "db.sqlite3"
    for path in (cloud.data / "database").glob("db.sqlite3-*"):
        path.unlink()
    owner = database.stat()
    copied = database.with_suffix(".put-back")
    copied.write_bytes(saved.read_bytes())
    copied.replace(database)
    os.chown(database, owner.st_uid, owner.st_gid)


def domains(cloud: LiveCloud) -> dict[str, str]:
    """What the fake hosts have, from their own files."""
    found: dict[str, str] = {}
    for path in (cloud.data / "hosts").glob("*/fake-domains.jsonl"):
        for line in path.read_text().splitlines():
            key, value = json.loads(line)
            found.pop(key, None) if value is None else found.update({key: value["state"]})
    return found


def booted(rest: Rest, *names: str) -> list[str]:
    found = [rest.boot(name) for name in names]
    for id in found:
        rest.until(id, "ACTIVE")
    return found


def findings(cloud: LiveCloud) -> list[dict[str, Any]]:
    return list(json.loads(cloud.manage("doctor", "--json", check=False).stdout)["findings"])


def test_an_older_database_put_back_destroys_nothing(cloud: LiveCloud, tmp_path: Path) -> None:
    rest = Rest(cloud)
    before = booted(rest, *(f"before-{n}" for n in range(2)))
    cloud.stop()
    saved = tmp_path / "saved.sqlite3"
    copy(cloud.data / "database" / "db.sqlite3", saved)
    cloud.start()
    rest = Rest(cloud)
    after = booted(rest, *(f"after-{n}" for n in range(6)))
    assert domains(cloud) == dict.fromkeys(before + after, "running")
    cloud.stop()
    put_back(cloud, saved)
    cloud.start()
    until(lambda: sum(f["kind"] == "question" for f in findings(cloud)) == 2, 60, "both hosts ask an operator")
    assert {f["id"] for f in findings(cloud) if f["kind"] == "domain"} == set(after)
    assert domains(cloud) == dict.fromkeys(before + after, "running"), "nothing is even stopped"
    assert not list((cloud.data / "hosts").glob("*/setaside/*"))
    for host in ("fake1", "fake2"):
        cloud.manage("setaside", "adopt", host)
    rest = Rest(cloud)
    until(lambda: not [f for f in findings(cloud) if not f["mended"]], 60, "rows and hosts agree")
    assert domains(cloud) == dict.fromkeys(before + after, "running")
    listed = {row["id"]: row for row in rest.ok("GET", "/api/compute/v2.1/servers/detail")["servers"]}
    assert {id: row["status"] for id, row in listed.items()} == dict.fromkeys(before + after, "ACTIVE")
    assert {row["name"] for row in listed.values()} == {
        *(f"before-{n}" for n in range(2)),
        *(f"after-{n}" for n in range(6)),
    }
    assert all(row["addresses"] for row in listed.values())
    (fresh,) = booted(rest, "fresh")
    rest.act(after[1], {"reboot": {"type": "HARD"}})
    rest.until(after[1], "ACTIVE")
    rest.delete(after[0])
    rest.delete(fresh)
    assert set(domains(cloud)) == set(before + after[1:])
