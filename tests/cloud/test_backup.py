"""Backups: whole or none, nobody's but ours, and back again (C4). tests/trouble/test_restore.py has a running cloud."""

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cloud.backup import database, making, manifest, nightly, restoring, sealing, turn
from cloud.backup.destinations import place
from cloud.backup.errors import BackupError
from cloud.backup.folders import Folder
from cloud.run.users import Account
from hosts import doctor, epoch
from hosts.models import Life
from identity.projects.models import Project
from images.images.models import Image

PASSPHRASE = "correct horse battery staple"
KEYS = {
    "keys/secret": "s3cret\n",
    "keys/tokens/0": "t0",
    "keys/hosts/h1.key": "cd\n",
    "passwords": "admin: x\n",
}
ME = Account("me", os.getuid(), os.getgid())


#: Copies of SQLite's file; of PostgreSQL: test_backup_postgresql.py.
pytestmark = [pytest.mark.sqlite, pytest.mark.process]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """scrypt's cost is not what is tested."""
    monkeypatch.setattr(sealing, "COST", 1 << 4)


@pytest.fixture
def data(settings: Any, tmp_path: Path, db: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """STACKLING_DATA of a cloud with keys, a policy and an image."""
    folder = tmp_path / "data"
    settings.DATA, settings.KEYS, settings.IMAGE_STORE = folder, folder / "keys", folder / "images"
    settings.POLICY_FILE, settings.SECRET_FILE = folder / "policy.yaml", folder / "keys" / "secret"
    for name, text in {
        **KEYS,
        "policy.yaml": "a: role:b\n",
        "keys/settings": "DATABASE_URL=postgres://u:p@h/d\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "images").mkdir()
    image = Image.objects.create(name="demo", status="active", size=5, os_hash_algo="sha512", os_hash_value="00")
    (folder / "images" / image.pk).write_bytes(b"bytes")
    epoch.forget()
    epoch.current()
    monkeypatch.setattr(database, "copy", dumped)
    return folder


def dumped(target: Path) -> None:
    """A test's database is in memory, in a transaction that only its own connection sees: no copy of it is to be had."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target)) as new:
        new.executescript("PRAGMA synchronous=OFF;" + "\n".join(connection.connection.iterdump()))


@pytest.fixture
def there(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "there")


def make(there: Any, *, passphrase: str | None = PASSPHRASE, whole: bool = True, keep: int | None = None) -> str:
    return making.make(there, passphrase=passphrase, whole=whole, keep=keep, say=lambda line: None)


def restore(
    there: Any, folder: Path, name: str = "", passphrase: str | None = PASSPHRASE, **how: bool
) -> restoring.Fetched:
    """As the command, without its look at who runs."""
    given = restoring.source(there, name, passphrase)
    with restoring.scratch() as scratch:
        found = restoring.fetch(given, scratch, lambda line: None)
        restoring.examine(found, given.manifest.migrations, replace=how.get("replace", False))
        restoring.install(found, given.manifest.life, ME, lambda line: None)
    return found


@pytest.fixture
def elsewhere(settings: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """From here on STACKLING_DATA is another, empty folder."""

    def move() -> Path:
        folder = tmp_path / "restored"
        settings.DATA, settings.KEYS, settings.IMAGE_STORE = folder, folder / "keys", folder / "images"
        entry = {**connection.settings_dict, "NAME": str(folder / "db.sqlite3")}
        monkeypatch.setattr(restoring, "entry", lambda: entry)
        return folder

    return move


def modes(folder: Path) -> set[str]:
    return {oct(stat.S_IMODE(path.lstat().st_mode)) for path in folder.rglob("*") if path.is_file()}


# ── There and back ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_comes_back_and_keys_are_nowhere_in_the_clear(
    data: Path, there: Folder, elsewhere: Callable[[], Path]
) -> None:
    """C4: no command; restore was by hand, without keys, images and policy."""
    Project.objects.create(name="kept", domain_id=None, is_domain=True)
    name = make(there)
    kept = b"".join(path.read_bytes() for path in (there.path / name).iterdir())
    assert b"s3cret" not in kept and b"SQLite" not in kept and b"bytes" not in kept
    assert modes(there.path) == {"0o600"} and stat.S_IMODE((there.path / name).stat().st_mode) == 0o700
    assert not list((data / "backups").glob(".copy-*"))
    folder = elsewhere()
    found = restore(there, folder)
    assert {name: (folder / name).read_text() for name in KEYS} == KEYS
    assert not (folder / "keys" / "settings").exists(), "what settings say is written at each start"
    assert (folder / "policy.yaml").read_text() == "a: role:b\n"
    assert [path.read_bytes() for path in (folder / "images").iterdir()] == [b"bytes"]
    with closing(sqlite3.connect(folder / "db.sqlite3")) as link:
        assert link.execute("SELECT name FROM identity_project WHERE name = 'kept'").fetchall() == [("kept",)]
    assert modes(folder) == {"0o600"} and restoring.missing_images(found.rows) == []
    assert not list(folder.glob(".rest*"))


def test_images_by_reference_say_what_is_missing(data: Path, there: Folder, elsewhere: Callable[[], Path]) -> None:
    make(there, whole=False)
    folder = elsewhere()
    found = restore(there, folder)
    (row,) = restoring.missing_images(found.rows)
    assert row["name"] == "demo" and row["checksum"] == "00" and row["path"].startswith(str(data / "images"))
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / row["id"]).write_bytes(b"short"[:3])
    assert restoring.missing_images(found.rows), "of another size"


def test_without_a_passphrase_no_key_is_saved(data: Path, there: Folder, elsewhere: Callable[[], Path]) -> None:
    name = make(there, passphrase=None)
    assert not (there.path / name / "keys").exists()
    assert b"s3cret" not in b"".join(path.read_bytes() for path in (there.path / name).iterdir())
    with pytest.raises(BackupError, match="not sealed"):
        restoring.source(there, "", PASSPHRASE)
    folder = elsewhere()
    restore(there, folder, passphrase=None)
    assert not (folder / "keys").exists()


def test_the_command_refuses_what_it_cannot_do_well(settings: Any, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    asks: list[tuple[tuple[str, ...], str]] = [
        ((str(tmp_path / "there"),), "--without-keys"),
        ((), "Where to"),
        ((str(data / "inside"), "--without-keys"), "STACKLING_DATA"),
        (("ftp://host/x", "--without-keys"), "s3://"),
        ((str(tmp_path / "there"), "--passphrase-file", str(file)), "cannot be read"),
        ((str(tmp_path / "there"), "--without-keys", "--keep", "0"), "--keep"),
        (("/proc/version/x", "--without-keys"), "cannot be"),
    ]
    for arguments, words in asks:
        with pytest.raises(CommandError, match=words):
            call_command("cloud_backup", *arguments, stdout=StringIO())
    for text, mode, words in (("short", 0o600, "fewer than"), (PASSPHRASE, 0o644, "chmod 600")):
        file.write_text(text)
        file.chmod(mode)
        with pytest.raises(CommandError, match=words):
            call_command("cloud_backup", str(tmp_path / "there"), "--passphrase-file", str(file), stdout=StringIO())
    assert not (tmp_path / "there").exists()


def test_only_so_many_stay_and_only_ours_go(data: Path, there: Folder) -> None:
    other = f"{'f' * 16}-20200101T000000000000Z-0000"
    there.put(other, manifest.NAME, [b"{}"])
    there.put("notes", "text", [b"not ours"])
    cut = f"{epoch.current()['id']}-20200101T000000000000Z-0000"
    there.put(cut, "database", [b"half"])
    names = [make(there, whole=False) for _ in range(2)]
    assert cut not in there.folders(), "cut long ago"
    names.append(make(there, whole=False, keep=1))
    assert there.folders() == sorted([other, "notes", names[-1]])


# ── Cut, full, changed, hostile ─────────────────────────────────────────────────────────────────────────────────────


def parts_written(there: Folder) -> int:
    return len(list(there.path.glob("*/*")))


def test_a_backup_that_is_killed_anywhere_is_none(data: Path, there: Folder) -> None:
    """C4: kill -9 after each part, and in the midst of each."""
    first = make(there)
    for at in range(1, 100):
        child = os.fork()
        if child == 0:
            left = iter([None] * (at - 1))
            os.fsync = lambda handle, left=left: next(left, 9) and os._exit(9)  # type: ignore[assignment]
            make(there)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        whole = manifest.whole(there)
        if os.waitstatus_to_exitcode(status) == 0:
            break
        assert len(whole) <= 2
        for name in whole:  # killed after the manifest was there: then all is
            restoring.check(restoring.source(there, name, PASSPHRASE), lambda line: None)
        for name in set(whole) - {first}:
            there.remove(name)
    assert at > 10, "it was never cut"
    make(there)
    assert not list((data / "backups").glob(".copy-*")), "what was cut is tidied"


def test_a_full_destination_is_a_sentence_and_leaves_nothing(
    data: Path, there: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(there)
    real, left = os.fdopen, [3]

    def full(handle: int, *args: Any, **kwargs: Any) -> Any:
        if str(there.path) in str(Path(f"/proc/self/fd/{handle}").readlink()):
            left[0] -= 1
            if not left[0]:
                os.close(handle)
                return Path("/dev/full").open("wb", buffering=0)
        return real(handle, *args, **kwargs)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(BackupError, match="no room left"):
        make(there)
    assert there.folders() == [first]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 350])
def test_a_sealed_part_is_all_or_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """C4: every byte that is changed, every cut, every swap of pieces is seen, before a byte of that piece is believed."""
    monkeypatch.setattr(sealing, "PIECE", 100)
    seal = sealing.Seal(PASSPHRASE)
    text = bytes(range(256)) * 2
    kept = b"".join(seal.close("part", [text[:size]]))
    assert b"".join(seal.open("part", [kept[:50], kept[50:]])) == text[:size]
    again = sealing.Seal(PASSPHRASE, seal.facts)
    assert b"".join(again.open("part", [kept])) == text[:size]
    piece = 100 + sealing.TAG
    body = kept[sealing.SALT :]
    swapped = kept[: sealing.SALT] + body[piece : 2 * piece] + body[:piece] + body[2 * piece :]
    wrong = [kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :] for at in range(0, len(kept), 7)]
    wrong += [kept[:at] for at in range(0, len(kept), 13)] + [kept[:-piece], kept + b"x", b""]
    wrong += [swapped] if len(body) > 2 * piece else []
    for one in wrong:
        with pytest.raises(BackupError, match="was changed"):
            list(seal.open("part", [one]))
    with pytest.raises(BackupError, match="was changed"):
        list(seal.open("another", [kept]))
    with pytest.raises(BackupError, match="was changed"):
        list(sealing.Seal(PASSPHRASE + "!", seal.facts).open("part", [kept]))


def test_a_changed_byte_of_any_part_stops_a_restore_before_anything_is_changed(
    data: Path, there: Folder, elsewhere: Callable[[], Path]
) -> None:
    name = make(there)
    folder = elsewhere()
    for path in sorted((there.path / name).iterdir()):
        before = path.read_bytes()
        for text in (
            before[:-9] + bytes([before[-9] ^ 1]) + before[-8:],
            before[: len(before) // 2],
            before + b"x",
            b"",
        ):
            path.write_bytes(text)
            with pytest.raises(BackupError):
                restore(there, folder)
        path.unlink()
        with pytest.raises(BackupError):
            restore(there, folder)
        path.write_bytes(before)
    assert not [path for path in folder.iterdir() if path.name != ".lock"]
    with pytest.raises(BackupError, match="passphrase is another"):
        restore(there, folder, passphrase="another passphrase")
    with pytest.raises(BackupError, match="sealed"):
        restore(there, folder, passphrase=None)
    restore(there, folder)


def forged(there: Folder, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = there.path / name / manifest.NAME
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said["parts"].append({"name": "../../evil", "size": 1, "sha256": ""}),
        lambda said: said["parts"].append({"name": "/etc/cron.d/evil", "size": 1, "sha256": ""}),
        lambda said: said["parts"].append({"name": ".ssh", "size": 1, "sha256": ""}),
        lambda said: said["parts"].append({"name": 7, "size": "many", "sha256": ""}),
        lambda said: said.update(parts=None),
        lambda said: said.update(unknown=1),
        lambda said: said.update(life={"life": "x", "count": "0; DROP TABLE hosts_life"}),
        lambda said: said.update(format=2),
        lambda said: said.pop("engine"),
    ],
)
def test_a_hostile_manifest_leads_nowhere(
    data: Path, there: Folder, elsewhere: Callable[[], Path], change: Callable[[dict[str, Any]], None]
) -> None:
    """C4: also where nothing is signed."""
    name = make(there, passphrase=None, whole=False)
    forged(there, name, change)
    folder = elsewhere()
    with pytest.raises(BackupError):
        restore(there, folder, passphrase=None)
    assert not folder.exists() or not list(folder.iterdir())


def test_a_manifest_nested_without_end_is_none(data: Path, there: Folder) -> None:
    """C4: refused with a sentence."""
    name = make(there, passphrase=None, whole=False)
    there.put(name, manifest.NAME, [b"[" * 100_000])
    with pytest.raises(BackupError, match="none of ours"):
        manifest.read(there, name)


def test_links_keys_and_costs_of_a_hostile_backup_are_refused(
    data: Path, there: Folder, elsewhere: Callable[[], Path], tmp_path: Path
) -> None:
    name = make(there, passphrase=None, whole=False)
    folder, secret = elsewhere(), tmp_path / "others-secret"
    secret.write_text("x")
    part = there.path / name / "policy.yaml"
    part.unlink()
    part.symlink_to(secret)
    with pytest.raises(BackupError, match="link"):
        restore(there, folder, passphrase=None)
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(BackupError, match="no file"):
        restore(there, folder, passphrase=None)
    for cost in (2, 1 << 30, 12345, "x"):
        with pytest.raises(BackupError, match="way of sealing"):
            sealing.Seal(PASSPHRASE, {"kdf": "scrypt", "salt": "00" * 32, "n": cost, "r": 8, "p": 1})
    for hostile in ("keys/../../x", "keys/settings", "/etc/passwd", "keys/hosts/../secret", "keys/hosts/.key"):
        (tmp_path / "keys").write_text(json.dumps({"keys/secret": "x", hostile: "y"}))
        with pytest.raises(BackupError, match="no name of one"):
            restoring._keys(tmp_path / "keys")


# ── Where it may go ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cloud_that_is_there_is_set_aside_and_never_deleted(
    data: Path, there: Folder, elsewhere: Callable[[], Path]
) -> None:
    make(there)
    folder = elsewhere()
    restore(there, folder)
    (folder / "keys" / "secret").write_text("of the second cloud")
    with pytest.raises(BackupError, match="There is a cloud already"):
        restore(there, folder)
    assert (folder / "keys" / "secret").read_text() == "of the second cloud"
    restore(there, folder, replace=True)
    assert (folder / "keys" / "secret").read_text() == "s3cret\n"
    (aside,) = (folder / "replaced").iterdir()
    assert (aside / "keys" / "secret").read_text() == "of the second cloud"
    assert {path.name for path in aside.iterdir()} == {"keys", "passwords", "policy.yaml", "db.sqlite3", "images"}


def test_newer_databases_and_other_engines_are_refused_with_a_sentence(
    data: Path, there: Folder, elsewhere: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make(there, passphrase=None, whole=False)
    folder = elsewhere()
    forged(there, name, lambda said: said["migrations"].append("identity.9999_from_the_future"))
    with pytest.raises(BackupError, match="newer than this code: it holds identity"):
        restore(there, folder, passphrase=None)
    forged(there, name, lambda said: said["migrations"].pop())
    forged(there, name, lambda said: said.update(engine="postgresql"))
    with pytest.raises(BackupError, match="on PostgreSQL, and the settings here name SQLite"):
        restore(there, folder, passphrase=None)
    forged(there, name, lambda said: said.update(engine="sqlite"))
    monkeypatch.setattr(restoring, "entry", lambda: {"ENGINE": "django.db.backends.postgresql", "NAME": "x"})
    with pytest.raises(BackupError, match="on SQLite, and the settings here name PostgreSQL"):
        restore(there, folder, passphrase=None)


def test_the_database_says_itself_what_it_holds(data: Path, there: Folder, elsewhere: Callable[[], Path]) -> None:
    """A manifest may be of another database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('identity', '9999_hidden', '2026-01-01')"
        )
    name = make(there, passphrase=None, whole=False)
    forged(there, name, lambda said: said.update(migrations=[]))
    with pytest.raises(BackupError, match="9999_hidden"):
        restore(there, elsewhere(), passphrase=None)


def test_a_copy_is_older_than_whatever_leaves_after_it(
    data: Path, there: Folder, elsewhere: Callable[[], Path]
) -> None:
    """A4: the count of a life rises once a minute, so within it a copy passed for as new as what was made after it."""
    before = Life.objects.get().count
    make(there, whole=False)
    after = epoch.current()["count"]
    assert after > before
    folder = elsewhere()
    restore(there, folder)
    with closing(sqlite3.connect(folder / "db.sqlite3")) as link:
        assert link.execute("SELECT count FROM hosts_life").fetchall() == [(before,)]


# ── While others write ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_is_one_moment_and_no_writer_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C4: two tables that always agree do so in the copy; meanwhile others commit, and the copy ends."""
    from django.db import connections
    from django.db.backends.signals import connection_created

    file = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(file)) as link:
        link.execute("PRAGMA journal_mode=WAL")
        link.execute("CREATE TABLE one (n INTEGER, filler BLOB)")
        link.execute("CREATE TABLE two (n INTEGER)")
        link.executemany("INSERT INTO one VALUES (0, ?)", [(os.urandom(4000),) for _ in range(8000)])
        link.commit()
    begun, stop, commits = Event(), Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as link:
            while not stop.is_set():
                link.execute("INSERT INTO one (n) VALUES (1)")
                link.execute("INSERT INTO two (n) VALUES (1)")
                link.commit()
                commits[0] += 1
                begun.set()

    class Source:
        settings_dict = {"ENGINE": "common.sqlite", "NAME": str(file)}
        connection = sqlite3.connect(file, check_same_thread=False)

        @staticmethod
        def ensure_connection() -> None: ...

    monkeypatch.setattr("django.db.connection", Source)
    writer = Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        before, copies = commits[0], 0
        while copies < 3 or (commits[0] == before and copies < 100):
            database.copy(tmp_path / f"copy-{copies}")
            copies += 1
    finally:
        stop.set()
        writer.join(30)
        Source.connection.close()
    assert commits[0] > before and connections and connection_created
    for at in range(copies):
        with closing(sqlite3.connect(tmp_path / f"copy-{at}")) as link:
            one, two = (link.execute(f"SELECT count(*) FROM {t} WHERE n = 1").fetchone()[0] for t in ("one", "two"))
            assert one == two and link.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_one_backup_at_a_time(data: Path, there: Folder) -> None:
    with turn.alone("a rotation of keys (secret)"), pytest.raises(BackupError, match="busy with a rotation of keys"):
        make(there)


