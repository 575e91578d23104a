"""A snapshot that is cut anywhere loses nothing that the guest wrote (C8). Needs qemu-img and qemu-io."""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostagent.contract.failures import Failure
from hostagent.drivers.hypervisor import acceleration, domain_xml, libvirt_snapshot
from hostagent.drivers.hypervisor.acceleration import Acceleration
from hostagent.drivers.storage import overlays
from hostagent.drivers.storage.file import FileStorage
from tests.hostagent.test_storage_file import new_job, storage_with, tmp_path

pytestmark = pytest.mark.process

__all__ = ["tmp_path"]
SERVER = "11111111-2222-4333-8444-555555555555"


class Killed(BaseException):
    pass


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    found = storage_with(b"", tmp_path)[0]
    found.ensure_disk({"server_id": SERVER, "image": None, "size_gib": 1}, new_job())
    write(found.root_path(SERVER), 1)
    return found


def write(disk: Path, letter: int) -> None:
    io(disk, f"write -P {letter} 1M 64k")


def io(disk: Path, command: str) -> str:
    done = subprocess.run(["qemu-io", "-f", "qcow2", "-c", command, str(disk)], capture_output=True, text=True)
    assert not done.returncode and "failed" not in done.stdout, done.stdout + done.stderr
    return done.stdout


def reads(disk: Path, letter: int) -> None:
    io(disk, f"read -P {letter} 1M 64k")


def live(storage: FileStorage) -> Path:
    """What a guest would write to in the midst of a snapshot."""
    overlay = storage.root_path(SERVER).with_name("snapshot-x.qcow2")
    storage.overlay_on(storage.root_path(SERVER), overlay, new_job())
    write(overlay, 2)
    return overlay


def cut(monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str], *, after: bool) -> Callable[[], None]:
    """The process dies at its next call of this, before or after it is done. Returns what ends the danger."""
    real = getattr(*place)

    def dying(*args: Any, **more: Any) -> Any:
        if after:
            real(*args, **more)
        raise Killed

    monkeypatch.setattr(*place, dying)
    return lambda: monkeypatch.setattr(*place, real)


PLACES: dict[str, tuple[Any, str]] = {
    "commit": (FileStorage, "commit"),
    "forget": (overlays, "forget"),
    "sync": (overlays, "sync_folder"),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_coming_back_may_be_cut_and_repeated(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, place: str, after: bool
) -> None:
    """C8: a host that lost its power in a snapshot starts its guest from what it wrote last."""
    live(storage)
    safe = cut(monkeypatch, PLACES[place], after=after)
    with pytest.raises(Killed):
        libvirt_snapshot.recover(None, storage, SERVER)
    safe()
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 2)
    assert overlays.listed(storage.root_path(SERVER).parent) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["note", "sync_folder", "sync_file", "call"])
def test_going_onto_an_overlay_may_be_cut(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    from hostagent.drivers.storage import file, qemu_img

    place = ({"note": overlays, "call": qemu_img}.get(step, file), step)
    safe = cut(monkeypatch, place, after=after)
    with pytest.raises(Killed):
        live(storage)
    safe()
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 1)
    live(storage)
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 2)


