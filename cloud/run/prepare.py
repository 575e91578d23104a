"""Preparation of the database at a start, in a process of its own: `python -m cloud.run.prepare <pid of the start>`.

Prints its steps as JSON lines {"step", "seconds", "note"}; where it must stop, {"refused": sentence} and exit 1.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from cloud.backup import database
from cloud.backup.errors import BackupError
from cloud.run.parent_death import end_with_parent
from cloud.run.settings import CLONE, Refused
from cloud.run.steps import hash_files

KEPT_COPIES = 3


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


@contextmanager
def step(name: str) -> Iterator[list[str]]:
    begin, notes = time.monotonic(), list[str]()
    yield notes
    say(step=name, seconds=time.monotonic() - begin, note=" · ".join(notes))


def _plan() -> tuple[list[str], list[str]]:
    """(migrations still to apply, migrations applied that this code does not have), as `app.name`."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    pending = [f"{m.app_label}.{m.name}" for m, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    known, ours = set(executor.loader.disk_migrations), executor.loader.migrated_apps
    unknown = [
        f"{app}.{name}" for app, name in executor.loader.applied_migrations if (app, name) not in known and app in ours
    ]
    return pending, sorted(unknown)


def copy_database(folder: Path) -> Path | None:
    """Copy the database as it is now; the newest three are kept. None when there is nothing to copy yet.

    Raises: Refused when it cannot be copied.
    """
    from django.db import connection

    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    if connection.vendor == "sqlite":
        source = Path(connection.settings_dict["NAME"])
        if not source.exists() or source.stat().st_size == 0:
            return None
    target = folder / f"db-{stamp}.{'sqlite3' if connection.vendor == 'sqlite' else 'dump'}"
    try:
        database.copy(target)
    except BackupError as error:
        raise Refused(f"The database could not be copied before its upgrade: {error}") from error
    for old_copy in sorted(folder.glob("db-*"))[:-KEPT_COPIES]:
        old_copy.unlink()
    return target


def migrate() -> None:
    """Brings the database to this code's shape, after a copy.

    Raises: Refused when the database was written by newer code.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    pending, unknown = _plan()
    if unknown:
        raise Refused(
            f"The database is newer than this code: it holds {', '.join(unknown[:3])}. Start it with the version that wrote it, "
            "or put back a backup of before (`manage.py cloud_restore SRC --passphrase-file FILE --replace`), or the copy that the upgrade "
            f"made ({settings.DATA}/backups, `manage.py cloud_restore FILE --replace`). A copy does not know what was made since: hosts "
            "that served the newer database then change nothing, and their guests run on, until you decide (`manage.py doctor`)."
        )
    if not pending:
        return
    with step("database") as notes:
        fresh = not connection.introspection.table_names()
        copy = None if fresh else copy_database(settings.DATA / "backups")
        if copy:
            notes.append(f"copied to {copy.name}")
        if connection.vendor == "postgresql":  # it may take its time, unlike a request
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
                )
        call_command("migrate", interactive=False, verbosity=0)
        notes.append(f"{len(pending)} migrations")


def demo_images() -> None:
    """Builds the demo images, unless the same code built them here before.

    Raises: Refused naming the program or package that is missing.
    """
    from django.conf import settings

    from images.demo import build

    stamp, code = (
        settings.DATA / "cache" / "demo" / ".code",
        hash_files([CLONE / "images" / "demo" / "files", *sorted((CLONE / "images" / "demo").glob("*.py"))]),
    )
    if stamp.exists() and stamp.read_text() == code and build.cached(settings.DATA):
        return
    with step("demo images"):
        ours = os.umask(0o022)  # the builder's umask becomes the guest's file modes
        try:
            build.build(settings.DATA / "cache" / "demo")
        except RuntimeError as failure:
            raise Refused(f"The demo images could not be built: {failure}") from failure
        finally:
            os.umask(ours)
    stamp.write_text(code)


def seed() -> None:
    from common import seeding

    with step("accounts, flavors, networks") as notes:
        seeding.run_all(lambda name, made: notes.append(made))


def main() -> int:
    # systemd ends only the process it started (KillMode=process).
    end_with_parent(signal.SIGTERM, parent=int(sys.argv[1]))
    try:
        django.setup()
        for name in ("common.live", "operations.wakeups"):  # nobody listens yet: the broker starts after this
            logging.getLogger(name).setLevel(logging.ERROR)
        migrate()
        demo_images()
        seed()
    except Refused as refusal:
        say(refused=str(refusal))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
