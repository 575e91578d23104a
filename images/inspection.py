"""Inspection of an image's bytes: their real format, found while they stream and once more by qemu-img in a cage.

QEMU is never allowed to guess: what is stored as qcow2 is qcow2, refers to no other file, and says so to two readers that
share no code. Sources: CVE-2022-47951 (vmdk extents), CVE-2024-32498 (qcow2 data files).
"""

import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from oslo_utils.imageutils import format_inspector

from common.errors import Invalid, Unavailable
from images.images import states

#: Format → qemu-img's names of it: another word, or raw where it sees no format.
QEMU_NAMES: Final = {"vhd": {"vpc"}, "iso": {"raw"}, "raw": {"raw"}}
#: Other formats that the stream's inspector may find in a claimed one: a partitioned raw disk shows its partition table.
ALSO: Final = {"raw": {"gpt"}}
#: Features of a qcow2 (bits of its header) that QEMU boots and oslo.utils does not know: extended L2 entries.
#: Source: docs/interop/qcow2.txt of QEMU, "incompatible_features".
HARMLESS_FEATURES: Final = 0b1_1011  # dirty, corrupt, compression type, extended L2; not bit 2, an outside data file
FOOTER: Final = 512  # bytes at the end of a VHD; a fixed one has no other sign
FIXED_VHD: Final = 2  # disk type in that footer
#: Sentences for the names of oslo.utils' failed checks.
REASONS: Final = {
    "backing_file": _("it refers to a backing file"),
    "data_file": _("it keeps its data in another file"),
    "descriptor": _("it refers to extents in other files"),
    "unknown_features": _("it uses features that are not known"),
    "banned": _("its format is not allowed here"),
}
MEMORY: Final = 1 << 30  # bytes qemu-img may map
SECONDS: Final = 30  # of processor time; twice that of patience
#: No more memory, time, output or memory dumps than reading headers needs.
CAGE: Final = (
    "/usr/bin/prlimit",
    f"--as={MEMORY}",
    f"--cpu={SECONDS}",
    "--fsize=0",
    "--core=0",
    "/usr/bin/nice",
    "-n5",
)


class WrongFormat(Invalid):
    template = _(
        "The data is %(found)s, not %(claimed)s. Create the image with disk format %(found)s and upload it again."
    )


class ForeignFormat(Invalid):
    template = _(
        "The data is %(found)s, not %(claimed)s, and no image can have that format here. Convert it with `qemu-img convert`."
    )


class Unreadable(Invalid):
    template = _("The data is not a valid %(claimed)s image: %(why)s.")


class Unsafe(Invalid):
    template = _("The image is refused because %(why)s. Convert it with `qemu-img convert` into one file of its own.")


class CannotInspect(Unavailable):
    template = _("The image cannot be checked: %(why)s.")


@dataclass(frozen=True)
class Finding:
    """`virtual_size` in bytes, None where nobody looked; `inspected`: fit to be given to QEMU as its format says."""

    virtual_size: int | None
    inspected: bool


