"""A cloud on PostgreSQL is backed up and comes back; what was there is set aside in a schema of its own (C4)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import CLONE
from tests.servers import postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BEGIN = """
import django
django.setup()
from cloud.run import prepare
prepare.migrate()
from hosts import epoch
epoch.begin()
"""


def test_there_and_back(tmp_path: Path) -> None:
    """C4: also, one engine's backup is not put into the other."""
    import psycopg

    data, there, secret = tmp_path / "data", str(tmp_path / "there"), tmp_path / "passphrase"
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "secret").write_text("ab" * 32)
    secret.write_text("correct horse battery staple")
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    with postgres() as url:
        environment = {**os.environ, "STACKLING_DATA": str(data), "DATABASE_URL": url, "STACKLING_USER": "root"}
        environment |= {"DJANGO_SETTINGS_MODULE": "cloud.settings", "PYTHONPATH": str(CLONE)}

        def run(*arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=CLONE,
                env={**environment, **more},
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert not check or done.returncode == 0, done.stderr[-3000:]
            return done

        def ask(query: str) -> list[tuple[object, ...]]:
            with psycopg.connect(url) as link:
                return list(link.execute(query).fetchall())

        run("-c", BEGIN)
        run("manage.py", "cloud_backup", there, "--passphrase-file", str(secret))
        (count,) = ask("SELECT count FROM hosts_life")[0]
        assert isinstance(count, int) and count > 0, "the count was raised before the copy"
        refused = run("manage.py", "cloud_restore", there, "--passphrase-file", str(secret), check=False)
        assert refused.returncode and "There is a cloud already" in refused.stderr and "Traceback" not in refused.stderr
        run("manage.py", "cloud_restore", there, "--passphrase-file", str(secret), "--replace")
        schemas = [str(row[0]) for row in ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replaced_%'")]
        assert len(schemas) == 1
        assert ask(f'SELECT count FROM "{schemas[0]}".hosts_life') == [(count,)], "nothing of it is deleted"
        assert ask("SELECT count FROM hosts_life") == [(count - 1,)], "older than whatever left after the copy"
        assert json.loads(run("-c", MIGRATIONS).stdout) == [], "it is whole for this code"
        run("manage.py", "cloud_backup", there, "--passphrase-file", str(secret))
        run("manage.py", "cloud_restore", there, "--passphrase-file", str(secret), "--replace")
        assert len(ask("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'replaced_%'")) == 2, "none came out of a backup"
        other = run(
            "manage.py", "cloud_restore", there, "--passphrase-file", str(secret), check=False,
            DATABASE_URL="", STACKLING_DATA=str(tmp_path / "other"),
        )  # fmt: skip
        assert other.returncode and "on PostgreSQL, and the settings here name SQLite" in other.stderr


MIGRATIONS = """
import django, json
django.setup()
from cloud.run import prepare
print(json.dumps(prepare._plan()[0]))
"""
