"""An image that is not what it claims, or that refers to other files, is refused and leaves nothing."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import translation

from common import errors
from images import inspection
from tests.images.conftest import Client

pytestmark = [pytest.mark.django_db, pytest.mark.process]
Disk = Callable[..., bytes]

FORMATS = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vhdx": "vhdx", "vdi": "vdi", "vmdk": "vmdk"}


@pytest.mark.parametrize("claimed", FORMATS)
def test_what_it_claims_is_taken(red: Client, disk: Disk, claimed: str) -> None:
    options = ("-o", "subformat=monolithicSparse") if claimed == "vmdk" else ()
    image = red.create(disk_format=claimed)
    answer = red.upload(image["id"], disk(FORMATS[claimed], *options))
    assert answer.status_code == 204, answer.content
    shown = red.show(image["id"])
    assert shown["status"] == "active"
    assert shown["virtual_size"] >= 4 << 20


@pytest.mark.parametrize("claimed", FORMATS)
@pytest.mark.parametrize("real", FORMATS)
def test_what_it_does_not_claim_is_refused(red: Client, disk: Disk, store: Path, claimed: str, real: str) -> None:
    if claimed == real:
        return
    image = red.create(disk_format=claimed)
    answer = red.upload(image["id"], disk(FORMATS[real]))
    assert answer.status_code == 400
    assert claimed in answer.json()["message"]
    assert red.show(image["id"])["status"] == "queued"
    assert red.show(image["id"])["size"] is None
    assert list(store.iterdir()) == []


def refused(red: Client, store: Path, content: bytes, claimed: str, word: str) -> None:
    image = red.create(disk_format=claimed)
    answer = red.upload(image["id"], content)
    assert answer.status_code == 400, answer.content
    assert word in answer.json()["message"]
    assert red.show(image["id"])["status"] == "queued"
    assert list(store.iterdir()) == []


def test_a_backing_file_is_refused(red: Client, disk: Disk, store: Path) -> None:
    content = disk("qcow2", "-u", "-b", "/etc/shadow", "-F", "raw")
    refused(red, store, content, "qcow2", "backing file")
    refused(red, store, content, "raw", "qcow2")


def test_a_data_file_is_refused(red: Client, disk: Disk, store: Path, tmp_path: Path) -> None:
    content = disk("qcow2", "-o", f"data_file={tmp_path}/outside,data_file_raw=on")
    refused(red, store, content, "qcow2", "in another file")


def test_a_vmdk_with_foreign_extents_is_refused(red: Client, store: Path) -> None:
    text = b'# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
    text += b'RW 20480 FLAT "/etc/shadow" 0\n'
    refused(red, store, text, "vmdk", "")
    refused(red, store, text.ljust(65536, b"\0"), "vmdk", "vmdk")


def test_a_padded_vmdk_descriptor_that_claims_to_be_raw_is_refused(red: Client, disk: Disk, tmp_path: Path) -> None:
    disk("vmdk", "-o", "subformat=monolithicFlat")
    content = (tmp_path / "disk.vmdk").read_bytes()
    image = red.create(disk_format="raw")
    answer = red.upload(image["id"], content.ljust(1024, b"\0"))
    assert answer.status_code == 400, answer.content
    assert red.show(image["id"])["status"] == "queued"


def test_a_qed_is_no_raw_disk(red: Client, disk: Disk, store: Path) -> None:
    refused(red, store, disk("qed"), "raw", "qed")


def test_an_encrypted_qcow2_is_refused(red: Client, disk: Disk, store: Path) -> None:
    content = disk("qcow2", "--object", "secret,id=s0,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s0")
    refused(red, store, content, "qcow2", "")


def test_a_qcow2_cut_in_its_header_is_refused(red: Client, disk: Disk, store: Path) -> None:
    refused(red, store, disk("qcow2")[:60], "qcow2", "qcow2")


def test_a_qcow2_cut_in_its_data_is_refused(red: Client, store: Path, tmp_path: Path) -> None:
    raw = tmp_path / "full"
    raw.write_bytes(os.urandom(4 << 20))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", "-c", str(raw), str(tmp_path / "full.qcow2")], check=True)
    refused(red, store, (tmp_path / "full.qcow2").read_bytes()[: 2 << 20], "qcow2", "missing or damaged")


def test_an_empty_body_is_no_qcow2(red: Client, store: Path) -> None:
    refused(red, store, b"", "qcow2", "not a valid qcow2 image: it is empty")


def test_noise_is_raw_and_nothing_else(red: Client, store: Path) -> None:
    refused(red, store, os.urandom(2048), "qcow2", "qcow2")
    image = red.create(disk_format="raw")
    assert red.upload(image["id"], os.urandom(2048)).status_code == 204


def test_a_partitioned_raw_disk_is_raw(red: Client, tmp_path: Path) -> None:
    path = tmp_path / "parted"
    path.write_bytes(bytes(4 << 20))
    subprocess.run(["sfdisk", "-q", str(path)], input=b"label: gpt\n,,\n", check=True)
    image = red.create(disk_format="raw")
    assert red.upload(image["id"], path.read_bytes()).status_code == 204


def test_an_iso_is_an_iso(red: Client, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    subprocess.run(["genisoimage", "-quiet", "-o", str(tmp_path / "x.iso"), str(tmp_path / "tree")], check=True)
    image = red.create(disk_format="iso")
    assert red.upload(image["id"], (tmp_path / "x.iso").read_bytes()).status_code == 204
    other = red.create(disk_format="raw")
    assert red.upload(other["id"], (tmp_path / "x.iso").read_bytes()).status_code == 400


@pytest.mark.parametrize("kind", ["aki", "ari", "ami"])
def test_kernels_are_not_looked_into(red: Client, kind: str) -> None:
    image = red.create(disk_format=kind, container_format=kind)
    assert red.upload(image["id"], b"MZ" + os.urandom(600)).status_code == 204


def test_what_nobody_looked_into_does_not_boot(red: Client, disk: Disk) -> None:
    from images import services
    from images.images.errors import NotInspected

    image = red.create(disk_format="qcow2", container_format="ova")
    assert red.upload(image["id"], disk("qcow2", "-u", "-b", "/etc/shadow", "-F", "raw")).status_code == 204
    with pytest.raises(NotInspected):
        services.source(image["id"])


def test_reasons_are_told_in_the_readers_language() -> None:
    """One or several, told at once or once they were stored; what a program says itself stands as a quotation."""
    several = inspection.Unsafe(why=[inspection.REASONS["backing_file"], inspection.REASONS["data_file"]])
    quoted = inspection._unreadable("qcow2", ValueError("bad magic."))
    english = re.compile("|".join(("it ", "refers", "form is")))
    with translation.override("zh-hans"):
        for error in (several, quoted):
            told = errors.sentence(error.code, json.loads(json.dumps(errors.stored(error.data))))
            assert told == error.message and not english.search(told)
        assert "“bad magic”" in quoted.message
    assert "it refers to a backing file, it keeps its data in another file" in several.message
