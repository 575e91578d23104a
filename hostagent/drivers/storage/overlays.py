"""Which overlays lie over a root disk, written beside it before any of them can hold a byte.

A snapshot moves a guest to an overlay for the time of the copy. Whatever is cut then, libvirt's XML, QEMU and the files may
say different things; the list says which files may be newer than the root disk. While an overlay is the live one the root
disk is not written, so committing a listed overlay into it always gives the newest state; an overlay leaves the list before
the root disk is written again.

<disks>/<server>/overlays.json   {"over": [file names, lowest first], "paused": whether we hold the guest still meanwhile}
"""

import json
from pathlib import Path
from typing import Final

from hostagent.contract.failures import Failure
from hostagent.process.durable import read_whole, sync_folder, write_whole

LIST: Final = "overlays.json"
PREFIX: Final = "snapshot-"  # how the names of overlays begin


_SPOILED: Final = (
    "{path} is spoiled, so nobody knows whether a file beside it is newer than the disk. Look at them (ls -l, qemu-img info): where"
    " there is no snapshot-*.qcow2, remove the list; else write the newest's name into it, as in hostagent/drivers/storage/overlays.py"
)


def listed(folder: Path) -> list[Path]:
    """Overlays that may be newer than what lies below them, lowest first. Raises: Failure where the list cannot be believed."""
    return [folder / name for name in _read(folder)[0]]


def is_held(folder: Path) -> bool:
    """Whether a guest was being held still while its disk changed places."""
    return _read(folder)[1]


def _read(folder: Path) -> tuple[list[str], bool]:
    path = folder / LIST
    found = read_whole(path, _is_list, absent={"over": [], "paused": False}, damaged=None)
    if found is None:
        raise Failure("hypervisor_refused", detail=_SPOILED.format(path=path))
    return list(found["over"]), bool(found["paused"])


def _is_list(said: object) -> bool:
    """Names of files beside it and nothing else."""
    if not isinstance(said, dict) or said.keys() != {"over", "paused"} or not isinstance(said["over"], list):
        return False
    return all(isinstance(name, str) and name.startswith(PREFIX) and "/" not in name for name in said["over"])


def note(folder: Path, overlay: Path, *, paused: bool = False) -> None:
    """On the disk before this returns."""
    write_whole(folder / LIST, json.dumps({"over": [overlay.name], "paused": paused}))


def forget(folder: Path) -> None:
    """Forget the overlays, the root disk alone is live: first the list goes, to the disk, then the files."""
    gone = listed(folder)
    if (folder / LIST).exists():
        (folder / LIST).unlink()
        sync_folder(folder)
    for overlay in gone:
        overlay.unlink(missing_ok=True)
        overlay.with_suffix(".new").unlink(missing_ok=True)
