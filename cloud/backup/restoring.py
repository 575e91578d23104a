"""Putting a backup back: everything is fetched, opened and held against its sums beside the data before anything is changed."""

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from cloud.backup import database, manifest
from cloud.backup.errors import BackupError
from cloud.backup.folders import Folder
from cloud.backup.making import KEY_FILES
from cloud.backup.manifest import Described, Manifest
from cloud.backup.places import Place
from cloud.backup.sealing import Seal
from cloud.run.up import UNFINISHED
from cloud.run.users import Account
from common.stores import is_whole
from hostagent.contract.host import Cloud
from hostagent.process.durable import put_whole
from images import stores

Say = Callable[[str], None]

ASIDE: Final = "replaced"
#: Files and folders in STACKLING_DATA that a backup replaces; hosts' folders and logs stay.
REPLACED: Final = ("keys", "passwords", "clouds.yaml", "policy.yaml")
_SQLITE: Final = ("", "-wal", "-shm")


def entry() -> database.Entry:
    """Return the database that settings name."""
    return connection.settings_dict


@dataclass
class Source:
    """A backup whose passphrase, if it has one, is right."""

    place: Place
    folder: str
    manifest: Manifest
    seal: Seal | None


def find(place: Place, name: str = "") -> tuple[Place, str]:
    """Find the backup of that name, else the newest; `place` may be a backup itself. Raises: BackupError."""
    if isinstance(place, Folder) and (place.path / manifest.NAME).is_file():
        return Folder(place.path.parent), place.path.name
    found = manifest.whole(place)
    if name:
        if name not in found:
            raise BackupError(
                f"There is no whole backup {name} in {place.where}. There are: {', '.join(found) or 'none'}."
            )
        return place, name
    if not found:
        raise BackupError(f"There is no whole backup in {place.where}.")
    if len({manifest.cloud_of(one) for one in found}) > 1:
        raise BackupError(f"{place.where} has backups of several clouds. Say which, --name: {', '.join(found)}.")
    return place, found[-1]


def source(place: Place, name: str, passphrase: str | None) -> Source:
    """Find a backup by name and read its manifest with the passphrase. Raises: BackupError."""
    place, folder = find(place, name)
    found, said = manifest.read(place, folder)
    return Source(place, folder, found, manifest.seal_of(found, said, passphrase))


def check(given: Source, say: Say) -> None:
    """Check that every part is there and is what was saved. Raises: BackupError."""
    for part in given.manifest.parts:
        for _piece in manifest.contents(given.place, given.folder, part, given.seal):
            pass
        say(f"{part.name}  {part.size} bytes  as saved")


# ── Fetched ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Fetched:
    """A backup's contents, in a folder of ours beside the data."""

    folder: Path
    database: Path
    engine: str
    keys: dict[str, str] = field(default_factory=dict)
    policy: Path | None = None
    rows: list[Described] = field(default_factory=list)  # of images
    images: list[Path] = field(default_factory=list)
    has_keys: bool = False


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder beside the data that goes afterwards; 0700."""
    data = Path(settings.DATA)
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    for left in data.glob(".restore-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(given: Source, into: Path, say: Say) -> Fetched:
    """Fetch every part, in files of `into`. Raises: BackupError."""
    found = Fetched(into, into / "database", given.manifest.engine)
    for part in given.manifest.parts:
        with os.fdopen(os.open(into / part.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                for piece in manifest.contents(given.place, given.folder, part, given.seal):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise BackupError(f"{into} cannot be written: {error.strerror}.") from error
        say(f"{part.name}  {part.size} bytes  as saved")
    if not found.database.exists():
        raise BackupError("This backup has no database in it.")
    found.has_keys = (into / "keys").exists()
    found.keys = _keys(into / "keys") if found.has_keys else {}
    found.policy = into / "policy.yaml" if (into / "policy.yaml").exists() else None
    found.rows = json.loads((into / "images").read_text()) if (into / "images").exists() else []
    found.images = sorted(into.glob("image-*"))
    return found


def _keys(path: Path) -> dict[str, str]:
    """Read the keys of a backup: file name → text. Raises: BackupError for a name that is no key's, or without the secret."""
    found = json.loads(path.read_text())
    for name, text in found.items():
        if not KEY_FILES.fullmatch(name) or not isinstance(text, str):
            raise BackupError(f"The backup holds a key named {name[:100]!r}, which is no name of one.")
    if "keys/secret" not in found:
        raise BackupError("The backup holds no secret: without it nothing that is sealed can be opened.")
    return dict(found)


