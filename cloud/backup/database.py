"""The database out to a file and back, both engines. No password stands among a program's arguments."""

import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from cloud import database
from cloud.backup.errors import BackupError

Entry = Mapping[str, Any]  # Django's, of one database

PATIENCE: Final = 60.0  # seconds that a copy waits for a lock
#: Prefix of the PostgreSQL schemas in which `--replace` sets old tables aside; they are in no backup.
ASIDE: Final = "replaced_"


def engine(entry: Entry) -> str:
    return "postgresql" if entry["ENGINE"].endswith("postgresql") else "sqlite"


def copy(target: Path) -> None:
    """Writes the database that settings name as it is at one moment to a new file, 0600, while others write on.

    SQLite: its backup interface, in one step, which reads one snapshot; writers go on (WAL) and cannot make it begin anew.
    Raises: BackupError.
    """
    from django.db import DatabaseError, connection

    entry = connection.settings_dict
    target.touch(mode=0o600)
    if engine(entry) == "postgresql":
        pg_dump(entry, target)
    else:
        try:
            connection.ensure_connection()
            with closing(sqlite3.connect(target)) as new:
                connection.connection.backup(new, progress=_impatient())
        except (sqlite3.Error, DatabaseError) as error:
            raise BackupError(f"The database {entry['NAME']} cannot be copied to {target}: {error}.") from error


def _impatient() -> Callable[[int, int, int], None]:
    """Python tries for ever where the database is locked: not for us. Called after each try with what SQLite said."""
    until = time.monotonic() + PATIENCE

    def look(said: int, _left: int, _pages: int) -> None:
        if said in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > until:
            raise BackupError(f"The database has been locked for {PATIENCE:.0f} s: something holds it. Try again.")

    return look


def pg_dump(entry: Entry, target: Path) -> None:
    """Dump a PostgreSQL database to a new file. Raises: BackupError with pg_dump's own message."""
    _postgresql(
        entry,
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--exclude-schema={ASIDE}*",
        f"--file={target}",
    )


def pg_restore(entry: Entry, source: Path) -> None:
    """Fills an empty database, wholly or not at all. Raises: BackupError."""
    _postgresql(
        entry, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source)
    )


def _postgresql(entry: Entry, program: str, *arguments: str) -> None:
    with tempfile.TemporaryDirectory(prefix="stackling-pg-") as folder:
        services = Path(folder) / "service"
        services.touch(mode=0o600)
        services.write_text(database.service_file(entry, "copied"))
        done = subprocess.run(
            [program, *arguments, "--dbname=service=copied"],
            capture_output=True, text=True, env={**os.environ, "PGSERVICEFILE": str(services)},
        )  # fmt: skip
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip() or f'it ended with {done.returncode}'}")


def tables() -> list[str]:
    """List the tables of the settings' database; none if it does not exist yet. Raises: django.db.OperationalError."""
    from django.db import connection

    entry = connection.settings_dict
    if engine(entry) == "sqlite" and not Path(entry["NAME"]).exists():
        return []
    return list(connection.introspection.table_names())


def applied() -> list[str]:
    """List the migrations of the database that settings name, as `app.name`."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def unknown(migrations: list[str]) -> list[str]:
    """List the migrations of our own apps that this code lacks: a newer version made them."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    return sorted(one for one in migrations if one not in known and one.partition(".")[0] in loader.migrated_apps)


def examined(file: Path) -> list[str]:
    """List the migrations in an SQLite file that is whole. Raises: BackupError."""
    try:
        with closing(sqlite3.connect(file)) as link:
            said = link.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said == "ok":
                return sorted(".".join(row) for row in link.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.Error as error:
        said = str(error)
    raise BackupError(f"The database in the backup is damaged: {said}.")


#: Statement that makes a copy older than anything ordered after it: see hosts.epoch.before_copy.
OLDER: Final = "UPDATE hosts_life SET count = {0} WHERE life = {0} AND count > {0}"
