"""D (image cache): it has a size; the images used longest ago go, never one that something rests on."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from hostagent.agent.settings import SettingsError, cache_size
from hostagent.drivers.storage.image_cache import YOUNG, ImageCache, backing_of

SIZE = 1 << 20


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    (tmp_path / "cache").mkdir()
    (tmp_path / "disks").mkdir()
    return ImageCache(tmp_path, tmp_path / "cache", 3 * SIZE)


def image(cache: ImageCache, name: str, age: float) -> Path:
    path = cache.folder / (name * 128)
    path.write_bytes(os.urandom(SIZE))
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def overlay(cache: ImageCache, folder: str, on: Path) -> Path:
    path = cache.data / folder / "root.qcow2"
    path.parent.mkdir(parents=True)
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-u", "-b", str(on), "-F", "raw", str(path), "4M"]
    subprocess.run(command, check=True)
    return path


def test_the_ones_used_longest_ago_go_until_the_limit_is_kept(cache: ImageCache) -> None:
    paths = [
        image(cache, name, age)
        for name, age in (("a", 5 * YOUNG), ("b", 4 * YOUNG), ("c", 3 * YOUNG), ("d", 2 * YOUNG))
    ]
    cache.note_use(paths[0])
    assert cache.make_room() == ["b" * 128]
    assert cache.size() <= cache.limit and cache.make_room() == []


@pytest.mark.process
def test_what_a_disk_a_set_aside_disk_or_a_kernel_needs_stays(cache: ImageCache) -> None:
    paths = [image(cache, name, 9 * YOUNG) for name in "abcdef"]
    assert backing_of(overlay(cache, "disks/s1", paths[0])) == str(paths[0])
    overlay(cache, "setaside/x/disks", paths[1])
    record = cache.data / "disks" / "s1" / "server.json"
    record.write_text(f'{{"kernel": {{"checksum": "{paths[2].name}"}}}}')
    assert cache.make_room() == [name * 128 for name in "def"]
    assert all(path.exists() for path in paths[:3])


def test_one_that_was_just_asked_for_stays_however_full_it_is(cache: ImageCache) -> None:
    for name in "abcdef":
        image(cache, name, YOUNG / 2)
    assert cache.make_room() == []


def test_junk_among_the_disks_harms_nobody(cache: ImageCache) -> None:
    (cache.data / "disks" / "junk").write_bytes(b"QFI\xfb" + b"\xff" * 40)
    (cache.data / "disks" / "short").write_bytes(b"Q")
    for name in "abcd":
        image(cache, name, 9 * YOUNG)
    assert len(cache.make_room()) == 1


@pytest.mark.parametrize("text", ["-1", "much", "1e9"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="STACKLING_IMAGE_CACHE_GIB"):
        cache_size(text)
