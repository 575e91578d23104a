"""What an agent has answered for survives the plug: files are whole on the disk under their names before the answer (C8, A8)."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from hostagent.contract.location import BlankSource
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.storage.file import FileStorage
from tests.hostagent.test_storage_file import image_of, new_job, qcow2, storage_with, tmp_path

pytestmark = pytest.mark.process

__all__ = ["qcow2", "tmp_path"]


def content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Power:
    """What a power cut would leave: files as they were when they were last flushed, and names as their folders then held them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._files: dict[int, str] = {}
        self._names: dict[int, set[str]] = {}
        real = os.fsync

        def fsync(file: int) -> None:
            real(file)
            facts = os.fstat(file)
            if stat.S_ISDIR(facts.st_mode):
                self._names[facts.st_ino] = set(os.listdir(file))
            else:
                self._files[facts.st_ino] = content(Path(f"/proc/self/fd/{file}"))

        monkeypatch.setattr(os, "fsync", fsync)

    def would_lose(self, *tops: Path) -> list[str]:
        lost = []
        for top in tops:
            for path in top.rglob("*"):
                facts = path.stat()
                if path.name not in self._names.get(path.parent.stat().st_ino, ()):
                    lost.append(f"{path.relative_to(top)}: its name")
                if path.is_file() and self._files.get(facts.st_ino) != content(path):
                    lost.append(f"{path.relative_to(top)}: its bytes")
        return lost


@pytest.fixture
def storage(tmp_path: Path, qcow2: bytes) -> FileStorage:
    return storage_with(qcow2, tmp_path)[0]


@pytest.fixture
def power(storage: FileStorage, monkeypatch: pytest.MonkeyPatch) -> Power:
    return Power(monkeypatch)


def test_an_image_and_the_disks_on_it(storage: FileStorage, power: Power, qcow2: bytes) -> None:
    """C8: with the plug pulled a step after create_disk the server was ACTIVE, and its guest never ran."""
    storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    assert power.would_lose(storage.cache, storage.disks) == []
    storage.ensure_disk({"server_id": "b", "image": None, "size_gib": 1}, new_job())
    assert power.would_lose(storage.cache, storage.disks) == []


def test_an_image_that_is_converted_first(storage: FileStorage, power: Power, tmp_path: Path) -> None:
    """C8: qemu-img writes what it converts without flushing."""
    made = tmp_path / "image.vmdk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", str(made), "8M"], check=True)
    content = made.read_bytes()
    storage._host.link.content = content  # type: ignore[attr-defined]
    storage.ensure_disk({"server_id": "a", "image": image_of(content, disk_format="vmdk"), "size_gib": 1}, new_job())
    assert power.would_lose(storage.cache, storage.disks) == []


def test_further_disks_and_the_configuration_drive(storage: FileStorage, power: Power, tmp_path: Path) -> None:
    """C8: the siblings."""
    blank: BlankSource = {"kind": "blank", "name": "ephemeral0", "size_mib": 16, "content": "ext4"}
    storage.locate("a", blank, new_job())
    files = GuestFiles(tmp_path)
    files.ensure_config_drive("a", {"openstack/latest/meta_data.json": "e30="})
    files.keep_record("a", {"name": "a"})
    assert power.would_lose(storage.disks) == []
    storage.locate("a", {**blank, "size_mib": 32}, new_job())
    assert power.would_lose(storage.disks) == []


def test_a_disk_that_grows_and_what_it_was_before(storage: FileStorage, power: Power) -> None:
    """B5, C8: the copy from before is what a resize goes back to."""
    storage.ensure_disk({"server_id": "a", "image": None, "size_gib": 1}, new_job())
    storage.ensure_size("a", 2, new_job())
    assert power.would_lose(storage.disks) == []
    storage.ensure_disk({"server_id": "a", "image": None, "size_gib": 1, "kept": "back"}, new_job())
    assert power.would_lose(storage.disks) == []
