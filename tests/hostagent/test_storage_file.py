"""Disks as files: fetched once, verified, resumed, refused when they are not what they claim. Needs qemu-img."""

import hashlib
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.agent.control_link import ControlError
from hostagent.agent.job import Job
from hostagent.contract.failures import Failure
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.registry import choose
from hostagent.drivers.storage import qemu_img
from hostagent.drivers.storage.file import FileStorage
from hostagent.machine import disk_space, guest_users

pytestmark = pytest.mark.process


class Control:
    """Stands where control would answer; `cut` ends a download after so many bytes, once."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[int] = []
        self.cut = 0

    def download(self, path: str, start: int) -> Iterator[bytes]:
        self.asked.append(start)
        if self.cut:
            end, self.cut = self.cut, 0
            yield self.content[start:end]
            raise ControlError("cut")
        yield self.content[start:]


def new_job(deadline: float = 30) -> Job:
    job = Job({"body": {}, "deadline": deadline})
    job.begin()
    return job


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that guests' users can pass to; pytest's own is closed to all others."""
    with tempfile.TemporaryDirectory(prefix="stackling-disks-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def qcow2(tmp_path: Path) -> bytes:
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "8M"], check=True)
    return path.read_bytes()


def storage_with(content: bytes, folder: Path) -> tuple[FileStorage, Control]:
    control = Control(content)
    chosen = choose()
    settings = SimpleNamespace(image_cache=0, drivers=chosen)
    host: Any = SimpleNamespace(own=SimpleNamespace(data=folder), link=control, settings=settings)
    return FileStorage(host, chosen.main("storage")), control


def image_of(content: bytes, **more: Any) -> dict[str, Any]:
    return {"id": "i", "checksum": hashlib.sha512(content).hexdigest(), "size": len(content), "disk_format": "qcow2", "path": "/internal/images/i", **more}  # fmt: skip


def info(path: Path) -> dict[str, Any]:
    return json.loads(
        subprocess.run(["qemu-img", "info", "--output=json", str(path)], check=True, capture_output=True).stdout
    )


def test_a_disk_is_an_overlay_on_an_image_fetched_once(tmp_path: Path, qcow2: bytes) -> None:
    storage, control = storage_with(qcow2, tmp_path)
    first = storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    second = storage.ensure_disk({"server_id": "b", "image": image_of(qcow2), "size_gib": 0}, new_job())
    assert (first["cached"], second["cached"], control.asked) == (False, True, [0])
    assert info(storage.root_path("a"))["virtual-size"] == 2**30
    assert info(storage.root_path("b"))["virtual-size"] == 8 * 2**20
    assert info(storage.root_path("a"))["backing-filename-format"] == "qcow2"


def test_a_cut_download_goes_on_where_it_ended(tmp_path: Path, qcow2: bytes) -> None:
    storage, control = storage_with(qcow2, tmp_path)
    control.cut = 1000
    storage.ensure_image(image_of(qcow2), new_job())
    assert control.asked == [0, 1000]


def test_bytes_that_are_not_the_image_are_tried_twice_then_refused_and_thrown_away(
    tmp_path: Path, qcow2: bytes
) -> None:
    storage, control = storage_with(b"x" * len(qcow2), tmp_path)
    with pytest.raises(Failure) as failure:
        storage.ensure_image(image_of(qcow2), new_job())
    assert failure.value.code == "image_corrupt"
    assert control.asked == [0, 0]
    assert list(storage.cache.iterdir()) == []


def test_an_image_that_points_at_another_file_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "/etc/shadow", "-F", "raw", str(evil), "8M"], check=True
    )
    content = evil.read_bytes()
    storage, _ = storage_with(content, tmp_path)
    with pytest.raises(Failure) as failure:
        storage.ensure_image(image_of(content), new_job())
    assert failure.value.code == "image_corrupt"
    assert list(storage.cache.iterdir()) == []


def test_a_full_disk_says_how_much_is_missing(tmp_path: Path, qcow2: bytes) -> None:
    storage, control = storage_with(qcow2, tmp_path)
    with pytest.raises(Failure) as failure:
        storage.ensure_image(image_of(qcow2, size=2**60), new_job())
    assert failure.value.code == "no_space"
    assert failure.value.data["need"] > failure.value.data["have"]
    assert control.asked == []