class Inspector:
    """Fed with the pieces of an upload in order; afterwards `finish` looks at the stored file.

    Raises (from feed and finish): WrongFormat, Unreadable, Unsafe.
    """

    def __init__(self, disk_format: str | None, container_format: str | None) -> None:
        self.claimed = disk_format or ""
        self.opaque = self.claimed in states.AMAZON_FORMATS or container_format not in ("bare", "ovf")
        expected = self.claimed if self.claimed not in ("raw", "vhd") else None  # a fixed VHD shows only at its end
        self._feeder = _Feeder()
        feeder: Any = self._feeder  # only `read` is asked of it
        self._wrapper = format_inspector.InspectWrapper(feeder, expected_format=expected)

    def feed(self, piece: bytes) -> None:
        if self.opaque:
            return
        self._feeder.piece = piece
        try:
            self._wrapper.read(len(piece))
        except Exception as error:  # an inspector raises whatever broken bytes make it raise
            raise _unreadable(self.claimed, error) from error

    def finish(self, path: Path) -> Finding:
        """Return the verdict over the whole file, which must be on the disk by now."""
        if self.opaque:
            return Finding(None, inspected=self.claimed in states.AMAZON_FORMATS)
        if self.claimed != "raw" and not path.stat().st_size:
            raise Unreadable(claimed=self.claimed, why=_("it is empty"))
        self._feeder.piece = b""
        self._wrapper.close()
        fixed_vhd = is_fixed_vhd(path)
        self._agree(self._matches(), fixed_vhd)
        if self.claimed == "qcow2" and strange_features(path):
            raise Unsafe(why=REASONS["unknown_features"])
        seen = qemu_info(path, "vpc" if fixed_vhd and self.claimed == "vhd" else None)
        allowed = QEMU_NAMES.get(self.claimed, {self.claimed})
        if seen["format"] not in allowed:
            raise _wrong(self.claimed, seen["format"])
        _self_contained(seen)
        if self.claimed in ("raw", "iso"):
            return Finding(path.stat().st_size, inspected=True)
        if self.claimed == "qcow2" and not qemu_whole(path):
            raise Unreadable(claimed=self.claimed, why=_("parts of it are missing or damaged"))
        return Finding(int(seen["virtual-size"]), inspected=True)

    def _matches(self) -> dict[str, Any]:
        try:
            return {match.NAME: match for match in self._wrapper.formats or []}
        except format_inspector.ImageFormatError as error:
            raise _unreadable(self.claimed, error) from error

    def _agree(self, matches: dict[str, Any], fixed_vhd: bool) -> None:
        """The claim against the stream: nothing else is found, and what is found keeps to itself."""
        if fixed_vhd and self.claimed in ("raw", "vhd"):
            if self.claimed == "raw":
                raise WrongFormat(claimed="raw", found="vhd")
            matches = {"vhd": None} | {name: match for name, match in matches.items() if name not in ("raw", "gpt")}
        # A bootable ISO is also a partitioned disk; both readings are harmless.
        allowed = {self.claimed} | ALSO.get(self.claimed, set()) | ({"gpt"} if self.claimed == "iso" else set())
        strange = sorted(set(matches) - allowed)
        if strange:
            raise _wrong(self.claimed, strange[0])
        if self.claimed in ("raw", "iso") or matches.get(self.claimed, matches) is None:
            return  # nothing in these, nor in a fixed VHD, names another file
        if self.claimed not in matches:
            raise WrongFormat(claimed=self.claimed, found="raw")
        try:
            matches[self.claimed].safety_check()
        except format_inspector.SafetyCheckFailed as failed:
            # `finish` reads a qcow2's features itself: oslo.utils' list of them ends before QEMU's does.
            failures = sorted(set(failed.failures) - ({"unknown_features"} if self.claimed == "qcow2" else set()))
            if failures:
                raise Unsafe(why=[REASONS.get(name, name) for name in failures]) from failed


class _Feeder:
    """The file-like end of the wrapper: gives out the piece that was just put in."""

    piece: bytes = b""

    def read(self, size: int) -> bytes:
        return self.piece


def _wrong(claimed: str, found: str) -> Invalid:
    """The refusal of a claim, whose hint names only formats that an image can be created with."""
    name = next((ours for ours, theirs in QEMU_NAMES.items() if found in theirs and ours != "iso"), found)
    return (WrongFormat if name in states.DISK_FORMATS else ForeignFormat)(claimed=claimed, found=name)


