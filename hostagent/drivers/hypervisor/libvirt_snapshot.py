"""A copy of a root disk while its guest runs on.

The guest is moved to a fresh overlay for the time of the copy, then back: external snapshot (no metadata), convert the
now quiet file, active block commit with pivot. Which files may be newer than the root disk is written beside it first
(storage/overlays.py), so whatever is cut, a guest never starts from older data: `recover` brings an interrupted one back
before the next definition, start, suspension or snapshot, and as soon as an agent is there again.
"""

import logging
import time
from pathlib import Path
from typing import Final

import libvirt
from lxml import etree

from hostagent.agent.job import Job
from hostagent.contract.failures import Failure
from hostagent.contract.location import DiskLocation
from hostagent.contract.server import SERVER_SNAPSHOT
from hostagent.drivers.hypervisor import locations
from hostagent.drivers.hypervisor.libvirt_types import Domain, E, Element, attribute
from hostagent.drivers.storage import Overlays, Storage

log = logging.getLogger(__name__)

COMMIT_SECONDS: Final = 120.0  # for the writes of the time of the copy to go back


def take(domain: Domain, storage: Storage, name: str, job: Job) -> tuple[Path, int]:
    """Copy the root disk flat, as storage.export does. Raises: Failure, libvirtError."""
    server_id = domain.UUIDString()
    recover(domain, storage, server_id)
    if not domain.isActive():
        return storage.copy_out(server_id, name, job)
    root, over = storage.root(server_id), storage.overlays(server_id)
    device = _root_device(domain, root)
    _move_to(domain, device, over.begin(name, job))
    try:
        return storage.copy_out(server_id, name, job)
    finally:
        _move_back(domain, root, over)


def recover(domain: Domain | None, storage: Storage, server_id: str) -> None:
    """Make the root disk its own again, with all that was ever written, whatever was interrupted.

    `domain` None: there is none, only files. A suspended one stays as it is: its memory names the disk that was live.
    """
    over = storage.overlays(server_id)
    element = _disk_on_overlay(domain, over) if domain is not None else None
    is_listed = over.are_listed()
    if element is None and not is_listed:
        return
    log.warning("%s: coming back from an overlay that an interrupted snapshot left", server_id)
    if domain is not None and domain.isActive():
        _move_back(domain, storage.root(server_id), over)
        return
    if domain is not None and domain.hasManagedSaveImage():
        return
    if element is not None and not is_listed:  # left by an agent that wrote no list
        over.note(_location(element))
    if domain is not None and element is not None:
        _define_on(domain, storage.root(server_id), over)
    job = Job({"verb": SERVER_SNAPSHOT.name, "body": {}, "deadline": COMMIT_SECONDS})  # what was cut goes on
    job.begin()
    over.settle(job)


def _define_on(domain: Domain, root: DiskLocation, over: Overlays) -> None:
    """The next start uses the root disk; the list says that it is not whole yet."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    tree = etree.fromstring(domain.XMLDesc(flags).encode())
    disk = next(d for d in tree.iterfind("devices/disk") if _is_overlay(d, over))
    for chain in [*disk.iterfind("backingStore"), *disk.iterfind("mirror")]:
        disk.remove(chain)  # what lay below the overlay is the root disk itself, which QEMU would open twice
    locations.put(disk, root)
    domain.connect().defineXML(etree.tostring(tree, encoding="unicode"))


def _location(disk: Element) -> DiskLocation:
    found = locations.read(disk)
    assert found is not None  # it was found by where it is
    return found


def _is_overlay(disk: Element, over: Overlays) -> bool:
    location = locations.read(disk)
    return location is not None and over.is_one(location)


def _disk_on_overlay(domain: Domain, over: Overlays) -> Element | None:
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    return next((disk for disk in tree.iterfind("devices/disk") if _is_overlay(disk, over)), None)


def _root_device(domain: Domain, root: DiskLocation) -> str:
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    for disk in tree.iterfind("devices/disk"):
        if locations.is_at(disk, root):
            return attribute(disk, "target", "dev")
    raise Failure("not_found", what="root disk", id=domain.UUIDString())


def _move_to(domain: Domain, device: str, overlay: DiskLocation) -> None:
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    others = [t.get("dev") for t in tree.iterfind("devices/disk/target") if t.get("dev") != device]
    source = locations.elements(overlay)
    disks = E.disks(
        E.disk(E.driver(type=locations.format_of(overlay)), *source, name=device, snapshot="external"),
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


def _move_back(domain: Domain, root: DiskLocation, over: Overlays) -> None:
    """Raises: Failure timed_out; the guest then runs on from its overlay, and `recover` tries again."""
    element = _disk_on_overlay(domain, over)
    if element is not None:
        device = attribute(element, "target", "dev")
        if not domain.blockJobInfo(device):
            domain.blockCommit(device, _path(root), None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
        until = time.monotonic() + COMMIT_SECONDS
        while not _is_ready(domain, device):
            if time.monotonic() > until:
                raise Failure("timed_out", seconds=COMMIT_SECONDS)
            time.sleep(0.05)
        _pivot(domain, device, over, _location(element))
    was_held = over.is_held()
    over.forget()
    if was_held and domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def _path(root: DiskLocation) -> str:
    assert root["kind"] != "network"  # a storage whose disks have overlays has them as files or devices
    return root["path"]


def _pivot(domain: Domain, device: str, over: Overlays, overlay: DiskLocation) -> None:
    """From the overlay to the root disk, which holds the same by now. The guest is held still for that moment: until the
    list is gone from the disk nothing is written, so an overlay that is still listed is never older than the root disk."""
    if domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING:
        over.note(overlay, held=True)
        domain.suspend()
    domain.blockJobAbort(device, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)


def _is_ready(domain: Domain, device: str) -> bool:
    """The mirror says it is ready only in the XML: `cur == end` is also true before it has begun."""
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    disk = next(d for d in tree.iterfind("devices/disk") if attribute(d, "target", "dev") == device)
    mirror = disk.find("mirror")
    return mirror is not None and mirror.get("ready") == "yes"
