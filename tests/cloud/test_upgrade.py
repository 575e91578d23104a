"""An upgrade as a start does it, in processes of its own: a copy of the database first, and never backwards."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from tests.live import CLONE
from tests.servers import postgres

#: Starts of six versions, one after the other, then a database that a seventh wrote. "sessions" stands for what a newer
#: version adds: its table goes and comes by itself.
STARTS = """
import django, time
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from cloud.run import prepare
prepare.migrate()
prepare.migrate()
for upgrade in range(4):
    call_command("migrate", "sessions", "zero", verbosity=0)
    prepare.time.strftime = lambda *_, n=upgrade: f"20260101-00000{n}"  # a second apart
    prepare.migrate()
    assert "django_session" in connection.introspection.table_names()
MigrationRecorder(connection).record_applied("identity", "9999_from_the_future")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    with postgres() if request.param == "postgresql" else nullcontext("") as url:
        yield {
            **os.environ,
            "PYTHONPATH": str(CLONE),
            "DJANGO_SETTINGS_MODULE": "cloud.settings",
            "STACKLING_DATA": str(tmp_path),
            "STACKLING_TESTING": "1",
            "DATABASE_URL": url,
        }


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=CLONE, capture_output=True, text=True, timeout=120)


def tables(copy: Path) -> str:
    if copy.suffix == ".dump":
        return subprocess.run(["pg_restore", "--list", str(copy)], check=True, capture_output=True, text=True).stdout
    with closing(sqlite3.connect(copy)) as link:
        return " ".join(row[0] for row in link.execute("SELECT name FROM sqlite_master"))


@pytest.mark.process
def test_an_upgrade_copies_first_and_a_newer_database_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    done = python(environment, "-c", STARTS)
    assert done.returncode == 0, done.stderr
    first, *upgrades = [json.loads(line)["note"] for line in done.stdout.splitlines()]
    assert "copied" not in first, "there was nothing to copy"
    assert len(upgrades) == 4 and all(note.startswith("copied to db-20260101-") for note in upgrades)
    backups = tmp_path / "backups"
    copies = sorted(backups.iterdir())
    assert [copy.stem[-1] for copy in copies] == ["1", "2", "3"]
    assert {oct(copy.stat().st_mode & 0o777) for copy in copies} == {"0o600"}
    found = tables(copies[-1])
    assert "identity_user" in found and "django_session" not in found, "the copy is not of before the upgrade"

    refused = python(environment, "-m", "cloud.run.prepare", str(os.getpid()))
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    said = json.loads(refused.stdout.splitlines()[-1])["refused"]
    assert "identity.9999_from_the_future" in said and str(backups) in said
    assert sorted(backups.iterdir()) == copies