def is_fixed_vhd(path: Path) -> bool:
    """Whether a file ends in the footer of a fixed VHD that fits its size.

    Source: Microsoft's Virtual Hard Disk Image Format Specification, "Hard Disk Footer Format".
    """
    size = path.stat().st_size
    if size < FOOTER:
        return False
    with path.open("rb") as file:
        file.seek(size - FOOTER)
        footer = file.read(FOOTER)
    current_size, disk_type = struct.unpack(">Q", footer[48:56])[0], struct.unpack(">I", footer[60:64])[0]
    checksum = ~sum(footer[:64] + footer[68:]) & 0xFFFFFFFF
    return (
        footer.startswith(b"conectix")
        and disk_type == FIXED_VHD
        and struct.unpack(">I", footer[64:68])[0] == checksum
        and current_size == size - FOOTER
    )


def strange_features(path: Path) -> int:
    """Return the incompatible features of a qcow2 that are not on our list, as bits; a version 2 has none."""
    with path.open("rb") as file:
        header = file.read(80)
    if len(header) < 80 or struct.unpack(">I", header[4:8])[0] != 3:
        return 0
    return int(struct.unpack(">Q", header[72:80])[0]) & ~HARMLESS_FEATURES


def _unreadable(claimed: str, error: Exception) -> Unreadable:
    """The refusal of bytes that the stream's inspector stumbled over; its own words, which are English, stand as a quotation."""
    said = str(error).rstrip(".") or type(error).__name__
    return Unreadable(claimed=claimed, why=_("their form is wrong (“%(said)s”)"), said=said)


def _self_contained(seen: dict[str, Any]) -> None:
    """Refuse an image of which qemu-img says that it refers to other files, or is encrypted. Raises: Unsafe."""
    if seen.get("backing-filename") or seen.get("full-backing-filename"):
        raise Unsafe(why=REASONS["backing_file"])
    data = seen.get("format-specific", {}).get("data", {})
    if data.get("data-file") or data.get("data-file-raw"):
        raise Unsafe(why=REASONS["data_file"])
    extents = [extent.get("filename") for extent in data.get("extents", [])]
    if any(name != seen.get("filename") for name in extents):
        raise Unsafe(why=REASONS["descriptor"])
    if seen.get("encrypted"):
        raise Unsafe(why=_("it is encrypted inside, and no key came with it"))


def qemu_info(path: Path, format: str | None = None) -> dict[str, Any]:
    """`qemu-img info` of a file, read as `format` or as what qemu-img finds.

    Raises: CannotInspect; Unreadable when qemu-img refuses the file.
    """
    done = _qemu_img("info", path, *(("-f", format) if format else ()))
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().replace(str(path), "the file").splitlines()
        why = _("qemu-img says “%(said)s”") if said else _("qemu-img ended with %(status)s")
        raise Unreadable(claimed="disk", why=why, said=said[-1].rstrip(".") if said else "", status=done.returncode)
    return dict(json.loads(done.stdout))


def qemu_whole(path: Path) -> bool:
    """Whether every cluster that a qcow2 refers to is in the file: an upload that was cut short is found out here.

    An upload in chunks has no length to compare with. Leaked clusters are harmless. Raises: CannotInspect.
    """
    done = _qemu_img("check", path, "-f", "qcow2")
    if done.returncode not in (0, 3):
        return False
    return not json.loads(done.stdout).get("corruptions")


def _qemu_img(verb: str, path: Path, *options: str) -> "subprocess.CompletedProcess[bytes]":
    """Runs qemu-img with its processor time, memory, output and environment limited.

    Raises: CannotInspect when it is missing or takes too long.
    """
    program = shutil.which("qemu-img", path="/usr/local/bin:/usr/bin:/bin")
    if program is None:
        raise CannotInspect(why=_("qemu-img is not installed where the image service runs"))
    try:
        return subprocess.run(
            [*CAGE, program, verb, "--output=json", *options, str(path)],
            stdout=subprocess.PIPE,
            # A broken file has one complaint a cluster.
            stderr=subprocess.PIPE if verb == "info" else subprocess.DEVNULL,
            timeout=SECONDS * 2,
            check=False,
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        )
    except subprocess.TimeoutExpired as error:
        raise CannotInspect(why=_("qemu-img took too long over it")) from error
