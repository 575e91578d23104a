"""Where disks are, as libvirt's XML: valid by libvirt's own schema, and read back as what it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hostagent.contract.location import DiskLocation
from hostagent.drivers.hypervisor import locations
from hostagent.drivers.hypervisor.domain_xml import Places, build, disk_element
from hostagent.machine import apparmor
from tests.hostagent.parts import parts_of

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
SECRET = "77777777-2222-4333-8444-555555555555"
LOCATIONS: dict[str, DiskLocation] = {
    "file": {"kind": "file", "path": "/pool/disks/x/root.qcow2", "format": "qcow2"},
    "raw file": {"kind": "file", "path": "/pool/a&b <c>", "format": "raw"},
    "block": {"kind": "block", "path": "/dev/volumes/one"},
    "nbd over a socket": {"kind": "network", "protocol": "nbd", "name": "one", "hosts": [{"socket": "/run/one.sock"}]},
    "nbd over TCP": {"kind": "network", "protocol": "nbd", "name": "one", "hosts": [{"name": "10.0.0.1", "port": 10809}]},
    "rbd": {
        "kind": "network", "protocol": "rbd", "name": "volumes/one", "auth": {"username": "cinder", "type": "ceph", "secret": SECRET},
        "hosts": [{"name": "10.0.0.1", "port": 6789}, {"name": "10.0.0.2", "port": 6789}],
    },
    "iscsi": {
        "kind": "network", "protocol": "iscsi", "name": "iqn.2026-11.dev.stackling:one/1", "hosts": [{"name": "10.0.0.1", "port": 3260}],
        "auth": {"username": "u", "type": "iscsi", "secret": SECRET},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> Any:
    return etree.RelaxNG(etree.parse(SCHEMA))


def domain(spec: dict[str, Any], location: DiskLocation) -> Any:
    disks = [*spec["disks"], {"device": "vdb", "serial": "volume", "source": location}]
    places = Places(Path("/r"), Path("/d"), spec["server_id"])
    parts = replace(parts_of(spec), disks=[LOCATIONS["file"], location])
    return etree.fromstring(build({**spec, "disks": disks}, places, parts, kvm=False))  # type: ignore[typeddict-item]


@pytest.mark.parametrize("name", LOCATIONS)
def test_every_location_is_a_disk_of_libvirts_own_schema(spec: dict[str, Any], schema: Any, name: str) -> None:
    tree = domain(spec, LOCATIONS[name])
    schema.assertValid(tree)
    disk = tree.findall("devices/disk")[1]
    assert disk.get("type") == LOCATIONS[name]["kind"] and disk.find("target").get("dev") == "vdb"
    assert disk.find("driver").get("type") == ("qcow2" if name == "file" else "raw")


@pytest.mark.parametrize("name", ["file", "raw file", "block"])
def test_a_local_location_is_read_back(name: str) -> None:
    disk = disk_element({"device": "vdb", "serial": "x", "source": LOCATIONS[name]}, LOCATIONS[name])
    assert locations.read(disk) == LOCATIONS[name]
    assert locations.read(etree.fromstring("<disk type='file' device='cdrom'><target dev='hdd'/></disk>")) is None


@pytest.mark.parametrize("there", LOCATIONS)
@pytest.mark.parametrize("asked", LOCATIONS)
def test_a_disk_is_known_by_where_it_is_and_may_be_moved(
    there: str, asked: str, schema: Any, spec: dict[str, Any]
) -> None:
    tree = domain(spec, LOCATIONS[there])
    disk = tree.findall("devices/disk")[1]
    same = LOCATIONS[there]["kind"] == LOCATIONS[asked]["kind"] and there.split()[0] == asked.split()[0]
    assert locations.is_at(disk, LOCATIONS[asked]) is (there == asked or (same and "nbd" in there))
    locations.put(disk, LOCATIONS[asked])
    assert locations.is_at(disk, LOCATIONS[asked])
    schema.assertValid(tree)


def test_a_guests_profile_lets_it_reach_its_sockets(spec: dict[str, Any]) -> None:
    xml = etree.tostring(domain(spec, LOCATIONS["nbd over a socket"]), encoding="unicode")
    assert '"/run/one.sock" rw,' in apparmor.profile(spec["server_id"], xml, Path("/cache"))
    block = etree.tostring(domain(spec, LOCATIONS["block"]), encoding="unicode")
    assert '"/dev/volumes/one" rwk,' in apparmor.profile(spec["server_id"], block, Path("/cache"))
