"""One backup, restore or rotation of keys of a cloud at a time, and what the last backup said."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from cloud.backup.errors import BackupError
from common.clock import now

LATE: Final = timedelta(days=2)  # without a good backup where one a night is wanted


def folder() -> Path:
    """STACKLING_DATA/backups, where copies are made before they leave. A start gives it to control."""
    path = Path(settings.DATA) / "backups"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def give(path: Path) -> None:
    """Give a file made by root to the owner and group of its folder, so that control can use it."""
    owner = path.parent.stat()
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Hold the cloud's lock for `what`. Raises: BackupError while another backup, restore or rotation is at work on this cloud."""
    path = folder() / ".lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+") as lock:
        give(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = lock.read(200).strip() or "a backup or a rotation of keys"
            raise BackupError(f"This cloud is busy with {other}. Try again when that has ended.") from None
        lock.truncate(0)
        lock.write(what)
        lock.flush()
        yield


def is_running() -> bool:
    """Whether a `make run` of this cloud holds its lock."""
    try:
        with (Path(settings.DATA) / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):  # root's own, where control asks: it runs because root runs it
        return True
    return False


# ── How the nightly one went ────────────────────────────────────────────────────────────────────────────────────────


def note(error: str = "", name: str = "") -> None:
    """Write down how a backup to STACKLING_BACKUP_TO ended: its name, or why there is none."""
    moment = now().isoformat()
    said = {**_last(), "tried_at": moment, "error": error}
    if not error:
        said |= {"good_at": moment, "name": name}
    path = folder() / "last.json"
    scratch = path.with_name(".last.json.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(said, file)
    give(scratch)
    scratch.replace(path)


def _last() -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((folder() / "last.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def trouble() -> tuple[str, str]:
    """(what is wrong, its detail) with backups where STACKLING_BACKUP_TO asks for one a night: "failed", "late" or ""."""
    if not settings.BACKUP_TO:
        return "", ""
    said = _last()
    if said.get("error"):
        return "failed", str(said["error"])
    good = said.get("good_at")
    if good is None:
        since = _wanted_since()
        return ("late", "") if since is not None and now() - since > LATE else ("", "")
    return ("late", str(good)[:16]) if now() - datetime.fromisoformat(str(good)) > LATE else ("", "")


def _wanted_since() -> datetime | None:
    """When it was first looked at whether there is a backup, written down now if it was not."""
    said = _last()
    if "wanted_at" not in said:
        path = folder() / "last.json"
        path.write_text(json.dumps({**said, "wanted_at": now().isoformat()}))
        path.chmod(0o600)
        give(path)
        return None
    return datetime.fromisoformat(str(said["wanted_at"]))
