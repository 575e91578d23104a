"""A spec's parts, where tests say they are."""

from pathlib import Path
from typing import Any

from hostagent.contract.binding import VifBinding
from hostagent.contract.location import FileLocation
from hostagent.contract.network import bridge_name, tap_name
from hostagent.drivers.hypervisor.domain_xml import Parts


def at(path: Path | str, fmt: str = "qcow2") -> FileLocation:
    return {"kind": "file", "path": str(path), "format": fmt}


def parts_of(spec: dict[str, Any], *, root: Path = Path("/d/root.qcow2"), **files: Path) -> Parts:
    """`files`: config_drive, kernel and ramdisk. Disks other than the root say themselves where they are."""
    disks = [at(root) if disk["source"]["kind"] == "root" else disk["source"] for disk in spec["disks"]]
    fmts = {"config_drive": "raw", "kernel": "raw", "ramdisk": "raw"}
    vifs: list[VifBinding] = [
        {"vif_type": "bridge", "bridge": bridge_name(port["network_id"]), "device": tap_name(port["port_id"])}
        for port in spec["ports"]
    ]
    return Parts(disks=disks, vifs=vifs, **{part: at(path, fmts[part]) for part, path in files.items()})
