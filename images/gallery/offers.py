"""Reading the gallery's lists: the one that comes with Stackling, and the operator's."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import NotFound
from images.images.states import DISK_FORMATS
from images.tasks.checksums import ALGORITHMS, Proof, is_digest

OURS = Path(__file__).with_name("images.toml")
KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class NoSuchOffer(NotFound):
    template = _("The gallery has no image %(id)s.")


class BadList(Exception):
    """A list that cannot be read; the message says where and why."""


@dataclass(frozen=True)
class Offer:
    """One image that can be added. `min_disk` in GiB, `min_ram` in MiB."""

    key: str
    name: str
    url: str
    proof: Proof
    format: str
    distro: str
    version: str
    login: str
    architecture: str
    min_disk: int
    min_ram: int

    @property
    def place(self) -> str:
        """The host that it comes from."""
        return urlsplit(self.url).hostname or ""


def offers() -> dict[str, Offer]:
    """List what can be added, by key; an operator's list with a fault counts for nothing (`trouble` tells of it)."""
    theirs = Path(settings.IMAGE_GALLERY)
    try:
        return {**_ours(), **(read(theirs) if theirs.exists() else {})}
    except BadList:
        return _ours()


def find(key: str) -> Offer:
    """Find one by key. Raises: NoSuchOffer."""
    found = offers().get(key)
    if found is None:
        raise NoSuchOffer(id=key)
    return found


def trouble() -> str:
    """Say what is wrong with the operator's list; "" where nothing is, or none is there."""
    theirs = Path(settings.IMAGE_GALLERY)
    try:
        read(theirs) if theirs.exists() else None
    except BadList as error:
        return str(error)
    return ""


@cache
def _ours() -> dict[str, Offer]:
    return read(OURS)


def read(path: Path) -> dict[str, Offer]:
    """Read one list. Raises: BadList."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadList(f"{path}: {error}") from None
    return {offer.key: offer for offer in _offers(path, tables)}


def _offers(path: Path, tables: Mapping[str, object]) -> Iterator[Offer]:
    for key, about in tables.items():
        if not KEY.fullmatch(key) or not isinstance(about, dict):
            raise BadList(f"{path}: [{key}] is no table with a name of small letters, digits, dots and dashes")
        try:
            yield _offer(key, about)
        except (KeyError, TypeError, ValueError) as error:
            raise BadList(f"{path}: [{key}]: {error}") from None


def _offer(key: str, about: Mapping[str, object]) -> Offer:
    """Build an offer of its table. Raises: KeyError, ValueError."""
    name, url = str(about["name"]), str(about["url"])
    disk_format = str(about.get("format", "qcow2"))
    if disk_format not in DISK_FORMATS:
        raise ValueError(f"{disk_format} is no format of a disk")
    distro, version, login = (str(about.get(name, "")) for name in ("distro", "version", "login"))
    disk, ram = (int(str(about.get(name, 0))) for name in ("min_disk", "min_ram"))
    file = str(about.get("file") or urlsplit(url).path.rpartition("/")[2])
    architecture = str(about.get("architecture", "x86_64"))
    proof = _proof(about, file)
    return Offer(key, name, url, proof, disk_format, distro, version, login, architecture, disk, ram)


def _proof(about: Mapping[str, object], file: str) -> Proof:
    """Read what its bytes are held against: without that it is no offer. Raises: ValueError."""
    for algorithm, length in ALGORITHMS.items():
        said = str(about.get(algorithm, ""))
        if said.startswith(("https://", "http://")):
            return Proof(algorithm, sums=said, file=file)
        if said:
            if not is_digest(algorithm, said):
                raise ValueError(f"{algorithm} is neither {length} digits in hex nor an address")
            return Proof(algorithm, digest=said)
    raise ValueError(f"it names no checksum: one of {', '.join(ALGORITHMS)}")
