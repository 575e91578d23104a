"""What a guest's own user needs before its QEMU starts: its labels, its folder for sockets, the disks that came from elsewhere."""

import logging
from pathlib import Path
from typing import Final

import libvirt
from lxml import etree

from hostagent.contract.failures import Failure
from hostagent.drivers.hypervisor import domain_xml
from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.drivers.hypervisor.libvirt_types import Connection, Domain, Element, child
from hostagent.machine import apparmor, cgroups, guest_users

PIDS: Final = Path("/run/libvirt/qemu")  # one a guest that runs
SHARES: Final = cgroups.Shares()  # of this process's one host
PROFILES: Final = apparmor.Profiles()
log = logging.getLogger(__name__)


def create(domain: Domain, places: Places) -> None:
    """Start a domain as its own user, with a share of its own where the host can give one."""
    domain = settle(domain, places)
    domain.create()
    share(domain, places)


def share(domain: Domain, places: Places) -> None:
    """Give a guest that runs its share: one that has just started, or that an agent finds."""
    _, memory_kib, _, vcpus, _ = domain.info()
    try:
        pid = int((PIDS / f"{domain.name()}.pid").read_text())
    except (OSError, ValueError):
        return  # it has ended already
    SHARES.place(places.server_id, pid, vcpus=vcpus, memory_mib=memory_kib // 1024)


def settle(domain: Domain, places: Places) -> Domain:
    """Return the domain, ready to be started as its own user and in its own profile; defined anew where it had other labels.

    Raises: Failure hypervisor_refused when its profile cannot be loaded.
    """
    _folder(places)
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    profile = apparmor.name_of(places.server_id) if is_confining(domain.connect()) else ""
    defined, saved = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | secure), ""
    if domain.hasManagedSaveImage():
        saved = domain.managedSaveGetXMLDesc(libvirt.VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)
    anew, saved_anew = (xml and domain_xml.as_labelled(xml, places, profile) for xml in (defined, saved))
    if profile:  # before a definition names it: libvirt looks whether it is loaded
        _confine(places, saved_anew or saved or anew or defined)
    if anew:
        log.info("%s gets its labels: user %d %s", domain.name(), guest_users.uid(places.server_id), profile)
        domain = domain.connect().defineXML(anew)
    if saved_anew:
        domain.managedSaveDefineXML(saved_anew)
    return domain


def is_confining(connection: Connection) -> bool:
    """Whether the libvirtd that runs puts guests into AppArmor profiles: one that was started without does not."""
    if PROFILES.reason:
        return False
    host = etree.fromstring(connection.getCapabilities().encode())
    return "apparmor" in [model.text for model in host.iterfind("host/secmodel/model")]


def admit(domain: Domain, places: Places, device: Element) -> None:
    """Let a guest that runs at a device that it is about to be given. Raises: Failure hypervisor_refused."""
    tree = etree.fromstring(domain.XMLDesc(0).encode())
    if tree.find("seclabel[@model='apparmor']") is not None and domain.isActive():
        child(tree, "devices").append(etree.fromstring(etree.tostring(device)))
        _confine(places, etree.tostring(tree, encoding="unicode"))


def _confine(places: Places, xml: str) -> None:
    try:
        PROFILES.confine(places.server_id, xml, places.images)
    except apparmor.NotConfined as error:
        raise Failure("hypervisor_refused", detail=str(error)) from error


def _folder(places: Places) -> None:
    """QEMU makes the socket of its screen by itself; the console proxy's group, which the folder passes on, may use it."""
    places.guest.mkdir(exist_ok=True)
    guest_users.give(places.guest, places.server_id, mode=0o2770)
    if not places.vnc.is_symlink():
        places.vnc.unlink(missing_ok=True)
        places.vnc.symlink_to(places.vnc_guest)


def forget(places: Places) -> None:
    """Forget a guest that is gone."""
    SHARES.forget(places.server_id)
    PROFILES.forget(places.server_id)
    for path in (places.vnc, places.vnc_guest):
        path.unlink(missing_ok=True)
    if places.guest.exists():
        places.guest.rmdir()