def test_an_overlay_that_is_in_no_list_never_comes_back(storage: FileStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C8: one that was committed and could not be deleted any more is older than what the guest wrote since."""
    overlay = live(storage)
    left = overlay.read_bytes()
    libvirt_snapshot.recover(None, storage, SERVER)
    write(storage.root_path(SERVER), 3)
    overlay.write_bytes(left)
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 3)
    safe = cut(monkeypatch, (overlays, "note"), after=True)
    with pytest.raises(Killed):  # the same snapshot is asked again, and cut as soon as its overlay is listed
        live(storage)
    safe()
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 3)


def test_a_resize_that_is_reverted_brings_back_what_was_written_last(storage: FileStorage) -> None:
    """C8's sibling: the copy that a revert brings back was made without the overlay, so of older data."""
    live(storage)
    storage.ensure_size(SERVER, 2, new_job())
    write(storage.root_path(SERVER), 4)
    storage.ensure_disk({"server_id": SERVER, "image": None, "size_gib": 1, "kept": "back"}, new_job())
    reads(storage.root_path(SERVER), 2)


def test_a_disk_that_comes_back_takes_no_overlay_of_the_one_that_goes(storage: FileStorage) -> None:
    """C8's sibling: committed into the older disk, an overlay of the larger one would be garbage."""
    storage.ensure_size(SERVER, 2, new_job())
    live(storage)
    storage.ensure_disk({"server_id": SERVER, "image": None, "size_gib": 1, "kept": "back"}, new_job())
    libvirt_snapshot.recover(None, storage, SERVER)
    reads(storage.root_path(SERVER), 1)


class Domain:
    """A domain that is off, as libvirt has it after the host came back."""

    def __init__(self, disk: Path, *, saved: bool = False) -> None:
        self.xml = (
            f"<domain type='kvm'><devices><disk><source file='{disk}'/><target dev='vda'/></disk></devices></domain>"
        )
        self.saved = saved

    def XMLDesc(self, flags: int) -> str:
        return self.xml

    def isActive(self) -> bool:
        return False

    def hasManagedSaveImage(self) -> bool:
        return self.saved

    def connect(self) -> "Domain":
        return self

    def defineXML(self, xml: str) -> None:
        self.xml = xml


@pytest.mark.parametrize("told", ["the overlay", "the root disk"])
def test_whatever_libvirt_says_the_files_decide(storage: FileStorage, told: str) -> None:
    """C8: killed between QEMU's change and libvirt's note of it, the XML names the older file."""
    overlay, root = live(storage), storage.root_path(SERVER)
    domain = Domain(overlay if told == "the overlay" else root)
    libvirt_snapshot.recover(domain, storage, SERVER)
    reads(root, 2)
    assert "snapshot-" not in domain.xml and "root.qcow2" in domain.xml


def test_a_suspended_guest_finds_the_disk_that_its_memory_names(storage: FileStorage) -> None:
    overlay = live(storage)
    libvirt_snapshot.recover(Domain(overlay, saved=True), storage, SERVER)
    reads(overlay, 2)
    assert overlays.listed(overlay.parent) == [overlay]


# ── Acceleration ────────────────────────────────────────────────────────────────────────────────────────────────────


def proving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, speaks: bool, go: threading.Event) -> Acceleration:
    (tmp_path / "kvm").touch()
    (tmp_path / "kernel").write_text("k")
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(acceleration, "QEMU", str(tmp_path / "kernel"))
    monkeypatch.setattr(acceleration, "_boot", lambda kernel: (go.wait(10) and speaks, "Linux version"))
    found = Acceleration(tmp_path, str(tmp_path / "kernel"), on_verdict=lambda: None)
    monkeypatch.setattr(found, "_own_copy", lambda: "k")
    return found


@pytest.mark.parametrize("speaks", [True, False])
def test_a_guest_that_is_defined_while_the_proof_is_under_way_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speaks: bool
) -> None:
    """C8: after a reboot guests were defined as translated, for good, because the proof had not ended yet."""
    go = threading.Event()
    found = proving(tmp_path, monkeypatch, speaks=speaks, go=go)
    found.start()
    assert found.verdict(within=0) is False and "under way" in found.reason
    answers: list[bool] = []
    waits = threading.Thread(target=lambda: answers.append(found.verdict(within=10)))
    waits.start()
    time.sleep(0.05)
    assert answers == []
    go.set()
    waits.join(10)
    assert answers == [speaks]


def test_a_proof_that_dies_is_no_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = proving(tmp_path, monkeypatch, speaks=True, go=threading.Event())
    monkeypatch.setattr(found, "_prove", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        found._prove_once()
    assert found._settled.is_set()


def test_whether_a_domain_ran_with_kvm_is_read_from_it() -> None:
    assert domain_xml.is_kvm("<domain type='kvm'/>")
    assert not domain_xml.is_kvm("<domain type='qemu'/>") and not domain_xml.is_kvm("")


@pytest.mark.parametrize(
    "text", ["", "\x00\x01", "[]", '{"over": ["../other/root.qcow2"], "paused": false}', '{"over": 1, "paused": 0}']
)
def test_a_list_that_a_crash_spoiled_is_told_and_nothing_is_guessed(storage: FileStorage, text: str) -> None:
    """C8: whether an overlay is newer than the disk is then nobody's to guess: a sentence, and every file stays."""
    folder = storage.root_path(SERVER).parent
    (folder / "snapshot-1.qcow2").write_bytes(b"newer")
    (folder / overlays.LIST).write_text(text)
    for ask in (overlays.listed, overlays.is_held, overlays.forget):
        with pytest.raises(Failure) as refused:
            ask(folder)
        assert "is spoiled" in refused.value.data["detail"] and str(folder) in refused.value.data["detail"]
    assert (folder / "snapshot-1.qcow2").read_bytes() == b"newer" and storage.root_path(SERVER).exists()
