"""A guest's AppArmor profile: what it names, and when there is none. The kernel's part is proved in tests/machines."""

import struct
from pathlib import Path
from typing import Any

import pytest

from hostagent.drivers.hypervisor import domain_xml
from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.machine import apparmor
from tests.hostagent.parts import parts_of


def qcow2(path: Path, below: str = "") -> Path:
    head = bytearray(512)
    head[:20] = struct.pack(">4sIQI", b"QFI\xfb", 3, 100 if below else 0, len(below))
    head[100 : 100 + len(below)] = below.encode()
    path.write_bytes(head)
    return path


def rules(spec: dict[str, Any], xml: str, images: Path) -> dict[str, str]:
    text = apparmor.profile(spec["server_id"], xml, (images,))
    lines = [line.strip().rstrip(",") for line in text.splitlines() if line.startswith('  "')]
    return {path.strip('"'): mode for path, _, mode in (line.rpartition(" ") for line in lines)}


def built(spec: dict[str, Any], **files: Path) -> str:
    places = Places(Path("/run/s/hosts/host1"), Path("/data"), spec["server_id"])
    return domain_xml.build(spec, places, parts_of(spec, **files), kvm=False)  # type: ignore[arg-type]


def test_a_guest_opens_its_own_disk_and_what_is_below_it(spec: dict[str, Any], tmp_path: Path) -> None:
    """A5, beside modes: its disk and overlays for writing; images below and the config drive for reading; no other guest's."""
    images = tmp_path / "cache"
    images.mkdir()
    bottom = qcow2(images / "0-bottom")
    middle = qcow2(images / "1-middle", bottom.name)
    own = tmp_path / "disks" / "mine"
    own.mkdir(parents=True)
    root = qcow2(own / "root.qcow2", str(middle))
    found = rules(spec, built(spec, root=root, config_drive=own / "config.iso", kernel=tmp_path / "kernel"), images)
    assert found[str(root)] == "rwk" and found[f"{own}/*.qcow2"] == "rwk"
    assert found[str(middle)] == found[str(bottom)] == found[f"{own}/config.iso"] == "rk"
    assert found[str(tmp_path / "kernel")] == "r"
    places = Places(Path("/run/s/hosts/host1"), Path("/data"), spec["server_id"])
    assert {found[str(place)] for place in (places.serial_guest, places.agent, places.vnc_guest)} == {"rw"}
    written = [path for path, mode in found.items() if "w" in mode and path.startswith(str(tmp_path))]
    assert set(written) == {str(root), f"{own}/*.qcow2"}


@pytest.mark.parametrize("letter", list('*?[]{}^@"\\\n'))
def test_a_path_is_never_read_as_a_pattern(spec: dict[str, Any], letter: str, tmp_path: Path) -> None:
    """A name below a disk comes from the disk's own header, which its guest may have written."""
    own = tmp_path / "disks"
    own.mkdir()
    root = qcow2(own / "root.qcow2", f"/data/cache/{letter}")
    with pytest.raises(apparmor.NotConfined, match="pattern"):
        apparmor.profile(spec["server_id"], built(spec, root=root), (Path("/data/cache"),))


@pytest.mark.parametrize(
    "name",
    ["/data/disks/other/root.qcow2", "../other/root.qcow2", "/data/cache/../disks/other/root.qcow2", "/etc/shadow"],
)
def test_a_disk_whose_header_names_another_guests_is_refused(spec: dict[str, Any], name: str, tmp_path: Path) -> None:
    """A5: a QEMU that was taken over writes into its own disk's header what its next start would be let at."""
    own = tmp_path / "disks" / "mine"
    own.mkdir(parents=True)
    root = qcow2(own / "root.qcow2", name)
    with pytest.raises(apparmor.NotConfined, match="no image of this host"):
        apparmor.profile(spec["server_id"], built(spec, root=root), (Path("/data/cache"),))


def test_labels_follow_what_the_host_can_do(spec: dict[str, Any]) -> None:
    """A domain from a host with AppArmor starts on one without, and the other way round; nothing changes where nothing must."""
    places = Places(Path("/run/s/hosts/host1"), Path("/data"), spec["server_id"])
    plain = built(spec, root=Path("/d/root.qcow2"))
    name = apparmor.name_of(spec["server_id"])
    assert domain_xml.as_labelled(plain, places, "") == ""
    labelled = domain_xml.as_labelled(plain, places, name)
    assert f"<label>{name}</label>" in labelled and 'model="dac"' in labelled
    assert domain_xml.as_labelled(labelled, places, name) == ""
    assert "apparmor" not in domain_xml.as_labelled(labelled, places, "")
    assert domain_xml.read_hash(labelled) == domain_xml.read_hash(plain)


def test_without_apparmor_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apparmor, "SECURITY", tmp_path / "absent")
    monkeypatch.setattr(apparmor, "LOADED", tmp_path / "absent" / "profiles")
    found = apparmor.Profiles()
    found.start()
    assert "without AppArmor" in found.reason
    found.forget("s1")  # nothing to do, and nothing tried
