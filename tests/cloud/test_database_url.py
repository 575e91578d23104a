"""DATABASE_URL is honoured whole or refused with a sentence; nothing of it stands among a process's arguments."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud import database
from cloud.backup import database as backup_database
from cloud.run import programs, settings
from tests.check import CLONE
from tests.servers import postgres

pytestmark = pytest.mark.process

FILE = Path("/data/db.sqlite3")


def read(url: str, **more: str) -> Any:
    given = {"DATABASE_URL": url, **more}
    return database.read(lambda name: given.get(name, ""), FILE)


def test_options_of_the_address_reach_the_driver() -> None:
    """C3: ?sslmode=verify-full&connect_timeout=3 was dropped in silence."""
    entry = read(
        "postgres://u:p%40%3A@db.example:5433/cloud?sslmode=verify-full&sslrootcert=%2Fca.pem&connect_timeout=3"
    )
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "u", "p@:", "db.example", "5433", "cloud",
    )  # fmt: skip
    options = entry["OPTIONS"]
    assert (
        options["sslmode"] == "verify-full"
        and options["sslrootcert"] == "/ca.pem"
        and options["connect_timeout"] == "3"
    )
    assert read("postgresql:///cloud")["OPTIONS"]["connect_timeout"] == database.CONNECT_SECONDS


def test_statements_locks_and_idle_transactions_end() -> None:
    """C3: one hung database held all threads."""
    assert read("postgres://h/d")["OPTIONS"]["options"] == (
        "-c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=120000"
    )
    mine = read(
        "postgres://h/d?options=-c%20lock_timeout%3D5",
        STACKLING_DB_STATEMENT_SECONDS="5",
        STACKLING_DB_IDLE_SECONDS="0",
    )
    assert mine["OPTIONS"]["options"] == "-c statement_timeout=5000 -c lock_timeout=20000 -c lock_timeout=5"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres://u:secret@h/d?sslmod=require", "option sslmod, which libpq does not know"),
        ("postgres://u:secret@h/d?sslmode=require&sslmode=disable", "more than once"),
        ("postgres://u:secret@h/d?sslmode", "must be like"),
        ("postgres://u:secret@h/d?host=other", "option host"),
        ("postgres://u:secret@h/d?password=x", "option password"),
        ("postgres://u:secret@h:99999/d", "port 99999"),
        ("postgres://u:secret@h:५/d", "port"),
        ("mysql://u:secret@h/d", "names mysql"),
        ("sqlite:///x?mode=ro", "sqlite://"),
        ("sqlite://host/x", "sqlite://"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_a_sentence(url: str, words: str) -> None:
    """C3."""
    with pytest.raises(database.BadUrl, match=words) as error:
        read(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", [*database.TIMES, "STACKLING_SQLITE_SYNCHRONOUS"])
def test_a_wrong_setting_is_refused_by_name(name: str) -> None:
    url = "" if "SQLITE" in name else "postgres://h/d"
    for value in ("-1", "ten", "99999999"):
        with pytest.raises(database.BadUrl, match=name):
            read(url, **{name: value})


def test_several_hosts_sockets_and_ipv6() -> None:
    """C3 sibling: a pair of servers (target_session_attrs) was a crash at the start."""
    pair = read("postgres://u@one:5432,two:5433/d?target_session_attrs=read-write")
    assert (pair["HOST"], pair["PORT"]) == ("one,two", "5432,5433")
    assert read("postgres://u@%2Frun%2Fpg/d")["HOST"] == "/run/pg"
    assert read("postgres://u@[fd00::1]:5432/d")["HOST"] == "fd00::1"


def test_a_promise_waits_for_the_disk_and_a_step_does_not() -> None:
    """C3: with synchronous=NORMAL an answered 202 may be gone after a power cut, while its guest is there."""
    assert "synchronous=FULL;" in read("")["OPTIONS"]["init_command"]
    cloud = settings.read({"STACKLING_DATA": "/nowhere"})
    set_of = {
        one.name: one.environment.get("STACKLING_SQLITE_SYNCHRONOUS") for one in programs.control_plane(cloud, False)
    }
    assert set_of["control"] == "NORMAL" and set_of["web"] is None
    assert "synchronous=NORMAL;" in read("", STACKLING_SQLITE_SYNCHRONOUS="NORMAL")["OPTIONS"]["init_command"]


def test_a_connection_of_the_product_waits_for_the_disk(tmp_path: Path) -> None:
    """C3: 2 is FULL."""
    asks = (
        "import django; django.setup(); from django.db import connection; c = connection.cursor();"
        "c.execute('PRAGMA synchronous'); print(c.fetchone()[0])"
    )
    env = {**os.environ, "STACKLING_DATA": str(tmp_path), "STACKLING_TESTING": "1", "DJANGO_SETTINGS_MODULE": "cloud.settings",
           "DATABASE_URL": f"sqlite://{tmp_path}/x.sqlite3"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", asks], env=env, cwd=CLONE, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2", done.stderr


def test_the_password_is_in_no_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C3: `pg_dump --dbname=<URL with password>` is in the process list."""
    program, seen = tmp_path / "pg_dump", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\n{{ echo "$0 $@"; stat -c %a "$PGSERVICEFILE"; cat "$PGSERVICEFILE"; }} > {seen}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    entry = read("postgres://u:very%20secret@h:5433/d?sslmode=verify-full&sslpassword=also")
    backup_database.pg_dump(entry, tmp_path / "out.dump")
    arguments, mode, *lines = seen.read_text().splitlines()
    assert "secret" not in arguments and "also" not in arguments and "h:5433" not in arguments and mode == "600"
    assert {"password=very secret", "host=h", "sslmode=verify-full", "sslpassword=also"} <= set(lines)
    with pytest.raises(database.BadUrl, match="line end"):
        database.service_file(read("postgres://u:a%0Ab@h/d"), "x")


def test_a_real_postgresql_ends_statements_and_is_copied(tmp_path: Path) -> None:
    """C3: the times reach the server, and a copy is made with what the address says."""
    import psycopg

    if not shutil.which("pg_dump"):
        pytest.fail("pg_dump is not installed; `./setup.sh test` installs it")
    with postgres() as url:
        entry = read(f"{url}?application_name=texts", STACKLING_DB_STATEMENT_SECONDS="1")
        where = {"host": entry["HOST"], "dbname": entry["NAME"], "user": entry["USER"]}
        with psycopg.connect(**where, **entry["OPTIONS"]) as link:
            assert link.execute("SHOW application_name").fetchone() == ("texts",)
            assert link.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("2min",)
            with pytest.raises(psycopg.errors.QueryCanceled):
                link.execute("SELECT pg_sleep(30)")
        backup_database.pg_dump(entry, tmp_path / "out.dump")
        assert (tmp_path / "out.dump").read_bytes()[:5] == b"PGDMP"
