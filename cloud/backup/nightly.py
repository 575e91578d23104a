"""The backup of each night, where STACKLING_BACKUP_TO says that there is one: a process of its own, which keeps no memory here."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Final

from django.conf import settings

from cloud.backup import turn
from common import metrics

log = logging.getLogger(__name__)

KIND: Final = "backup"
LONGEST: Final = 20 * 3600.0  # seconds: the next night's must not find it


def run(_key: str) -> None:
    """Make a backup if STACKLING_BACKUP_TO is set, and log how it ended. A failed one is tried again the next night."""
    if not settings.BACKUP_TO:
        return
    command = [sys.executable, "manage.py", "cloud_backup", "--keep", str(max(1, settings.BACKUP_KEEP))]
    if not settings.BACKUP_PASSPHRASE_FILE:
        command.append("--without-keys")
    try:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env={**os.environ}, capture_output=True, text=True, timeout=LONGEST
        )
        error = done.stderr.strip().removeprefix("CommandError: ") if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as failure:
        error = str(failure)
    if error:
        turn.note(error[-2000:])
    else:
        log.info("backup: %s", done.stdout.strip().rpartition("\n")[2])
    look()


def look() -> None:
    """Say in the log what is wrong with backups."""
    what, detail = turn.trouble()
    if what == "failed":
        log.error("backup: the last one to %s failed: %s", settings.BACKUP_TO, detail)
    elif what:
        log.error(
            "backup: there is none of the last two days in %s (the last: %s)", settings.BACKUP_TO, detail or "none"
        )


def count() -> None:
    """Have this process tell what is wrong with backups, by kind: 1 where it is."""
    metrics.gauge_of("stackling_backup_trouble", "Whether the nightly backup failed, or is late.", "what", _troubles)


def _troubles() -> Iterable[tuple[str, float]]:
    wrong, _detail = turn.trouble()
    return [(what, float(what == wrong)) for what in ("failed", "late")]
