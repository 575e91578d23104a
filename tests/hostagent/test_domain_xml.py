"""A spec as a domain."""

from pathlib import Path
from typing import Any

from lxml import etree

from hostagent.contract.network import bridge_name, tap_name
from hostagent.drivers.hypervisor import domain_xml
from hostagent.drivers.hypervisor.domain_xml import Places, build, read_hash, spec_hash
from tests.hostagent.parts import parts_of


def domain(spec: dict[str, Any], *, kvm: bool = False, **files: Path) -> Any:
    places = Places(Path("/run/stackling/01234567/hosts/host1"), Path("/data"), spec["server_id"])
    return etree.fromstring(build(spec, places, parts_of(spec, **files), kvm=kvm))  # type: ignore[arg-type]


def test_no_format_is_ever_guessed_and_sockets_are_short(spec: dict[str, Any]) -> None:
    tree = domain(spec, config_drive=Path("/d/config.iso"))
    assert [d.find("driver").get("type") for d in tree.iterfind("devices/disk")] == ["qcow2", "raw"]
    for path in tree.xpath("//devices/serial/source/@path | //graphics/listen/@socket | //channel/source/@path"):
        assert len(path) < 108


def test_a_port_is_named_as_the_network_driver_expects(spec: dict[str, Any]) -> None:
    port = spec["ports"][0]
    nic = domain(spec).find("devices/interface")
    assert nic.find("source").get("bridge") == bridge_name(port["network_id"])
    assert nic.find("target").get("dev") == tap_name(port["port_id"])
    assert nic.find("mtu").get("size") == "1450"


def test_a_translated_guest_has_a_small_cache_and_an_accelerated_one_the_hosts_cpu(spec: dict[str, Any]) -> None:
    assert domain(spec).findtext("features/tcg/tb-cache") == str(domain_xml.TB_CACHE_MIB)
    accelerated = domain(spec, kvm=True)
    assert accelerated.get("type") == "kvm"
    assert accelerated.find("cpu").get("mode") == "host-passthrough"
    assert accelerated.find("features/tcg") is None


def test_power_is_no_part_of_a_domain_and_memory_is(spec: dict[str, Any]) -> None:
    places = Places(Path("/r"), Path("/d"), spec["server_id"])
    made = read_hash(build(spec, places, parts_of(spec), kvm=False))  # type: ignore[arg-type]
    assert made == spec_hash({**spec, "power": "off"}, kvm=False)  # type: ignore[typeddict-item]
    assert made != spec_hash({**spec, "memory_mib": 129}, kvm=False)  # type: ignore[typeddict-item]
    assert read_hash("<domain/>") == ""


def test_names_that_look_like_markup_stay_text(spec: dict[str, Any]) -> None:
    disk = {"device": "vdb", "serial": "</serial><x/>", "source": {"kind": "file", "path": "/a&b", "format": "raw"}}
    tree = domain({**spec, "disks": [*spec["disks"], disk]})
    assert tree.findall("devices/disk")[1].findtext("serial") == "</serial><x/>"
    assert tree.findall("devices/disk")[1].find("source").get("file") == "/a&b"
