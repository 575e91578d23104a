"""What every store of bytes must do, tried on each there is; and the image service over a store that is no folder."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from common.stores import DataMissing, Registry, Store, StoreFull, is_whole
from common.stores.files import FileStore
from tests.common.memory_store import MemoryStore

MAKERS: dict[str, Callable[[Path], Store]] = {
    "file": lambda folder: FileStore("file", "Files", lambda: folder),
    "memory": lambda folder: MemoryStore(),
}


@pytest.fixture(params=sorted(MAKERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MAKERS[request.param](tmp_path / "store")


def keep(store: Store, key: str, *pieces: bytes) -> None:
    with store.put(key) as part:
        for piece in pieces:
            part.write(piece)
        part.settle()


def read(store: Store, key: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join(store.get(key, start, length))


def test_what_was_settled_comes_back_whole_and_in_part(store: Store) -> None:
    keep(store, "one", b"0123", b"456789")
    assert read(store, "one") == b"0123456789"
    assert read(store, "one", 2, 3) == b"234"
    assert read(store, "one", 7) == b"789"
    assert read(store, "one", 8, 100) == b"89"
    assert read(store, "one", 3, 0) == b""


@pytest.mark.parametrize(
    "key", ["", ".", "..", "../outside", "a/b", "/etc/hostname", ".hidden", "a\n", "a\0b", "x" * 300]
)
def test_a_key_that_is_a_path_reaches_nothing(store: Store, key: str, tmp_path: Path) -> None:
    """A key that a client chose must not name a file beside the store."""
    keep(store, "inside", b"1")
    (tmp_path / "outside").write_bytes(b"secret")
    calls: list[Callable[[], object]] = [
        lambda: read(store, key), lambda: store.stat(key), lambda: store.remove(key), lambda: keep(store, key, b"2"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match="no key of a store"):
            call()
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_a_key_that_would_be_swept_as_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.part"):
        keep(FileStore("file", "Files", lambda: tmp_path), "one.part", b"1")


def test_an_object_of_no_bytes_is_one(store: Store) -> None:
    keep(store, "none")
    assert read(store, "none") == b"" and is_whole(store, "none", 0)


def test_facts_are_told_of_what_is_there(store: Store) -> None:
    assert store.stat("one") is None and not is_whole(store, "one", None)
    before = time.time()
    keep(store, "one", b"12345")
    stat = store.stat("one")
    assert stat is not None and stat.size == 5 and before - 2 < stat.modified < time.time() + 2
    assert is_whole(store, "one", 5) and is_whole(store, "one", None) and not is_whole(store, "one", 4)


def test_what_is_not_there_raises_before_a_piece_is_asked_for(store: Store) -> None:
    with pytest.raises(DataMissing, match="absent"):
        store.get("absent")


def test_nothing_is_there_before_it_is_settled_nor_after_a_failure(store: Store) -> None:
    with store.put("one") as part:
        part.write(b"half")
        part.flush()
        assert store.stat("one") is None and part.size == 4
    assert store.stat("one") is None and store.used_below("") == 0
    with pytest.raises(ZeroDivisionError), store.put("one") as part:
        part.write(b"half")
        raise ZeroDivisionError
    assert store.stat("one") is None and store.used_below("") == 0


def test_what_was_there_stays_until_the_next_is_settled(store: Store) -> None:
    keep(store, "one", b"old")
    with store.put("one") as part:
        part.write(b"newer")
        assert read(store, "one") == b"old"
        part.settle()
    assert read(store, "one") == b"newer" and store.used_below("") == 5


def test_the_last_of_two_writers_stays(store: Store) -> None:
    with store.put("one") as first, store.put("one") as second:
        first.write(b"first")
        second.write(b"second")
        second.settle()
        first.settle()
    assert read(store, "one") == b"first" and store.used_below("one") == 5


def test_a_reader_finishes_what_it_began(store: Store) -> None:
    keep(store, "one", b"old")
    pieces = store.get("one")
    keep(store, "one", b"new")
    store.remove("one")
    assert b"".join(pieces) == b"old"


def test_removing_may_be_repeated(store: Store) -> None:
    keep(store, "one", b"x")
    keep(store, "two", b"y")
    for _time in range(2):
        store.remove("one")
    assert store.stat("one") is None and read(store, "two") == b"y"


def test_bytes_in_the_making_count_below_their_key(store: Store) -> None:
    keep(store, "a.staged", b"123")
    with store.put("a") as part:
        part.write(b"12345")
        part.flush()
        assert store.used_below("a.") == 8 and store.used_below("b.") == 0


def test_programs_can_read_what_was_written_so_far(store: Store) -> None:
    with store.put("one") as part:
        part.write(b"some")
        with part.local() as path:
            assert path.read_bytes() == b"some"
        part.write(b" more")
        part.settle()
    assert read(store, "one") == b"some more"


def test_what_a_killed_writer_left_is_swept(store: Store) -> None:
    part = store.put("one")
    part.write(b"half")
    part.flush()
    assert store.collect_garbage(older_than=3600) == 0 and store.used_below("") == 4
    assert store.collect_garbage(older_than=-1) == 1 and store.used_below("") == 0
    keep(store, "two", b"whole")
    assert store.collect_garbage(older_than=-1) == 0 and read(store, "two") == b"whole"


def test_a_location_is_a_file_with_the_bytes(store: Store) -> None:
    keep(store, "one", b"x")
    if "location" in store.capabilities:
        assert store.location("one").read_bytes() == b"x"
    else:
        with pytest.raises(NotImplementedError):
            store.location("one")


def test_a_full_store_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    full = MemoryStore(room=6)
    with pytest.raises(StoreFull, match="8 bytes are needed, 2 are free"), full.put("one") as part:
        part.write(b"1234")
        part.write(b"5678")
    assert full.free() == 6
    device = FileStore("full", "Full", lambda: tmp_path)
    with pytest.raises(StoreFull), device.put("one") as writing:
        writing._file = Path("/dev/full").open("wb")  # noqa: SIM115
        writing.write(b"x")
        writing.flush()
    assert not list(tmp_path.iterdir())


def test_a_registry_knows_stores_by_name_and_the_first_is_the_default() -> None:
    first, second = MemoryStore("first"), MemoryStore("second")
    registry = Registry()
    registry.add(first)
    registry.add(second)
    assert registry.default is first and list(registry) == [first, second]
    assert "second" in registry and "third" not in registry
    with pytest.raises(ValueError, match="second"):
        registry.add(MemoryStore("second"))
