"""The demo image: built from Debian's packages without root's powers, seeded, and booted for real."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.demo import build as demo
from images.images.models import Image

pytestmark = pytest.mark.process


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> demo.Built:
    return demo.build(tmp_path_factory.mktemp("demo"))


def info(path: Path) -> dict[str, object]:
    return dict(json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", str(path)])))


def test_a_build_makes_two_images_a_kernel_and_an_initrd(built: demo.Built) -> None:
    assert set(built.images) == {"demo", "demo-alt"}
    for path in built.images.values():
        assert info(path)["format"] == "qcow2"
        assert info(path)["virtual-size"] < 1 << 30
        assert path.stat().st_size < 40 << 20
    assert built.initrd.stat().st_size < 3 << 20


def test_the_images_differ_in_signature_so_that_one_can_rescue_the_other(built: demo.Built, tmp_path: Path) -> None:
    signatures = set()
    for name, path in built.images.items():
        raw = tmp_path / name
        subprocess.run(["qemu-img", "convert", "-O", "raw", str(path), str(raw)], check=True)
        with raw.open("rb") as file:
            signatures.add(file.read(512)[440:444])
        raw.unlink()
    assert len(signatures) == 2


def test_a_second_build_of_the_same_changes_nothing(built: demo.Built) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.images.values()}
    demo.build(built.folder)
    assert {path: path.stat().st_mtime_ns for path in built.images.values()} == before


@pytest.mark.django_db
def test_seeding_makes_what_is_absent_and_nothing_twice(
    built: demo.Built, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from images import seeds

    monkeypatch.setattr(seeds, "build", lambda out: built)
    assert seeds.run() == "demo, demo-alt"
    assert seeds.run() is None
    image = Image.objects.get(name="demo")
    assert (image.status, image.visibility, image.inspected) == ("active", "public", True)
    assert image.properties["os_admin_user"] == "demo"


SCRIPTS = [
    demo.FILES / "initrd/init",
    *(path for path in (demo.FILES / "root/usr/lib/stackling").iterdir() if path.suffix != ".awk"),
    *(demo.FILES / "root" / path for path in ("etc/init.d/boot", "etc/acpi/PWRF/00000080")),
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_guest_s_scripts_parse(script: Path) -> None:
    subprocess.run(["busybox", "sh", "-n", str(script)], check=True)


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126))
KEY = st.text(st.characters(categories=["L", "N"], max_codepoint=126), min_size=1)
JSON = st.recursive(
    st.one_of(TEXT, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)


def flat(value: object, path: str = "") -> list[str]:
    """What json.awk is to print."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [line for key, inner in pairs for line in flat(inner, f"{path}.{key}" if path else str(key))]
    return [f"{path}\t{value if isinstance(value, str) else json.dumps(value)}"]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEY, JSON, max_size=5), st.sampled_from([None, 1]))
def test_the_guest_reads_any_metadata(document: dict[str, object], indent: int | None) -> None:
    program = demo.FILES / "root/usr/lib/stackling/json.awk"
    text = json.dumps(document, indent=indent)
    said = subprocess.run(
        ["busybox", "awk", "-f", str(program)], input=text, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == flat(document)


class Guest:
    """A guest under QEMU with its serial line on a pipe."""

    def __init__(self, disk: Path) -> None:
        command = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=32", "-m", "128", "-display", "none"]
        command += ["-serial", "stdio", "-monitor", "none", "-nic", "user,model=virtio-net-pci"]
        command += ["-drive", f"file={disk},if=virtio,format=qcow2"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self.said = ""

    def wait_for(self, pattern: str, seconds: float) -> str:
        """Everything said until `pattern` appeared after what was waited for before."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.said += (self.process.stdout.read(65536) or b"").decode(errors="replace")
            found = re.search(pattern, self.said)
            if found:
                before, self.said = self.said[: found.end()], self.said[found.end() :]
                return before
            time.sleep(0.1)
        raise AssertionError(f"no {pattern} within {seconds} s, but: {self.said[-2000:]}")

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")


@pytest.fixture
def guest(built: demo.Built, tmp_path: Path) -> Iterator[Guest]:
    disk = tmp_path / "disk.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(built.images["demo"]), "-F", "qcow2", str(disk), "1G"],
        check=True,
    )
    running = Guest(disk)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.vm
def test_the_guest_grows_its_disk_gets_an_address_and_lets_demo_in(guest: Guest) -> None:
    """Case 30: scp and sftp are served as well, by Debian's programs beside dropbear."""
    booted = guest.wait_for(r"demo login: ", 180)
    assert "grown to 1024 MiB" in booted
    assert "eth0 has 10.0.2.15/24" in booted
    guest.type("demo")
    guest.wait_for("Password: ", 30)
    guest.type("demo")
    guest.wait_for(r"demo@demo:~\$ ", 30)
    # What Tempest's client in a guest runs.
    guest.type(
        "set -eu -o pipefail; test -x /usr/bin/scp; test -x /usr/lib/sftp-server; sudo id -u; df -m / | tail -1; lsblk -lb --nodeps; ping -c1 -w5 10.0.2.2; echo DO''NE"
    )
    said = guest.wait_for("DONE", 60)
    assert re.search(r"(?m)^0\r?$", said)
    assert re.search(r"/dev/vda2\s+9\d\d ", said)
    assert "1073741824" in said
    assert " 0% packet loss" in said
    guest.type("sudo poweroff")
    guest.wait_for("Power down", 60)


def _known(names: list[str], candidates: dict[str, str]) -> str:
    """What `apt-cache policy` says of packages."""
    return "".join(f"{name}:\n  Installed: (none)\n  Candidate: {candidates.get(name, '(none)')}\n" for name in names)


def test_what_was_built_serves_where_apt_has_no_packages(
    built: demo.Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Case 54: a machine without package lists takes the images that lie there, and says what to do where none do. What is
    installed apt still knows, without being able to download it; of what is not it knows the name alone."""
    real = demo.packages.run
    versions = json.loads((built.folder / "built.json").read_text())["packages"]
    kernel = next(name for name in versions if name.startswith("linux-image-"))
    known: dict[str, str] = {}

    def apt(command: list[str], **more: Any) -> str:
        if command[:2] == ["apt-cache", "depends"]:
            if not known:
                raise RuntimeError("apt-cache depends … ended with 100: E: No packages found")
            return f"linux-image-cloud-amd64\n  Depends: {kernel}\n"
        if command[:2] == ["apt-cache", "policy"]:
            return _known(command[2:], known)
        if command[0] == "apt-get":
            raise RuntimeError(
                "apt-get … ended with 100: E: Can't find a source to download version '1' of 'busybox:amd64'"
            )
        return real(command, **more)

    monkeypatch.setattr(demo.packages, "run", apt)
    stamp = built.folder / "built.json"
    was = stamp.read_text()
    some = {name: version for name, version in versions.items() if name != "busybox"}
    for which, why in (
        ({}, "apt-get update"),
        (some, "apt-get update"),
        (dict.fromkeys(versions, "1"), "find a source"),
    ):
        known.clear()
        known.update(which)
        assert demo.build(built.folder).folder == built.folder
        with pytest.raises(RuntimeError, match=why):
            demo.build(tmp_path / "empty")
        stamp.write_text(json.dumps({**json.loads(was), "key": "another code's"}))
        with pytest.raises(RuntimeError, match=why):
            demo.build(built.folder)
        stamp.write_text(was)
