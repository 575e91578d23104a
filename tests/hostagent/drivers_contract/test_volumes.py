"""What every backend of volumes keeps to: the same tests with files, made by qemu-img, and with the fake."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.contract.failures import Failure
from hostagent.contract.location import DiskLocation
from hostagent.drivers.loading import driver_class
from hostagent.drivers.registry import DRIVERS, FAKE, choose
from hostagent.drivers.storage.fake import FakeExports
from hostagent.drivers.storage.volumes import Volumes
from hostagent.drivers.storage.volumes.file import FileVolumes
from tests.hostagent.test_storage_file import Control, image_of, new_job

pytestmark = pytest.mark.process

ONE, TWO = "11111111-2222-4333-8444-555555555555", "22222222-2222-4333-8444-555555555555"
FIRST, SECOND, THIRD = (f"{n}0000000-2222-4333-8444-555555555555" for n in "abc")
SERVER = "33333333-2222-4333-8444-555555555555"


class Hypervisor:
    """Stands where a host's would: which servers have a volume."""

    def __init__(self) -> None:
        self.has: dict[str, str] = {}

    def holders(self, volume_id: str) -> list[str]:
        return [self.has[volume_id]] if volume_id in self.has else []


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that guests' users can pass to; pytest's own is closed to all others."""
    with tempfile.TemporaryDirectory(prefix="stackling-backend-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """An image of 8 MiB with a word in it."""
    raw, path = tmp_path / "image.raw", tmp_path / "image.qcow2"
    raw.write_bytes(b"the image".ljust(8 * 2**20, b"\0"))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(path)], check=True)
    return path.read_bytes()


@pytest.fixture
def hypervisor() -> Hypervisor:
    return Hypervisor()


def backend(driver: str, folder: Path, content: bytes, hypervisor: Hypervisor) -> Any:
    chosen = choose(fake=True) if driver == FAKE else choose({"volume": f"{driver}={driver}"})
    host: Any = SimpleNamespace(
        own=SimpleNamespace(data=folder), link=Control(content), settings=SimpleNamespace(image_cache=0), hypervisor=hypervisor
    )  # fmt: skip
    host.exports = FakeExports(host)  # the real ones have daemons: test_exports.py
    return driver_class(chosen.main("volume"), "volume")(host, chosen.main("volume"))


@pytest.fixture(params=DRIVERS["volume"])
def volumes(request: pytest.FixtureRequest, folder: Path, content: bytes, hypervisor: Hypervisor) -> Volumes:
    found: Volumes = backend(request.param, folder, content, hypervisor)
    return found


@pytest.fixture
def files(folder: Path, content: bytes, hypervisor: Hypervisor) -> FileVolumes:
    found: FileVolumes = backend("file", folder, content, hypervisor)
    return found


def asked(volume_id: str, size_gib: int = 1, **more: Any) -> Any:
    return {"volume_id": volume_id, "backend": "file", "size_gib": size_gib, **more}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Failure) as failure:
        call()
    return failure.value.code


# ── Every driver ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_volume_is_made_once_and_told_where_it_is(volumes: Volumes) -> None:
    for _again in range(2):
        volumes.ensure(asked(ONE), new_job())
        assert volumes.locate(ONE, SERVER) == volumes.locate(ONE, SERVER)
    assert volumes.read_volumes() == [ONE]
    assert ONE in str(volumes.locate(ONE, SERVER))  # by which a hypervisor finds who has it


def test_what_is_removed_is_gone_and_may_be_removed_again(volumes: Volumes) -> None:
    volumes.ensure(asked(ONE), new_job())
    volumes.ensure_snapshot(ONE, FIRST, new_job())
    for _again in range(2):
        volumes.remove(ONE, new_job())
        assert volumes.read_volumes() == []
    volumes.remove_snapshot(ONE, FIRST, new_job())


def test_a_volume_is_given_out_to_another_host_and_to_nobody_else(volumes: Volumes, hypervisor: Hypervisor) -> None:
    volumes.ensure(asked(ONE), new_job())
    wanted: Any = {
        "volume_id": ONE, "backend": "file", "attachment_id": FIRST, "username": "u", "password": "p", "clients": ["192.0.2.2"],
    }  # fmt: skip
    hypervisor.has[ONE] = SERVER
    assert refused(lambda: volumes.ensure_export(wanted, new_job())) == "in_use", "a guest of this host has it"
    del hypervisor.has[ONE]
    assert volumes.ensure_export(wanted, new_job()) == volumes.ensure_export(wanted, new_job())
    calls: list[Callable[[], object]] = [
        lambda: volumes.locate(ONE, SERVER),
        lambda: volumes.ensure_size(ONE, 2, new_job()),
        lambda: volumes.ensure_snapshot(ONE, FIRST, new_job()),
        lambda: volumes.ensure(asked(TWO, copy={"volume_id": ONE, "snapshot_id": ""}), new_job()),
        lambda: volumes.copy_out(ONE, "qcow2", new_job()),
    ]
    assert [refused(call) for call in calls] == ["in_use"] * len(calls)
    for _again in range(2):
        volumes.remove_export(ONE, new_job())
    assert volumes.locate(ONE, SERVER)
    volumes.ensure_export(wanted, new_job())
    volumes.remove(ONE, new_job())
    assert volumes.read_volumes() == [] and volumes._host.exports.volumes() == []  # type: ignore[attr-defined]


def test_what_is_not_there_is_not_found(volumes: Volumes) -> None:
    calls: list[Callable[[], object]] = [
        lambda: volumes.locate(ONE, SERVER),
        lambda: volumes.ensure_size(ONE, 2, new_job()),
        lambda: volumes.ensure_snapshot(ONE, FIRST, new_job()),
        lambda: volumes.revert(ONE, FIRST, new_job()),
        lambda: volumes.copy_out(ONE, "qcow2", new_job()),
        lambda: volumes.ensure(asked(TWO, copy={"volume_id": ONE, "snapshot_id": ""}), new_job()),
    ]
    assert {refused(call) for call in calls} == {"not_found"}
    assert volumes.read_volumes() == []


def test_what_a_guest_has_is_written_by_nobody_else(volumes: Volumes, hypervisor: Hypervisor) -> None:
    volumes.ensure(asked(ONE), new_job())
    volumes.ensure_snapshot(ONE, FIRST, new_job())
    hypervisor.has[ONE] = SERVER
    calls: list[Callable[[], object]] = [
        lambda: volumes.remove(ONE, new_job()),
        lambda: volumes.ensure_size(ONE, 2, new_job()),
        lambda: volumes.ensure_snapshot(ONE, SECOND, new_job()),
        lambda: volumes.remove_snapshot(ONE, FIRST, new_job()),
        lambda: volumes.revert(ONE, FIRST, new_job()),
        lambda: volumes.copy_out(ONE, "qcow2", new_job()),
        lambda: volumes.ensure(asked(TWO, copy={"volume_id": ONE, "snapshot_id": ""}), new_job()),
    ]
    assert {refused(call) for call in calls} == {"in_use"}
    volumes.ensure(asked(TWO, copy={"volume_id": ONE, "snapshot_id": FIRST}), new_job())
    assert volumes.read_volumes() == [ONE, TWO]


def test_what_does_not_fit_is_refused_with_both_numbers(volumes: Volumes, content: bytes) -> None:
    volumes.ensure(asked(ONE, 2), new_job())
    with pytest.raises(Failure) as failure:
        volumes.ensure(asked(TWO, 1, copy={"volume_id": ONE, "snapshot_id": ""}), new_job())
    assert failure.value.code == "too_small" and failure.value.data["need"] > failure.value.data["have"]
    assert volumes.read_volumes() == [ONE]
    volumes.ensure(asked(TWO, 2, copy={"volume_id": ONE, "snapshot_id": ""}), new_job())  # and may be made then


def test_only_the_newest_snapshot_is_reverted_to(volumes: Volumes) -> None:
    volumes.ensure(asked(ONE), new_job())
    for snapshot in (FIRST, SECOND, SECOND):
        volumes.ensure_snapshot(ONE, snapshot, new_job())
    assert refused(lambda: volumes.revert(ONE, FIRST, new_job())) == "not_found"
    for _again in range(2):
        volumes.revert(ONE, SECOND, new_job())
    volumes.remove_snapshot(ONE, SECOND, new_job())
    volumes.revert(ONE, FIRST, new_job())


def test_a_copy_for_control_stands_alone(volumes: Volumes) -> None:
    volumes.ensure(asked(ONE, 2), new_job())
    copy, size = volumes.copy_out(ONE, "qcow2", new_job())
    assert size == 2 * 2**30 and copy.stat().st_size > 0


def test_a_backend_says_what_room_it_has(volumes: Volumes) -> None:
    facts = volumes.read_facts()
    assert facts["total_gib"] >= facts["free_gib"] >= 0


# ── What is in the files ────────────────────────────────────────────────────────────────────────────────────────────


def path_of(location: DiskLocation) -> Path:
    assert location["kind"] == "file"
    return Path(location["path"])


def write(files: FileVolumes, volume_id: str, word: str, at: str = "0") -> None:
    """Write 64 KiB of a letter as the guest would."""
    path = path_of(files.locate(volume_id, SERVER))
    done = subprocess.run(
        ["qemu-io", "-f", "qcow2", "-c", f"write -P {ord(word)} {at} 64k", str(path)], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert "wrote 65536" in done.stdout, done


def reads(files: FileVolumes, volume_id: str, word: str, at: str = "0") -> bool:
    path = path_of(files.locate(volume_id, SERVER))
    argv = ["qemu-io", "-r", "-f", "qcow2", "-c", f"read -P {ord(word)} {at} 64k", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "read 65536" in done.stdout + done.stderr, done
    return "verification failed" not in done.stdout + done.stderr and done.returncode == 0


def test_a_volume_of_an_image_says_what_the_image_says(files: FileVolumes, content: bytes) -> None:
    files.ensure(asked(ONE, image=image_of(content)), new_job())
    info = subprocess.run(["qemu-io", "-r", "-f", "qcow2", "-c", "read -v 0 16", str(path_of(files.locate(ONE, SERVER)))],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "the.image" in info.stdout
    assert files.images.cache.needed() == {
        files.images.path_of(image_of(content)).name
    }  # so it does not go from the cache


def test_a_snapshot_stays_as_it_was_and_a_volume_goes_back_to_it(files: FileVolumes) -> None:
    files.ensure(asked(ONE), new_job())
    write(files, ONE, "a")
    files.ensure_snapshot(ONE, FIRST, new_job())
    write(files, ONE, "b")
    files.ensure(asked(TWO, 2, copy={"volume_id": ONE, "snapshot_id": FIRST}), new_job())
    assert reads(files, ONE, "b") and reads(files, TWO, "a")
    files.revert(ONE, FIRST, new_job())
    assert reads(files, ONE, "a")


@pytest.mark.parametrize("gone", [(FIRST,), (SECOND,), (THIRD,), (FIRST, SECOND), (THIRD, FIRST, SECOND)])
def test_a_snapshot_that_goes_changes_no_other_and_not_the_volume(
    files: FileVolumes, gone: tuple[str, ...], content: bytes
) -> None:
    files.ensure(asked(ONE, image=image_of(content)), new_job())
    for number, (snapshot, word) in enumerate(zip((FIRST, SECOND, THIRD), "abc", strict=True)):
        write(files, ONE, word)
        write(files, ONE, word, at=f"{number + 1}M")
        files.ensure_snapshot(ONE, snapshot, new_job())
    write(files, ONE, "d")
    for snapshot in gone:
        for _again in range(2):
            files.remove_snapshot(ONE, snapshot, new_job())
    assert reads(files, ONE, "d") and all(reads(files, ONE, word, at=f"{n}M") for n, word in enumerate("abc", start=1))
    left = [snapshot for snapshot in (FIRST, SECOND, THIRD) if snapshot not in gone]
    home = files.volumes / ONE
    assert len(list(home.glob("*.qcow2"))) == len(left) + 1
    for snapshot in left:
        files.ensure(asked(TWO, copy={"volume_id": ONE, "snapshot_id": snapshot}), new_job())
        assert reads(files, TWO, {FIRST: "a", SECOND: "b", THIRD: "c"}[snapshot])
        files.remove(TWO, new_job())


def test_a_removal_that_was_cut_goes_on(files: FileVolumes, monkeypatch: pytest.MonkeyPatch) -> None:
    files.ensure(asked(ONE), new_job())
    write(files, ONE, "a", at="1M")
    files.ensure_snapshot(ONE, FIRST, new_job())
    write(files, ONE, "b")
    with monkeypatch.context() as cut:
        cut.setattr(
            "hostagent.drivers.storage.volumes.file.sync_file", lambda path: (_ for _ in ()).throw(OSError("cut"))
        )
        with pytest.raises(OSError, match="cut"):
            files.remove_snapshot(ONE, FIRST, new_job())
    files.remove_snapshot(ONE, FIRST, new_job())
    assert reads(files, ONE, "b") and reads(files, ONE, "a", at="1M")
    assert len(list((files.volumes / ONE).glob("*.qcow2"))) == 1


def test_a_header_that_names_another_file_opens_nothing(files: FileVolumes, folder: Path) -> None:
    """A guest may write what it likes into its own file: what that says it rests on is not believed."""
    files.ensure(asked(ONE), new_job())
    secret = folder / "secret"
    secret.write_bytes(b"x" * 65536)
    top = path_of(files.locate(ONE, SERVER))
    subprocess.run(["qemu-img", "rebase", "-u", "-f", "qcow2", "-b", str(secret), "-F", "raw", str(top)], check=True)
    for call in (lambda: files.locate(ONE, SERVER), lambda: files.copy_out(ONE, "raw", new_job())):
        assert refused(call) == "hypervisor_refused"


def test_a_spoiled_chain_is_said_and_nothing_is_made_over_it(files: FileVolumes) -> None:
    files.ensure(asked(ONE), new_job())
    (files.volumes / ONE / "chain.json").write_text('{"layers": [{"file": "../x", "snapshot": ""}]}')
    assert refused(lambda: files.ensure(asked(ONE), new_job())) == "hypervisor_refused"
    assert refused(lambda: files.locate(ONE, SERVER)) == "hypervisor_refused"
