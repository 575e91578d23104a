"""Named stores of bytes: what images, backups and objects need of a folder, a pool or a bucket, whatever it is.

An app keeps a `Registry` of its own and asks it for a store by name; it reads and writes through `Store` alone. Abilities that only some
stores can do is a capability, to be asked for before it is used. `tests/common/test_stores.py` is what every store must pass.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, NotFound

#: Abilities that not every store has. "location": `location` names a file of this machine, which another program may read.
#: "clone": a storage driver makes a disk of an object without a copy of its bytes.
Capability = Literal["location", "clone"]


_KEY = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,200}\Z")


def checked(key: str) -> str:
    """Check a key, and return it where it is one of a store: nothing of a path, so that none names what lies outside. Raises: ValueError."""
    if not _KEY.match(key):
        raise ValueError(f"{key[:200]!r} is no key of a store: letters, digits, - _ . and none of them a dot in front")
    return key


class StoreFull(CloudError):
    template = _("The store has no room: %(need)s bytes are needed, %(have)s are free.")


class DataMissing(NotFound):
    template = _("The data of %(id)s is not in the store.")


@dataclass(frozen=True)
class Stat:
    """Facts of one object: `size` in bytes, `modified` in seconds since the epoch."""

    size: int
    modified: float


class Writing(Protocol):
    """An object in the making, as a context: without `settle` nothing of it stays. Nobody reads it before it is settled.

    Raises (from write, flush and settle): StoreFull.
    """

    size: int

    def write(self, piece: bytes) -> None: ...

    def flush(self) -> None:
        """Bring everything written to stable storage."""

    def local(self) -> AbstractContextManager[Path]:
        """Give a file of this machine with the bytes written so far, for programs that read files; valid inside the context."""

    def settle(self) -> None:
        """Give the bytes their key, in one step and durably; what had it before is replaced."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Store(Protocol):
    """A place of objects by key. A key is letters, digits, `-`, `_` and `.` (not in front), and ends in none of the store's own suffixes.

    Raises (from every call with a key): ValueError for another.
    """

    name: str
    description: str | Promise
    capabilities: frozenset[Capability]

    def put(self, key: str) -> Writing:
        """Begin an object. Several may be written under one key at a time; the last one settled stays."""

    def get(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Find the bytes [start, start + length) in pieces; to the end without a length. The object is opened by the call.

        Raises: DataMissing.
        """

    def stat(self, key: str) -> Stat | None:
        """None where there is no such object."""

    def remove(self, key: str) -> None:
        """Remove an object; absent is success."""

    def location(self, key: str) -> Path:
        """Return the file of an object; only with capability "location". It need not be there."""

    def free(self) -> int:
        """Bytes that may still be written."""

    def used_below(self, prefix: str) -> int:
        """Bytes of all objects whose keys begin with `prefix`, those in the making too."""

    def collect_garbage(self, *, older_than: float) -> int:
        """Remove unsettled objects that nobody wrote to for `older_than` seconds. Returns how many."""


class Registry:
    """An app's stores by name; the first one added is the default."""

    def __init__(self) -> None:
        self._stores: dict[str, Store] = {}

    def add(self, store: Store) -> None:
        """Register a store under its name. Raises: ValueError where the name is taken."""
        if store.name in self._stores:
            raise ValueError(f"a store is named {store.name} already")
        self._stores[store.name] = store

    def __iter__(self) -> Iterator[Store]:
        return iter(self._stores.values())

    def __contains__(self, name: object) -> bool:
        return name in self._stores

    @property
    def default(self) -> Store:
        return next(iter(self._stores.values()))


def is_whole(store: Store, key: str, size: int | None) -> bool:
    """Whether an object of `size` bytes is there; None: of any size."""
    stat = store.stat(key)
    return stat is not None and size in (None, stat.size)
