"""Locations of disks as libvirt's XML, and back."""

from hostagent.contract.location import DiskLocation, NetworkHost, NetworkLocation
from hostagent.drivers.hypervisor.libvirt_types import E, Element


def format_of(location: DiskLocation) -> str:
    """QEMU's name for the format of the bytes there."""
    return location.get("format", "qcow2") if location["kind"] == "file" else "raw"


def elements(location: DiskLocation) -> list[Element]:
    """Make the elements of a <disk> that say where it is: <auth>, if there is one, and <source>."""
    if location["kind"] == "file":
        return [E.source(file=location["path"])]
    if location["kind"] == "block":
        return [E.source(dev=location["path"])]
    source = E.source(*map(_host, location["hosts"]), protocol=location["protocol"], name=location["name"])
    return [*_auth(location), source]


def _host(host: NetworkHost) -> Element:
    if "socket" in host:
        return E.host(transport="unix", socket=host["socket"])
    return E.host(name=host["name"], **({"port": str(host["port"])} if "port" in host else {}))


def _auth(location: NetworkLocation) -> list[Element]:
    auth = location.get("auth")
    return [E.auth(E.secret(type=auth["type"], uuid=auth["secret"]), username=auth["username"])] if auth else []


def read(disk: Element) -> DiskLocation | None:
    """Where a <disk> of a domain is, as far as a file or a block device; None for others, and for an empty drive."""
    source = disk.find("source")
    if source is None:
        return None
    if path := source.get("file"):
        driver = disk.find("driver")
        fmt = "raw" if driver is None else driver.get("type", "raw")
        return {"kind": "file", "path": path, "format": fmt}
    device = source.get("dev")
    return {"kind": "block", "path": device} if device else None


def is_at(disk: Element, location: DiskLocation) -> bool:
    """Whether a <disk> of a domain opens what lies there."""
    source = disk.find("source")
    wanted = elements(location)[-1]
    return source is not None and all(source.get(name) == value for name, value in wanted.attrib.items())


def put(disk: Element, location: DiskLocation) -> None:
    """Have a <disk> of a domain open what lies there, in the place of where it is now."""
    for old in (*disk.iterfind("source"), *disk.iterfind("auth")):
        disk.remove(old)
    disk.set("type", location["kind"])
    for place, element in enumerate(elements(location), start=1):
        disk.insert(place, element)
