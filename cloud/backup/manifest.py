"""Manifest of a backup, `manifest.json`: written last, so that a backup with one is whole."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final, TypedDict

from cloud.backup.errors import BackupError
from cloud.backup.places import Place, checked
from cloud.backup.sealing import Seal
from hostagent.contract.host import Cloud

NAME: Final = "manifest.json"
FORMAT: Final = 1
LARGEST: Final = 64 << 20  # bytes of a manifest: a million images
#: `<cloud>-<when>-<four of chance>`: sorted by name is sorted by time. The cloud is the id of its database (hosts.epoch).
FOLDER: Final = re.compile(r"([0-9a-f]{16})-(\d{8}T\d{12})Z-[0-9a-f]{4}")


class Described(TypedDict):
    """An image in the manifest: its place in the store, size in bytes and checksum."""

    id: str
    name: str | None
    size: int | None
    algorithm: str | None
    checksum: str | None
    path: str


@dataclass(frozen=True)
class Part:
    name: str
    size: int  # bytes as kept
    sha256: str


@dataclass
class Manifest:
    """`migrations`: those applied, as `app.name`. `life`: of the database, from before the copy (hosts.epoch)."""

    made_at: str
    data: str  # STACKLING_DATA then
    engine: str  # sqlite or postgresql
    code: str  # the commit
    versions: dict[str, str]
    migrations: list[str]
    life: Cloud
    images: str  # by-reference or whole
    hosts: list[str]
    sealing: dict[str, object] | None  # None: in the clear, and without keys
    parts: list[Part] = field(default_factory=list)
    format: int = FORMAT

    def part(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.name == name), None)


def write(place: Place, folder: str, manifest: Manifest, seal: Seal | None) -> None:
    """Write a backup's manifest, signed if its parts are sealed. Raises: BackupError."""
    said = asdict(manifest)
    if seal is not None:
        said["signature"] = seal.signature(said)
    place.put(folder, NAME, [json.dumps(said, indent=1).encode()])


def read(place: Place, folder: str) -> tuple[Manifest, dict[str, object]]:
    """Read the manifest, and what it says word for word. Raises: BackupError."""
    text = bytearray()
    for piece in place.get(folder, NAME):
        text += piece
        if len(text) > LARGEST:
            raise BackupError(f"The manifest of {folder} is larger than any of ours.")
    try:
        said = json.loads(bytes(text))
        if said["format"] > FORMAT:
            raise BackupError(
                f"The backup {folder} was made by a newer version ({said['code']}): restore it with that one."
            )
        facts = {name: value for name, value in said.items() if name != "signature"}
        parts = [Part(checked(str(one["name"])), int(one["size"]), str(one["sha256"])) for one in facts.pop("parts")]
        found = Manifest(parts=parts, **facts)
        life = found.life
        if not (isinstance(life["count"], int) and isinstance(life["life"], str) and len(found.migrations) >= 0):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupError(f"The manifest of {folder} cannot be read: it was changed, or is none of ours.") from None
    return found, said


def seal_of(manifest: Manifest, said: dict[str, object], passphrase: str | None) -> Seal | None:
    """Derive the key to a backup's parts and check its signature; None for an unsealed backup.

    Raises: BackupError for a passphrase that is wrong, missing, or not called for.
    """
    if manifest.sealing is None:
        if passphrase is not None:
            raise BackupError(
                "This backup is not sealed, so nothing shows that it is yours. If you trust where it lies, leave out"
                " --passphrase-file."
            )
        return None
    if passphrase is None:
        raise BackupError("This backup is sealed: give the file with its passphrase, --passphrase-file.")
    seal = Seal(passphrase, manifest.sealing)
    unsigned = {name: value for name, value in said.items() if name != "signature"}
    if said.get("signature") != seal.signature(unsigned):
        raise BackupError(
            "The passphrase is another one than this backup was sealed with, or its manifest was changed."
        )
    return seal


def contents(place: Place, folder: str, part: Part, seal: Seal | None) -> Iterator[bytes]:
    """Yield a part's bytes, checked against the manifest's size and sum: trust none before the end. Raises: BackupError."""
    kept = _counted(place, folder, part)
    yield from seal.open(part.name, kept) if seal is not None else kept
    for _rest in kept:  # the seal's last piece was there: the sum is still to be looked at
        pass


def _counted(place: Place, folder: str, part: Part) -> Iterator[bytes]:
    digest, size = sha256(), 0
    for piece in place.get(folder, part.name):
        digest.update(piece)
        size += len(piece)
        if size > part.size:
            break
        yield piece
    if (size, digest.hexdigest()) != (part.size, part.sha256):
        raise BackupError(f"The part {part.name} is not what was saved: it was changed or cut. Take another backup.")


def whole(place: Place) -> list[str]:
    """List the backups in a place that have a manifest, oldest first."""
    found = [name for name in place.folders() if FOLDER.fullmatch(name) and place.has(name, NAME)]
    return sorted(found, key=when)


def when(folder: str) -> str:
    """Return the moment in a backup's name, sortable."""
    found = FOLDER.fullmatch(folder)
    return f"{found[2]} {folder}" if found else ""


def cloud_of(folder: str) -> str:
    """Return the cloud in a backup's name."""
    return folder.partition("-")[0]