# ── Each night ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_doctor_says_when_the_last_backup_failed_or_is_old(
    settings: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C4."""
    assert turn.trouble() == ("", "") and not doctor._troubles(apply=False)
    settings.BACKUP_TO = "/there"
    assert turn.trouble() == ("", ""), "none yet, and wanted just now"
    moment = turn.now()
    monkeypatch.setattr(turn, "now", lambda: moment + turn.LATE * 1.1)
    assert turn.trouble()[0] == "late"
    assert dict(nightly._troubles()) == {"failed": 0.0, "late": 1.0}
    turn.note(name="x")
    assert not doctor._troubles(apply=False)
    turn.note("it cannot be written")
    assert dict(nightly._troubles()) == {"failed": 1.0, "late": 0.0}
    (finding,) = doctor._troubles(apply=False)
    assert finding.kind == "backup" and "it cannot be written" in finding.text and not finding.mended
    turn.note(name="y")
    monkeypatch.setattr(turn, "now", lambda: moment + turn.LATE * 2.2)
    assert turn.trouble()[0] == "late"
    assert modes(data / "backups") == {"0o600"}


def test_the_nights_backup_is_a_process_of_its_own_and_says_how_it_ended(
    settings: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BACKUP_TO, settings.BACKUP_PASSPHRASE_FILE = "", "/passphrase"
    nightly.run("all")  # nothing is wanted
    program = tmp_path / "python"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/seen\necho "CommandError: $(cat {tmp_path}/why)" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    (tmp_path / "why").write_text("there is no room left")
    monkeypatch.setattr(nightly.sys, "executable", str(program))
    settings.BACKUP_TO, settings.BACKUP_S3_SECRET_KEY = "s3://bucket/x", "very-secret"
    nightly.run("all")
    assert (tmp_path / "seen").read_text() == "manage.py cloud_backup --keep 7\n"
    assert "there is no room left" in caplog.text and "very-secret" not in caplog.text
    assert turn.trouble() == ("failed", "there is no room left")


# ── S3 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bucket(settings: Any) -> Iterator[str]:
    """A server that speaks S3, on loopback, and a bucket in it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.BACKUP_S3_ENDPOINT, settings.BACKUP_S3_REGION = f"http://{host}:{port}", "us-east-1"
    settings.BACKUP_S3_ACCESS_KEY, settings.BACKUP_S3_SECRET_KEY = "me", "very-secret"
    boto3.client(
        "s3", endpoint_url=settings.BACKUP_S3_ENDPOINT, region_name="us-east-1", aws_access_key_id="me",
        aws_secret_access_key="very-secret",
    ).create_bucket(Bucket="backups")  # fmt: skip
    try:
        yield "s3://backups/clouds/one"
    finally:
        server.stop()


