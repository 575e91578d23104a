"""The config drive: an ISO 9660 with Rock Ridge and Joliet names, labelled config-2, as cloud-init looks for it."""

import base64
import io
from pathlib import Path, PurePosixPath

from pycdlib import PyCdlib


def write_iso(path: Path, files: dict[str, str]) -> None:
    """`files`: name inside the drive (openstack/latest/meta_data.json) → content in base64."""
    iso = PyCdlib()
    iso.new(interchange_level=4, vol_ident="config-2", joliet=3, rock_ridge="1.09")
    folders: set[PurePosixPath] = set()
    contents = []
    for name in sorted(files):
        inner = PurePosixPath("/") / name
        for folder in reversed(inner.parents[:-1]):
            if folder not in folders:
                folders.add(folder)
                iso.add_directory(str(folder), rr_name=folder.name, joliet_path=str(folder))
        content = base64.b64decode(files[name])
        contents.append(io.BytesIO(content))  # pycdlib reads it only when it writes
        iso.add_fp(contents[-1], len(content), str(inner), rr_name=inner.name, joliet_path=str(inner))
    iso.write(str(path))
    iso.close()
