"""What every storage keeps to: the same tests with files, made by qemu-img, and with the fake."""

import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.contract.failures import Failure
from hostagent.contract.location import NetworkLocation
from hostagent.drivers.loading import driver_class
from hostagent.drivers.registry import DRIVERS, FAKE, choose
from hostagent.drivers.storage import Storage
from tests.hostagent.test_storage_file import Control, image_of, new_job

pytestmark = pytest.mark.process

ONE, TWO = "11111111-2222-4333-8444-555555555555", "22222222-2222-4333-8444-555555555555"
ROOT: Any = {"kind": "root"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that guests' users can pass to; pytest's own is closed to all others."""
    with tempfile.TemporaryDirectory(prefix="stackling-pool-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "8M"], check=True)
    return path.read_bytes()


@pytest.fixture(params=DRIVERS["storage"])
def storage(request: pytest.FixtureRequest, folder: Path, content: bytes) -> Storage:
    chosen = choose(fake=True) if request.param == FAKE else choose({"storage": f"local={request.param}"})
    host: Any = SimpleNamespace(
        own=SimpleNamespace(data=folder), link=Control(content), settings=SimpleNamespace(image_cache=0, drivers=chosen),
        hypervisor=SimpleNamespace(read_states=dict),
    )  # fmt: skip
    return driver_class(chosen.main("storage"), "storage")(host, chosen.main("storage"))


def disk(server_id: str, **more: Any) -> Any:
    return {"server_id": server_id, "image": None, "size_gib": 1, **more}


def refused(call: Any) -> str:
    with pytest.raises(Failure) as failure:
        call()
    return failure.value.code


def test_a_root_disk_is_made_once_and_told_where_it_is(storage: Storage) -> None:
    for _again in range(2):
        storage.ensure_disk(disk(ONE), new_job())
        assert storage.locate(ONE, ROOT, new_job()) == storage.root(ONE)
    assert storage.read_disks() == [ONE]
    assert storage.ensure_disk(disk(ONE), new_job()) == {"cached": True}


def test_disks_of_one_image_are_clones_of_what_was_fetched_once(storage: Storage, content: bytes) -> None:
    image = image_of(content)
    assert storage.ensure_disk(disk(ONE, image=image), new_job()) == {"cached": False}
    assert storage.ensure_disk(disk(TWO, image=image), new_job()) == {"cached": True}
    first, second = storage.root(ONE), storage.root(TWO)
    assert first != second and storage.read_disks() == [ONE, TWO]
    where = storage.ensure_image(image, new_job())
    assert Path(where["path"]).parent == storage.bases and hashlib.sha512(content).hexdigest() in where["path"]


def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    assert refused(lambda: storage.locate(ONE, ROOT, new_job())) == "not_found"
    assert refused(lambda: storage.locate(ONE, {"kind": "rescue"}, new_job())) == "not_found"
    assert refused(lambda: storage.ensure_size(ONE, 2, new_job())) == "not_found"
    assert refused(lambda: storage.copy_out(ONE, "copy", new_job())) == "not_found"
    assert not storage.overlays(ONE).are_listed() and not storage.overlays(ONE).is_held()
    assert storage.read_disks() == []


def test_what_does_not_fit_is_refused_with_both_numbers(storage: Storage, content: bytes) -> None:
    image = image_of(content, size=2**62)
    with pytest.raises(Failure) as failure:
        storage.ensure_disk(disk(ONE, image=image, size_gib=0), new_job())
    assert failure.value.code == "no_space" and failure.value.data["need"] > failure.value.data["have"]
    assert storage.read_disks() == []


@pytest.mark.parametrize("kept", ["back", "gone"])
def test_a_growth_is_repeated_ended_and_ended_again(storage: Storage, kept: str) -> None:
    storage.ensure_disk(disk(ONE), new_job())
    for size in (2, 2, 1):
        storage.ensure_size(ONE, size, new_job())
    for _again in range(2):
        storage.ensure_disk(disk(ONE, kept=kept), new_job())
    _copy, size = storage.copy_out(ONE, "copy", new_job())
    assert size == (1 if kept == "back" else 2) * 2**30


def test_a_blank_disk_is_one_file_however_often_it_is_asked_for(storage: Storage) -> None:
    source: Any = {"kind": "blank", "name": "ephemeral0", "size_mib": 16, "content": "ext4"}
    where = storage.locate(ONE, source, new_job())
    assert where == storage.locate(ONE, {**source, "size_mib": 32}, new_job())
    assert where["kind"] == "file" and where["format"] == "raw"
    assert where != storage.locate(ONE, {**source, "name": "swap", "content": "swap"}, new_job())
    assert where != storage.locate(TWO, source, new_job())


def test_a_location_that_control_names_is_handed_on(storage: Storage, folder: Path) -> None:
    network: NetworkLocation = {"kind": "network", "protocol": "nbd", "name": "x", "hosts": [{"name": "h", "port": 1}]}
    assert storage.locate(ONE, network, new_job()) == network
    (folder / "volume").write_bytes(b"")
    volume: Any = {"kind": "file", "path": str(folder / "volume"), "format": "raw"}
    assert storage.locate(ONE, volume, new_job()) == volume


def test_a_copy_stands_alone(storage: Storage) -> None:
    storage.ensure_disk(disk(ONE), new_job())
    copy, size = storage.copy_out(ONE, "copy", new_job())
    said = subprocess.run(
        ["qemu-img", "info", "-f", "qcow2", str(copy)], check=True, capture_output=True, text=True
    ).stdout
    assert size == 2**30 and "(1073741824 bytes)" in said and "backing file" not in said
    copy.unlink()
    assert storage.copy_out(ONE, "copy", new_job())[0] == copy


def test_what_is_removed_is_gone_and_may_be_removed_again(storage: Storage) -> None:
    storage.remove_disk(ONE)
    storage.ensure_disk(disk(ONE), new_job())
    storage.ensure_size(ONE, 2, new_job())
    for _again in range(2):
        storage.remove_disk(ONE)
        assert storage.read_disks() == []
    storage.ensure_disk(disk(ONE), new_job())
    storage.ensure_disk(disk(ONE, kept="back"), new_job())  # of the disk that went, nothing comes back
    assert storage.copy_out(ONE, "copy", new_job())[1] == 2**30


def test_what_was_put_aside_comes_back_unless_something_is_in_its_place(storage: Storage, tmp_path: Path) -> None:
    place = tmp_path / "aside"
    place.mkdir()
    storage.put_aside(ONE, place)
    storage.ensure_disk(disk(ONE), new_job())
    where = storage.root(ONE)
    storage.put_aside(ONE, place)
    assert storage.read_disks() == []
    storage.ensure_disk(disk(ONE), new_job())
    assert refused(lambda: storage.take_back(ONE, place)) == "hypervisor_refused"
    storage.remove_disk(ONE)
    storage.take_back(ONE, place)
    assert storage.read_disks() == [ONE] and storage.locate(ONE, ROOT, new_job()) == where


def test_it_says_how_large_it_is(storage: Storage) -> None:
    facts = storage.read_facts()
    assert 0 <= facts["disk_free_gib"] <= facts["disk_gib"]
