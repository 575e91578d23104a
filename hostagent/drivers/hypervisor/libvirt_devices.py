"""Devices of a domain, while it runs and while it does not."""

from collections.abc import Callable
from typing import Any, Final

import libvirt
from lxml import etree

from hostagent.contract import Failure
from hostagent.drivers.hypervisor.libvirt_link import LibvirtLink
from hostagent.job import Job

TRY_EVERY: Final = 5.0  # seconds a guest has to let go before it is asked again
GIVE_UP: Final = 30.0  # seconds after which a detach has failed: the guest is paused or does not listen

Find = Callable[[Any], Any]  # the root element of a domain → the device's element or None


def by_mac(mac: str) -> Find:
    return lambda root: next(
        (d for d in root.iterfind("devices/interface") if d.find("mac").get("address").lower() == mac.lower()), None
    )


def by_serial(serial: str) -> Find:
    return lambda root: next((d for d in root.iterfind("devices/disk") if d.findtext("serial") == serial[:20]), None)


def look(domain: Any, find: Find, *, inactive: bool) -> Any:
    return find(etree.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0).encode()))


def attach(domain: Any, element: Any, find: Find) -> None:
    """The device is there, now and at the next start."""
    xml = etree.tostring(element, encoding="unicode")
    if look(domain, find, inactive=True) is None:
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    if domain.isActive() and look(domain, find, inactive=False) is None:
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def detach(link: LibvirtLink, domain: Any, find: Find, job: Job) -> None:
    """The device is gone, now and at the next start: the guest has let go of it.

    Raises: Failure timed_out when the guest does not (a paused one cannot).
    """
    kept = look(domain, find, inactive=True)
    if kept is not None:
        domain.detachDeviceFlags(etree.tostring(kept, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    while domain.isActive():
        live = look(domain, find, inactive=False)
        if live is None:
            return
        if job.seconds > GIVE_UP or job.seconds_left < 0:
            raise Failure("timed_out", seconds=job.seconds)
        _ask_to_let_go(link, domain, live)


def _ask_to_let_go(link: LibvirtLink, domain: Any, live: Any) -> None:
    """The call's return says nothing: only the event does."""
    server_id, alias = domain.UUIDString(), live.find("alias").get("name")
    gone = link.removal(server_id, alias)
    try:
        domain.detachDeviceFlags(etree.tostring(live, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        gone.wait(TRY_EVERY)
    except libvirt.libvirtError as error:
        in_progress = error.get_error_code() in (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_OPERATION_FAILED)
        if not in_progress:
            raise
        gone.wait(1.0)
    finally:
        link.forget_removal(server_id, alias)
