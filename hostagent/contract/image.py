"""Where an agent reads an image."""

from typing import Final, TypedDict


class ImageSource(TypedDict):
    """`path` is an internal HTTP path on control (hostagent/agent/control_link.py)."""

    id: str
    checksum: str  # sha512 hex of the bytes as stored
    size: int  # bytes as stored
    disk_format: str  # "raw" | "qcow2" | …: what the bytes are; QEMU never probes
    path: str  # e.g. /internal/images/<id>


#: How fetching one may fail.
FETCH_FAILS: Final = ("image_corrupt", "image_unreachable", "no_space", "hypervisor_refused")
