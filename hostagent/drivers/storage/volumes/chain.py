"""The chain of a volume: which files it consists of, the lowest first, written beside them.

<backend>/volumes/<volume>/chain.json   {"base": "<image>" or "", "base_format": …, "layers": [{"file": "0.qcow2", "snapshot": "<id>"}, …]}
                          /<n>.qcow2    each rests on the one before it, the first on the base

The last layer is the volume; each below it is the volume as it was when a snapshot was made. A layer below the last without a snapshot is
one whose snapshot was removed: what it holds goes into the layer above it (file.py), which may be cut and repeated. A volume is there
once its chain is; a file that no chain names was left by something that was cut.

A layer's header is its guest's to write. What it says it rests on is compared with the chain before any of the files is opened.
"""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from hostagent.contract.failures import Failure
from hostagent.drivers.storage.image_cache import backing_of
from hostagent.process.durable import read_whole, write_whole

NAME: Final = "chain.json"
DATA_FILE: Final = (
    1 << 2
)  # of a header's incompatible features: the data lies in another file. Source: QEMU's docs/interop/qcow2.txt

_SPOILED: Final = (
    "{path} {how}, so nothing of the volume is opened. `qemu-img info -U` tells on what each of its files rests"
)


@dataclass(frozen=True)
class Layer:
    file: str
    snapshot: str = ""  # the id of the snapshot that it is


@dataclass(frozen=True)
class Chain:
    """`folder` is the volume's own. `base` is the image below the lowest layer, "" if there is none."""

    folder: Path
    layers: tuple[Layer, ...]
    base: str = ""
    base_format: str = ""

    @property
    def files(self) -> list[Path]:
        return [self.folder / layer.file for layer in self.layers]

    @property
    def top(self) -> Path:
        return self.files[-1]

    def below(self, place: int) -> tuple[str, str]:
        """Path and format of what the layer at a place rests on; two empty texts for nothing."""
        return (str(self.files[place - 1]), "qcow2") if place else (self.base, self.base_format)

    def find(self, snapshot_id: str) -> int | None:
        """Find the place of the layer that a snapshot is."""
        return next((at for at, layer in enumerate(self.layers) if layer.snapshot == snapshot_id), None)

    def next_file(self) -> str:
        """Name a file that no layer has."""
        return f"{max(int(layer.file.partition('.')[0]) for layer in self.layers) + 1}.qcow2"

    def write(self) -> None:
        """On the disk before this returns. What is no layer is removed."""
        rows = [{"file": layer.file, "snapshot": layer.snapshot} for layer in self.layers]
        said = {"base": self.base, "base_format": self.base_format, "layers": rows}
        write_whole(self.folder / NAME, json.dumps(said))
        for path in {*self.folder.glob("*.qcow2"), *self.folder.glob("*.new")} - {*self.files}:
            path.unlink()


def read(folder: Path) -> Chain | None:
    """Read the chain of the volume in a folder; None where there is none. Raises: Failure where it cannot be believed."""
    path = folder / NAME
    said = read_whole(path, _is_chain, absent={}, damaged=None)
    if said is None:
        _refuse(path, "is spoiled")
    if not said:
        return None
    found = Chain(folder, tuple(Layer(**row) for row in said["layers"]), said["base"], said["base_format"])
    for place, layer in enumerate(found.files):
        _verify(layer, _may_rest_on(found, place))
    return found


def _may_rest_on(found: Chain, place: int) -> list[str]:
    """What the layer at a place may rest on: the one below it, and below those that it has merged into itself by now."""
    may = [found.below(place)[0]]
    while place and not found.layers[place - 1].snapshot:
        place -= 1
        may.append(found.below(place)[0])
    return may


def _is_chain(said: object) -> bool:
    if not isinstance(said, dict) or said.keys() != {"base", "base_format", "layers"}:
        return False
    rows = said["layers"]
    return isinstance(rows, list) and bool(rows) and all(_is_layer(row) for row in rows)


def _is_layer(row: object) -> bool:
    if not isinstance(row, dict) or row.keys() != {"file", "snapshot"} or not isinstance(row["snapshot"], str):
        return False
    number, _, kind = str(row["file"]).partition(".")
    return number.isascii() and number.isdigit() and kind == "qcow2"


def _verify(layer: Path, may_rest_on: list[str]) -> None:
    try:
        with layer.open("rb") as file:
            head = file.read(80)
        rests_on = backing_of(layer)
    except OSError as error:
        _refuse(layer, f"cannot be read ({os.strerror(error.errno or 0)})")
    version, features = struct.unpack(">I", head[4:8])[0], struct.unpack(">Q", head[72:80])[0] if len(head) >= 80 else 0
    if not head.startswith(b"QFI\xfb") or (version > 2 and features & DATA_FILE):
        _refuse(layer, "is no qcow2 file that stands for itself")
    if rests_on not in may_rest_on:
        _refuse(layer, f"rests on {rests_on or 'nothing'} and not on {may_rest_on[0] or 'nothing'}")


def _refuse(path: Path, how: str) -> NoReturn:
    raise Failure("hypervisor_refused", detail=_SPOILED.format(path=path, how=how))
