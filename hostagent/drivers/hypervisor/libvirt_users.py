"""What a guest's own user needs before its QEMU starts: its label, its folder for sockets, the disks that came from elsewhere."""

import logging
import os
import stat
from pathlib import Path
from typing import Any, Final

import libvirt

from hostagent import cgroups, guest_users
from hostagent.contract import DiskSpec
from hostagent.drivers.hypervisor import domain_xml
from hostagent.drivers.hypervisor.domain_xml import Places

PIDS: Final = Path("/run/libvirt/qemu")  # one a guest that runs
SHARES: Final = cgroups.Shares()  # of this process's one host
log = logging.getLogger(__name__)


def create(domain: Any, places: Places) -> None:
    """Start a domain as its own user, with a share of its own where the host can give one."""
    domain = settle(domain, places)
    domain.create()
    _, memory_kib, _, vcpus, _ = domain.info()
    try:
        pid = int((PIDS / f"{domain.name()}.pid").read_text())
    except (OSError, ValueError):
        return  # it has ended already
    SHARES.place(places.server_id, pid, vcpus=vcpus, memory_mib=memory_kib // 1024)


def settle(domain: Any, places: Places) -> Any:
    """The domain, ready to be started as its own user. One that was defined when guests were root is defined anew."""
    _folder(places)
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    if text := domain_xml.as_own_user(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | secure), places):
        log.info("%s becomes user %d", domain.name(), guest_users.uid(places.server_id))
        domain = domain.connect().defineXML(text)
    if domain.hasManagedSaveImage():
        saved = domain.managedSaveGetXMLDesc(libvirt.VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)
        if text := domain_xml.as_own_user(saved, places):
            domain.managedSaveDefineXML(text)
    return domain


def _folder(places: Places) -> None:
    """QEMU makes the socket of its screen by itself; the console proxy's group, which the folder passes on, may use it."""
    places.guest.mkdir(exist_ok=True)
    guest_users.give(places.guest, places.server_id, mode=0o2770)
    if not places.vnc.is_symlink():
        places.vnc.unlink(missing_ok=True)
        places.vnc.symlink_to(places.vnc_guest)


def forget(places: Places) -> None:
    """The guest is gone."""
    SHARES.forget(places.server_id)
    for path in (places.vnc, places.vnc_guest):
        path.unlink(missing_ok=True)
    if places.guest.exists():
        places.guest.rmdir()


def give_disk(disk: DiskSpec, server_id: str) -> None:
    """A disk that control named by its path becomes the guest's, if it is a plain file."""
    path = Path(disk["source"].get("path", ""))
    if disk["source"]["kind"] == "file" and path.exists() and stat.S_ISREG(os.lstat(path).st_mode):
        guest_users.give(path, server_id)
