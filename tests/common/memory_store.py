"""A store in memory, for tests: no file, no folder, and as much room as it is given."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from common.stores import Capability, DataMissing, Stat, StoreFull, checked


class MemoryStore:
    description = "Memory"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, name: str = "memory", room: int = 1 << 30) -> None:
        self.name, self.room = name, room
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.unsettled: list[MemoryWriting] = []

    def put(self, key: str) -> "MemoryWriting":
        return MemoryWriting(self, checked(key))

    def get(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if checked(key) not in self.objects:
            raise DataMissing(id=key)
        found = self.objects[key][0][start:]
        return iter([found if length is None else found[:length]])

    def stat(self, key: str) -> Stat | None:
        found = self.objects.get(checked(key))
        return Stat(len(found[0]), found[1]) if found else None

    def remove(self, key: str) -> None:
        self.objects.pop(checked(key), None)

    def location(self, key: str) -> Path:
        raise NotImplementedError("it has not the capability")

    def free(self) -> int:
        return max(0, self.room - self.used_below(""))

    def used_below(self, prefix: str) -> int:
        settled = sum(len(data) for key, (data, _at) in self.objects.items() if key.startswith(prefix))
        return settled + sum(one.size for one in self.unsettled if f"{one.key}.part".startswith(prefix))

    def collect_garbage(self, *, older_than: float) -> int:
        old = [one for one in self.unsettled if time.time() - one.written_at > older_than]
        self.unsettled = [one for one in self.unsettled if one not in old]
        return len(old)


class MemoryWriting:
    def __init__(self, store: MemoryStore, key: str) -> None:
        self._store, self.key = store, key
        self._data, self.size, self.written_at = bytearray(), 0, time.time()
        store.unsettled.append(self)

    def write(self, piece: bytes) -> None:
        if len(piece) > self._store.free():
            raise StoreFull(need=self.size + len(piece), have=self._store.free())
        self._data += piece
        self.size, self.written_at = len(self._data), time.time()

    def flush(self) -> None:
        """Nothing is between."""

    @contextmanager
    def local(self) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile() as file:
            file.write(self._data)
            file.flush()
            yield Path(file.name)

    def settle(self) -> None:
        self._store.objects[self.key] = bytes(self._data), time.time()

    def __enter__(self) -> "MemoryWriting":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self in self._store.unsettled:
            self._store.unsettled.remove(self)
