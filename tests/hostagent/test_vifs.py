"""What ports plug into, as libvirt's XML: valid by libvirt's own schema, and what the network driver said."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hostagent.contract.binding import VifBinding
from hostagent.contract.network import bridge_name, tap_name
from hostagent.drivers.hypervisor.domain_xml import Places, build
from hostagent.drivers.network.fake import FakeNetwork
from hostagent.drivers.network.linux_bridge.driver import LinuxBridge
from tests.hostagent.parts import parts_of

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
BINDINGS: dict[str, VifBinding] = {
    "bridge": {"vif_type": "bridge", "bridge": "brq1", "device": "tap1"},
    "tap": {"vif_type": "tap", "device": "tap1"},
    "ovs": {"vif_type": "ovs", "bridge": "br-int", "device": "tap1", "interface_id": ID},
    "vhostuser": {"vif_type": "vhostuser", "socket": "/run/vhost.sock", "mode": "server"},
}


def interface(spec: dict[str, Any], binding: VifBinding) -> Any:
    places = Places(Path("/r"), Path("/d"), spec["server_id"])
    tree = etree.fromstring(build(spec, places, replace(parts_of(spec), vifs=[binding]), kvm=False))  # type: ignore[arg-type]
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(tree)
    return tree.find("devices/interface")


@pytest.mark.parametrize("name", BINDINGS)
def test_every_binding_is_an_interface_of_libvirts_own_schema(spec: dict[str, Any], name: str) -> None:
    found = interface(spec, BINDINGS[name])
    assert found.find("mac").get("address") == spec["ports"][0]["mac"]
    said = etree.tostring(found, encoding="unicode")
    for key, value in BINDINGS[name].items():
        assert key in ("vif_type",) or f'"{value}"' in said


def test_drivers_of_bridges_bind_to_the_networks_bridge(spec: dict[str, Any]) -> None:
    port = spec["ports"][0]
    for driver in (LinuxBridge, FakeNetwork):
        binding = driver.bind(
            object.__new__(driver), port
        )  # what a port plugs into does not depend on where the driver works
        assert binding == {
            "vif_type": "bridge",
            "bridge": bridge_name(port["network_id"]),
            "device": tap_name(port["port_id"]),
        }
        assert driver.vif["vif_type"] == binding["vif_type"]
