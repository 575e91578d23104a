"""A copy of a root disk while its guest runs on.

The guest is moved to a fresh overlay for the time of the copy, then back: external snapshot (no metadata), convert the
now quiet file, active block commit with pivot. An agent that dies in between leaves a guest on its overlay;
`recover` brings it back before the next snapshot or start.
"""

import logging
import time
from pathlib import Path
from typing import Any, Final

import libvirt
from lxml import etree
from lxml.builder import E

from hostagent.contract import Failure
from hostagent.drivers.storage.file import FileStorage
from hostagent.job import Job

log = logging.getLogger(__name__)

OVERLAY: Final = "snapshot-"  # how the names of such overlays begin
COMMIT_SECONDS: Final = 120.0  # for the writes of the time of the copy to go back


def take(domain: Any, storage: FileStorage, name: str, copy: Path, job: Job) -> None:
    """A flat copy of the root disk at `copy`. Raises: Failure, libvirtError."""
    recover(domain, storage)
    root = storage.root_path(domain.UUIDString())
    if not domain.isActive():
        storage.flatten(root, copy, job)
        return
    overlay = root.with_name(f"{OVERLAY}{name}.qcow2")
    storage.overlay_on(root, overlay, job)
    _move_to(domain, overlay)
    try:
        storage.flatten(root, copy, job)
    finally:
        _move_back(domain, root, overlay)


def recover(domain: Any, storage: FileStorage) -> None:
    """The root disk of the domain is its own file again, whatever was interrupted."""
    root = storage.root_path(domain.UUIDString())
    element = _disk_on_overlay(domain)
    if element is None:
        return
    overlay = Path(element.find("source").get("file"))
    log.warning("%s: coming back from %s, left by an interrupted snapshot", domain.name(), overlay.name)
    if domain.isActive():
        _move_back(domain, root, overlay)
        return
    job = Job({"body": {}, "deadline": COMMIT_SECONDS})
    job.begin()
    if overlay.exists():
        storage.commit(overlay, job)
    tree = etree.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).encode())
    source = next(d for d in tree.iterfind("devices/disk") if _is_overlay(d)).find("source")
    source.set("file", str(root))
    domain.connect().defineXML(etree.tostring(tree, encoding="unicode"))
    overlay.unlink(missing_ok=True)


def _is_overlay(disk: Any) -> bool:
    source = disk.find("source")
    return source is not None and Path(source.get("file") or "").name.startswith(OVERLAY)


def _disk_on_overlay(domain: Any) -> Any:
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    return next((disk for disk in tree.iterfind("devices/disk") if _is_overlay(disk)), None)


def _root_device(domain: Any) -> str:
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    for disk in tree.iterfind("devices/disk"):
        source = disk.find("source")
        if source is not None and Path(source.get("file") or "").name == "root.qcow2":
            return str(disk.find("target").get("dev"))
    raise Failure("not_found", what="root disk", id=domain.UUIDString())


def _move_to(domain: Any, overlay: Path) -> None:
    device = _root_device(domain)
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    others = [t.get("dev") for t in tree.iterfind("devices/disk/target") if t.get("dev") != device]
    disks = E.disks(
        E.disk(E.driver(type="qcow2"), E.source(file=str(overlay)), name=device, snapshot="external"),
        *(E.disk(name=other, snapshot="no") for other in others),
    )
    xml = etree.tostring(E.domainsnapshot(disks), encoding="unicode")
    flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
    flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
    try:
        domain.snapshotCreateXML(xml, flags | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (
            libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
            libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
            libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
            libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
            libvirt.VIR_ERR_OPERATION_INVALID,
        ):
            raise
        domain.snapshotCreateXML(xml, flags)  # no guest agent: as after a loss of power, which a journal bears


def _move_back(domain: Any, root: Path, overlay: Path) -> None:
    """Raises: Failure timed_out; the guest then runs on from its overlay, and `recover` tries again."""
    element = _disk_on_overlay(domain)
    if element is None:
        overlay.unlink(missing_ok=True)
        return
    device = element.find("target").get("dev")
    flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
    if not domain.blockJobInfo(device):
        domain.blockCommit(device, str(root), None, 0, flags)
    until = time.monotonic() + COMMIT_SECONDS
    while not _is_ready(domain, device):
        if time.monotonic() > until:
            raise Failure("timed_out", seconds=COMMIT_SECONDS)
        time.sleep(0.05)
    domain.blockJobAbort(device, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    overlay.unlink(missing_ok=True)


def _is_ready(domain: Any, device: str) -> bool:
    """The mirror says it is ready only in the XML: `cur == end` is also true before it has begun."""
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    disk = next(d for d in tree.iterfind("devices/disk") if d.find("target").get("dev") == device)
    mirror = disk.find("mirror")
    return mirror is not None and mirror.get("ready") == "yes"