def test_two_at_once_fetch_once(tmp_path: Path, qcow2: bytes) -> None:
    storage, control = storage_with(qcow2, tmp_path)
    threads = [threading.Thread(target=storage.ensure_image, args=(image_of(qcow2), new_job())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert control.asked == [0]


def test_a_disk_grows_and_never_shrinks(tmp_path: Path, qcow2: bytes) -> None:
    storage, _ = storage_with(qcow2, tmp_path)
    storage.ensure_disk({"server_id": "a", "image": None, "size_gib": 1}, new_job())
    storage.ensure_size("a", 2, new_job())
    storage.ensure_size("a", 1, new_job())
    assert info(storage.root_path("a"))["virtual-size"] == 2 * 2**30


def end_growth(storage: FileStorage, kept: str) -> None:
    storage.ensure_disk({"server_id": "a", "image": None, "size_gib": 1, "kept": kept}, new_job())  # type: ignore[typeddict-unknown-key]


def write(path: Path, what: bytes) -> None:
    subprocess.run(["qemu-io", "-c", f"write -P {what[0]} 0 64k", str(path)], check=True, capture_output=True)


def reads(path: Path, what: bytes) -> bool:
    done = subprocess.run(["qemu-io", "-c", f"read -P {what[0]} 0 64k", str(path)], capture_output=True, text=True)
    return "verification failed" not in done.stdout


@pytest.mark.parametrize("kept", ["back", "gone"])
def test_a_disk_that_grew_goes_back_or_stays(tmp_path: Path, qcow2: bytes, kept: str) -> None:
    storage, _ = storage_with(qcow2, tmp_path)
    storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    root, folder = storage.root_path("a"), tmp_path / "disks" / "a"
    write(root, b"A")
    end_growth(storage, kept)  # nothing grew: nothing to do
    for size in (2, 2, 1):
        storage.ensure_size("a", size, new_job())
    assert info(root)["virtual-size"] == 2 * 2**30 and reads(root, b"A")
    write(root, b"B")
    storage.ensure_size("a", 3, new_job())  # what comes back is the disk before the first growth
    for _again in range(2):
        end_growth(storage, kept)
        assert sorted(path.name for path in folder.iterdir()) == ["root.qcow2"]
    assert info(root)["virtual-size"] == (1 if kept == "back" else 3) * 2**30
    assert reads(root, b"A" if kept == "back" else b"B")


@pytest.mark.parametrize("at", ["cp", "replace", "resize"])
@pytest.mark.parametrize("kept", ["back", "gone"])
def test_a_growth_that_is_killed_at_any_step_is_done_by_its_repetition_or_undone(
    tmp_path: Path, qcow2: bytes, monkeypatch: pytest.MonkeyPatch, at: str, kept: str
) -> None:
    storage, _ = storage_with(qcow2, tmp_path)
    storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    root = storage.root_path("a")
    write(root, b"A")

    def killed(*_arguments: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    run = qemu_img.run

    def partly(job: Any, argv: list[str], **more: Any) -> bytes:
        if argv[0] != "cp" and "resize" not in argv:
            return run(job, argv, **more)
        if argv[0] == "cp" and at == "cp":
            Path(argv[-1]).write_bytes(root.read_bytes()[:1000])
            killed()
        if "resize" in argv and at == "resize":
            killed()
        return run(job, argv, **more)

    with monkeypatch.context() as patch:
        patch.setattr(qemu_img, "run", partly)
        if at == "replace":
            patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            storage.ensure_size("a", 2, new_job())
    if kept == "gone":  # asked again, then confirmed
        storage.ensure_size("a", 2, new_job())
    end_growth(storage, kept)
    assert info(root)["virtual-size"] == (1 if kept == "back" else 2) * 2**30 and reads(root, b"A")
    assert sorted(path.name for path in root.parent.iterdir()) == ["root.qcow2"]


def test_a_copy_past_its_deadline_is_killed(tmp_path: Path) -> None:
    job = new_job(deadline=30)
    threading.Timer(0.2, job.expire).start()
    with pytest.raises(Failure) as failure:
        job.run(["sleep", "30"])
    assert failure.value.code == "timed_out"
    assert job.seconds < 5


def test_everything_of_a_server_goes_with_its_disk(tmp_path: Path, qcow2: bytes) -> None:
    storage, _ = storage_with(qcow2, tmp_path)
    storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    files = GuestFiles(tmp_path)
    files.start()
    files.ensure_config_drive("a", {"openstack/latest/meta_data.json": "e30=", "openstack/latest/user_data": "eA=="})
    (files.consoles / "a.log").write_text("boot")
    for _again in range(2):
        storage.remove_disk("a")
        files.remove("a")
    assert storage.read_disks() == []
    assert list(files.consoles.iterdir()) == []


def test_the_spare_room_is_never_promised(tmp_path: Path) -> None:
    assert disk_space.SPARE >= 64 * 2**20


def blank(storage: FileStorage, **source: Any) -> Path:
    """Where a blank disk of server a is."""
    location = storage.locate("a", source, new_job())  # type: ignore[arg-type]
    assert location["kind"] == "file" and location["format"] == "raw"
    return Path(location["path"])


def test_a_blank_disk_is_formatted_once_and_grows(tmp_path: Path, qcow2: bytes) -> None:
    storage, _ = storage_with(qcow2, tmp_path)
    source = {"kind": "blank", "name": "ephemeral0", "size_mib": 16, "content": "ext4"}
    path = blank(storage, **source)
    said = subprocess.run(["/usr/sbin/blkid", "-p", "-o", "export", str(path)], capture_output=True, text=True).stdout
    assert "LABEL=ephemeral0" in said and "TYPE=ext4" in said
    with path.open("r+b") as file:
        file.write(b"mine")
    assert blank(storage, **{**source, "size_mib": 32}).stat().st_size == 32 * 2**20
    assert path.read_bytes()[:4] == b"mine"
    swap = blank(storage, **{**source, "name": "swap", "content": "swap"})
    assert b"SWAPSPACE2" in swap.read_bytes()[:4096]


@pytest.mark.parametrize("kind", ["vhdx", "vmdk", "vdi", "vpc", "raw"])
def test_a_disk_lies_on_an_image_that_the_hypervisors_library_can_read(tmp_path: Path, kind: str) -> None:
    """Case 4: libvirt 9 knows no VHDX and would open it as raw, so that nothing in it is bootable."""
    path, own = tmp_path / "image", {"vpc": "vhd"}.get(kind, kind)
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, str(path), "8M"], check=True)
    subprocess.run(["qemu-io", "-f", kind, "-c", "write -P 0x55 1M 64k", str(path)], check=True, capture_output=True)
    content = path.read_bytes()
    storage, control = storage_with(content, tmp_path)
    for server_id in ("a", "b"):
        disk = {"server_id": server_id, "image": image_of(content, disk_format=own), "size_gib": 1}
        storage.ensure_disk(disk, new_job())  # type: ignore[arg-type]
    root = info(storage.root_path("b"))
    assert root["backing-filename-format"] == ("qcow2" if kind == "vhdx" else kind)
    assert control.asked == [0] and len(list(storage.cache.iterdir())) == 1
    read = ["qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x55 1M 64k", str(storage.root_path("b"))]
    done = subprocess.run(read, check=True, capture_output=True, text=True)
    assert "verification failed" not in done.stdout


@pytest.mark.lab
def test_disks_of_a_time_when_guests_were_root_are_put_right_and_records_stay_roots(
    tmp_path: Path, qcow2: bytes
) -> None:
    """A6: an agent's start gives each disk to its guest, and hides what was open; a record that root believes stays root's."""
    storage, _ = storage_with(qcow2, tmp_path)
    storage.ensure_disk({"server_id": "a", "image": image_of(qcow2), "size_gib": 1}, new_job())
    record, root = storage.disks / "a" / "server.json", storage.root_path("a")
    record.write_text("{}")
    for path in (root, record, *storage.cache.iterdir()):
        os.chown(path, 0, 0)
        path.chmod(0o644)
    (storage.disks / "a").chmod(0o755)
    storage_with(qcow2, tmp_path)
    assert (root.stat().st_uid, root.stat().st_mode & 0o777) == (guest_users.uid("a"), 0o600)
    assert record.stat().st_uid == 0
    assert {path.stat().st_mode & 0o777 for path in storage.cache.iterdir()} == {0o440}
    assert (storage.disks / "a").stat().st_mode & 0o777 == 0o710
