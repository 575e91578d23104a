"""Making a backup of this cloud, while it runs or not."""

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.db import connection

from cloud.backup import database, manifest, turn
from cloud.backup.errors import BackupError
from cloud.backup.manifest import Manifest, Part
from cloud.backup.places import PIECE, Place
from cloud.backup.sealing import Seal
from common.clock import now
from hostagent.contract.host import Cloud
from hosts import epoch
from hosts.models import Host
from images import stores
from images.images import states
from images.images.models import Image

#: Files of STACKLING_DATA that are keys, or open like one. Those of settings are written at each start.
KEY_FILES: Final = re.compile(
    r"passwords|keys/(secret|hashes|tokens/\d{1,9}|hosts/[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.key)"
)
ABANDONED: Final = timedelta(days=1)  # after which a backup that has no manifest was cut, wherever it was made
SETTLE: Final = epoch.TRUSTED + 0.5  # seconds until no process knows the count from before

Say = Callable[[str], None]


def make(place: Place, *, passphrase: str | None, whole: bool, keep: int | None, say: Say) -> str:
    """Writes a backup and gives its name; nothing of it stays where it cannot be whole.

    `whole`: the images' bytes too. `keep`: so many of this cloud's backups stay there, the older ones go. Raises: BackupError.
    """
    with turn.alone("a backup"):
        for left in turn.folder().glob(".copy-*"):
            left.unlink()
        told = epoch.before_copy()
        moment = now().astimezone(UTC)
        name = f"{told['id']}-{moment:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"
        seal = Seal(passphrase) if passphrase is not None else None
        found = _manifest(moment, told, whole, seal)
        try:
            if turn.is_running():
                time.sleep(SETTLE)
            _write(place, name, found, seal, say)
        except BaseException:
            with suppress(BackupError):
                place.remove(name)
            raise
        tidy(place, told["id"], keep, say)
    return name


def _manifest(moment: datetime, told: Cloud, whole: bool, seal: Seal | None) -> Manifest:
    return Manifest(
        made_at=moment.isoformat(timespec="seconds"),
        data=str(settings.DATA),
        engine=database.engine(connection.settings_dict),
        code=_commit(),
        versions={"django": django.get_version()},
        migrations=database.applied(),
        life=told,
        images="whole" if whole else "by-reference",
        hosts=sorted(Host.objects.values_list("name", flat=True)),
        sealing=seal.facts if seal else None,
    )


def _commit() -> str:
    command = ["git", "-C", str(settings.BASE_DIR), "rev-parse", "--short", "HEAD"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"
    return "unknown"


# ── Parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write(place: Place, name: str, found: Manifest, seal: Seal | None, say: Say) -> None:
    def put(part: str, pieces: Iterator[bytes], about: int = 0) -> None:
        digest, size = sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in seal.close(part, pieces) if seal is not None else pieces:
                digest.update(piece)
                size += len(piece)
                yield piece

        place.put(name, part, counted(), about)
        found.parts.append(Part(part, size, digest.hexdigest()))
        say(f"{part}  {size} bytes")

    scratch = turn.folder() / f".copy-{os.getpid()}"
    try:
        database.copy(scratch)
        put("database", read(scratch), scratch.stat().st_size)
    finally:
        for path in turn.folder().glob(f"{scratch.name}*"):
            path.unlink()
    if seal is not None:  # after the database: what it needs of keys was made before its rows
        put("keys", iter([json.dumps(keys()).encode()]))
    policy = Path(settings.POLICY_FILE)
    if policy.exists():
        put("policy.yaml", read(policy))
    rows = [
        _described(image)
        for image in Image.objects.filter(status__in=(states.ACTIVE, states.DEACTIVATED)).order_by("id")
    ]
    put("images", iter([json.dumps(rows).encode()]))
    for row in rows if found.images == "whole" else ():
        if Path(row["path"]).exists():  # else it was deleted a moment ago
            put(f"image-{row['id']}", read(Path(row["path"])), row["size"] or 0)
    manifest.write(place, name, found, seal)


def read(path: Path) -> Iterator[bytes]:
    """Read a file's bytes in pieces. Raises: BackupError."""
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None


def keys() -> dict[str, str]:
    """Path below STACKLING_DATA → text, of every key of the cloud. Raises: BackupError."""
    data = Path(settings.DATA)
    found = {}
    for path in [data / "passwords", *sorted((data / "keys").rglob("*"))]:
        name = str(path.relative_to(data))
        if KEY_FILES.fullmatch(name) and path.is_file():
            found[name] = b"".join(read(path)).decode()
    if settings.SECRET_FILE is None:  # it comes from a setting
        found["keys/secret"] = settings.SECRET_KEY + "\n"
    return found


def _described(image: Image) -> manifest.Described:
    """Describe an image for the manifest: its place in the store, size and checksum."""
    return {
        "id": image.pk,
        "name": image.name,
        "size": image.size,
        "algorithm": image.os_hash_algo,
        "checksum": image.os_hash_value,
        "path": stores.place_of(image.pk),
    }


# ── Old ones ────────────────────────────────────────────────────────────────────────────────────────────────────────


def tidy(place: Place, cloud: str, keep: int | None, say: Say) -> None:
    """Remove what backups of this cloud left when they were cut, and all but the newest `keep`. Raises: BackupError."""
    ours = [name for name in place.folders() if manifest.FOLDER.fullmatch(name) and manifest.cloud_of(name) == cloud]
    good = [name for name in manifest.whole(place) if name in ours]
    before = f"{(now() - ABANDONED).astimezone(UTC):%Y%m%dT%H%M%S%f}"
    old = [name for name in ours if name not in good and manifest.when(name) < before]
    place.forget_halves()
    for name in old + (good[:-keep] if keep else []):
        place.remove(name)
        say(f"{name}  removed")