# ── May it ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def examine(found: Fetched, migrations: list[str], *, replace: bool) -> None:
    """Whether it fits this code, these settings and what is here. Raises: BackupError."""
    ours = database.engine(entry())
    if found.engine != ours:
        raise BackupError(
            f"This backup is of a cloud on {_NAMES[found.engine]}, and the settings here name {_NAMES[ours]}: one cannot be put into"
            f" the other. {_HELP[found.engine]}"
        )
    if ours == "sqlite":
        migrations = sorted({*migrations, *database.examined(found.database)})
    if newer := database.unknown(migrations):
        raise BackupError(
            f"The database in this backup is newer than this code: it holds {', '.join(newer[:3])}. Restore it with the version"
            " that wrote it."
        )
    given = os.environ.get("STACKLING_SECRET_KEY", "")
    if found.has_keys and given and given not in found.keys["keys/secret"].split():
        raise BackupError(
            "STACKLING_SECRET_KEY is set, and is another secret than this cloud's: nothing that is sealed in the database could be"
            " opened. Take that setting away: the backup brings its own."
        )
    there = occupied(found)
    if there and not replace:
        raise BackupError(
            f"There is a cloud already: {', '.join(there)}. --replace sets it aside (in {settings.DATA}/{ASIDE}; of PostgreSQL, in a"
            " schema of its own) and puts the backup in its place; nothing is deleted."
        )


_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_HELP = {
    "sqlite": "Leave DATABASE_URL empty.",
    "postgresql": "Set DATABASE_URL to an empty PostgreSQL database.",
}


def occupied(found: Fetched) -> list[str]:
    """List the existing paths, and the database if it has tables, that the backup would replace."""
    there = [str(path) for path in _paths(found) if path.exists() or path.is_symlink()]
    if found.engine == "postgresql" and database.tables():
        there.append("the database that DATABASE_URL names")
    return there


def _paths(found: Fetched) -> list[Path]:
    """Files and folders that are set aside, whether they are there or not."""
    data = Path(settings.DATA)
    names = [name for name in REPLACED if found.has_keys or name == "policy.yaml"]
    paths = [data / name for name in names] + ([data / "images"] if found.images else [])
    if found.engine == "sqlite":
        paths += [Path(f"{entry()['NAME']}{end}") for end in _SQLITE]
    return paths


# ── Installed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def install(found: Fetched, life: Cloud | None, account: Account, say: Say) -> None:
    """Sets aside what is here and puts the backup in its place. Raises: BackupError."""
    data = Path(settings.DATA)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    (data / UNFINISHED).write_text(f"{stamp}\n")
    (data / UNFINISHED).chmod(0o600)
    _set_aside(found, stamp, account, say)
    if found.engine == "sqlite":
        _put_sqlite(found.database, life, account)
    else:
        _put_postgresql(found.database, life)
    for name, text in found.keys.items():
        _put(data / name, text, account)
    if found.policy is not None:
        _put(data / "policy.yaml", found.policy.read_text(), account)
    if found.images:
        store = data / "images"
        _folder(store, account)
        for path in found.images:
            account.give(path)
            path.rename(store / path.name.removeprefix("image-"))
    (data / UNFINISHED).unlink()


def _set_aside(found: Fetched, stamp: str, account: Account, say: Say) -> None:
    aside = Path(settings.DATA) / ASIDE / stamp
    for path in _paths(found):
        if path.exists() or path.is_symlink():
            _folder(aside.parent, account)
            _folder(aside, account)
            shutil.move(path, aside / path.name)
            say(f"{path.name}  set aside in {aside}")
    if found.engine == "postgresql" and database.tables():
        schema = f"{database.ASIDE}{stamp.lower()}"
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER SCHEMA public RENAME TO "{schema}"')
            cursor.execute("CREATE SCHEMA public")
        say(f"the tables of before  set aside in the schema {schema}")


def _put_sqlite(copy: Path, life: Cloud | None, account: Account) -> None:
    if life is not None:
        with closing(sqlite3.connect(copy)) as link, link:
            link.execute(database.OLDER.format("?"), (life["count"], life["life"], life["count"]))
    target = Path(entry()["NAME"])
    fresh = target.with_name(f".{target.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    shutil.move(copy, fresh)
    fresh.chmod(0o600)
    account.give(fresh)
    put_whole(fresh, target)


def _put_postgresql(dump: Path, life: Cloud | None) -> None:
    connection.close()
    database.pg_restore(entry(), dump)
    if life is not None:
        with connection.cursor() as cursor:
            cursor.execute(database.OLDER.format("%s"), (life["count"], life["life"], life["count"]))


def _folder(path: Path, account: Account) -> None:
    if not path.is_dir():
        path.mkdir(mode=0o700)
        account.give(path)


def _put(path: Path, text: str, account: Account) -> None:
    for folder in reversed(path.relative_to(settings.DATA).parents[:-1]):
        _folder(Path(settings.DATA) / folder, account)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    account.give(path)


def missing_images(rows: list[Described]) -> list[Described]:
    """Filter a backup's list of images to those whose bytes are not in the store, or not whole."""
    return [row for row in rows if not is_whole(stores.default(), row["id"], row["size"])]


def copied(file: Path, into: Path) -> Fetched:
    """Return a copy of the database alone, such as an upgrade makes. Raises: BackupError."""
    target = into / "database"
    try:
        shutil.copyfile(file, target)
        target.chmod(0o600)
        with target.open("rb") as start:
            head = start.read(15)
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.") from None
    engine = "sqlite" if head == b"SQLite format 3" else "postgresql" if head.startswith(b"PGDMP") else ""
    if not engine:
        raise BackupError(f"{file} is neither a backup nor a copy of a database.")
    return Fetched(into, target, engine)