def test_to_s3_and_back(
    bucket: str, data: Path, elsewhere: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C4."""
    from cloud.backup import s3

    monkeypatch.setattr(s3, "CHUNK", 5 << 20)
    image = Image.objects.create(
        name="large", status="active", size=13 << 20, os_hash_algo="sha512", os_hash_value="00"
    )
    (data / "images" / image.pk).write_bytes(os.urandom(13 << 20))
    there = place(bucket)
    with pytest.raises(BackupError, match="no whole backup"):
        restoring.find(there)
    first = make(there)
    assert manifest.whole(there) == [first]
    restoring.check(restoring.source(there, "", PASSPHRASE), lambda line: None)
    there.put(f"{epoch.current()['id']}-20300101T000000000000Z-0000", "database", [b"half"])
    assert restoring.find(there)[1] == first, "what has no manifest is none"
    second = make(there, whole=False, keep=1)
    assert manifest.whole(there) == [second] and first not in there.folders()
    there.remove(second)
    third = make(there)
    folder = elsewhere()
    restore(there, folder, third)
    assert (folder / "images" / image.pk).read_bytes() == (data / "images" / image.pk).read_bytes()


def test_s3_that_refuses_or_is_not_there_is_a_sentence_without_its_keys(settings: Any, bucket: str, data: Path) -> None:
    for url, words in (
        ("s3://absent/x", "NoSuchBucket"),
        ("s3:///x", "address is"),
        ("s3://user:pass@b/x", "address is"),
    ):
        with pytest.raises(BackupError, match=words) as error:
            make(place(url), whole=False)
        assert "very-secret" not in str(error.value)

    def broken() -> Iterator[bytes]:
        yield b"x" * (20 << 20)
        raise BackupError("the image cannot be read")

    there = place(bucket)
    with pytest.raises(BackupError, match="the image cannot be read"):
        there.put("half", "image", broken())
    assert "half" not in there.folders()
