"""Runs inside a machine with AppArmor: two guests by the agent's own modules and a libvirtd of the machine's, no control plane.

Prints one JSON object; test_profiles.py says what must be in it.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import libvirt

from hostagent.contract.location import FileLocation
from hostagent.drivers.hypervisor import domain_xml, libvirt_daemons, libvirt_devices, libvirt_users
from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.machine import apparmor, guest_users

DATA, RUN = Path("/var/lib/profiles"), Path("/run/profiles")
IDS = [f"11111111-2222-4333-8444-55555555555{number}" for number in (1, 2)]
#: Becomes dd in a guest's profile, as root: only the profile stands in its way.
_READ = """
import os, sys
with open("/proc/self/attr/apparmor/exec", "w") as file:
    file.write("exec " + sys.argv[1])
os.execv("/bin/dd", ["dd", "if=" + sys.argv[2], "bs=512", "count=1", "of=/dev/null", "status=none"])
"""


def label_of(pid: str) -> str:
    return Path(f"/proc/{pid.strip()}/attr/apparmor/current").read_text().strip()


def qcow2(path: Path, below: Path | None = None) -> None:
    over = ["-F", "qcow2", "-b", str(below)] if below else []
    size = [] if below else ["1M"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *over, str(path), *size], check=True)


def root_of(server_id: str) -> Path:
    return DATA / "disks" / server_id / "root.qcow2"


def boot(connection: Any, server_id: str, base: Path) -> str:
    """The label of a guest that was just started."""
    guest_users.folder(DATA / "disks")
    guest_users.folder(root_of(server_id).parent)
    qcow2(root_of(server_id), base)
    guest_users.give(root_of(server_id), server_id)
    places = Places(RUN, DATA, server_id, DATA / "cache")
    disk = {"device": "vda", "serial": "root", "source": {"kind": "root"}}
    spec: Any = {"server_id": server_id, "name": f"instance-{server_id[-1]}", "memory_mib": 64, "vcpus": 1}
    spec |= {"ports": [], "power": "on", "disks": [disk]}
    parts = domain_xml.Parts(disks=[{"kind": "file", "path": str(root_of(server_id)), "format": "qcow2"}], vifs=[])
    domain = connection.defineXML(domain_xml.build(spec, places, parts, kvm=False))
    libvirt_users.create(domain, places)
    return label_of(Path(f"/run/libvirt/qemu/{domain.name()}.pid").read_text())


def readable(server_id: str, *paths: Path) -> dict[str, bool]:
    """Path → whether it can be read from the guest's profile."""
    ask = [sys.executable, "-c", _READ, apparmor.name_of(server_id)]
    return {str(path): subprocess.run([*ask, str(path)], capture_output=True).returncode == 0 for path in paths}


def refusal(act: Any) -> str:
    try:
        act()
    except Exception as error:
        return str(error)
    return ""


def plugged(connection: Any, server_id: str) -> dict[str, Any]:
    """A disk given to a guest that runs: refused before the profile lets it in, there afterwards."""
    volume = DATA / "volume.raw"
    volume.write_bytes(bytes(2**20))
    guest_users.give(volume, server_id)
    source: FileLocation = {"kind": "file", "path": str(volume), "format": "raw"}
    element = domain_xml.disk_element({"device": "vdb", "serial": "volume", "source": source}, source)
    domain, find = connection.lookupByUUIDString(server_id), libvirt_devices.by_serial("volume")
    before = refusal(lambda: libvirt_devices.attach(domain, element, find))
    libvirt_users.admit(domain, Places(RUN, DATA, server_id, DATA / "cache"), element)
    return {"before": before, "after": refusal(lambda: libvirt_devices.attach(domain, element, find))}


def main() -> None:
    for folder in (DATA / "cache", DATA / "consoles", RUN):
        folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    libvirt_users.PROFILES.start()
    found["reason"] = libvirt_users.PROFILES.reason
    libvirt_daemons.configure("host1", DATA, apparmor=not found["reason"])
    libvirt_daemons.ensure(private=True)
    found["libvirtd"] = label_of(Path("/run/libvirtd.pid").read_text())
    connection = libvirt.open("qemu:///system")
    base = DATA / "cache" / "0123abcd"
    qcow2(base)
    guest_users.share(base)
    found["labels"] = [boot(connection, server_id, base) for server_id in IDS]
    one, two = IDS
    for path in (root_of(two).parent.parent, root_of(two).parent):
        path.chmod(0o755)
    root_of(two).chmod(0o666)
    found["reads"] = readable(one, root_of(one), base, root_of(two), Path("/etc/shadow"))
    found["plugged"] = plugged(connection, two)
    first = connection.lookupByUUIDString(one)
    first.destroy()
    rebase = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", str(root_of(two)), str(root_of(one))]
    subprocess.run(rebase, check=True)
    found["foreign"] = refusal(lambda: libvirt_users.create(first, Places(RUN, DATA, one, DATA / "cache")))
    connection.lookupByUUIDString(two).destroy()
    for server_id in IDS:
        libvirt_users.PROFILES.forget(server_id)
    found["left"] = sorted(name for name in apparmor._loaded() if name.startswith("libvirt-"))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
