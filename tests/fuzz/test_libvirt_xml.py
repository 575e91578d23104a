"""User texts that reach libvirt: what is not refused is a domain of libvirt's own schema, the same but for that text."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from common.errors import CloudError
from compute.servers.create import boot_options
from hostagent.drivers.hypervisor.domain_xml import Parts, Places, build
from tests.fuzz.texts import SEEDS, texts
from tests.hostagent.parts import at

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
ID = "22222222-2222-4333-8444-555555555555"
PARTS = Parts(
    [at("/d/root.qcow2")],
    [{"vif_type": "bridge", "bridge": "brq1", "device": "tap1"}],
    kernel=at("/d/kernel", "raw"),
    ramdisk=at("/d/ramdisk", "raw"),
)
#: Machine types of which every text is a mutation: most texts are none.
MACHINES = ("pc", "q35", "pc-i440fx-7.2", "pc-q35-7.2")


@pytest.fixture(scope="module")
def schema() -> Any:
    return etree.RelaxNG(etree.parse(SCHEMA))


def spec(**more: Any) -> Any:
    return {
        "server_id": ID, "name": "instance-00000001", "vcpus": 1, "memory_mib": 128, "power": "on",
        "disks": [{"device": "vda", "serial": "root", "source": {"kind": "root"}}],
        "ports": [{"port_id": ID, "network_id": ID, "mac": "fa:16:3e:00:00:01", "mtu": 1450}], **more,
    }  # fmt: skip


def shape(tree: Any) -> list[tuple[str, int]]:
    return [(str(node.tag), len(node)) for node in tree.iter()]


def check_domains(schema: Any, seed: int, count: int) -> int:
    """Returns how many texts became part of a domain."""
    places = Places(Path("/run/s"), Path("/data"), ID)
    plain = shape(etree.fromstring(build(spec(cmdline="x"), places, PARTS, kvm=False)))
    passed = 0
    for number, text in enumerate(texts(seed, count)):
        machine = MACHINES[number % 4] if number % 2 else text
        try:
            boot_options.check(ID, {"os_command_line": text if number % 2 else "quiet", "hw_machine_type": machine})
        except CloudError:
            continue
        tree = etree.fromstring(build(spec(cmdline=text, machine=machine), places, PARTS, kvm=False))
        schema.assertValid(tree)
        assert shape(tree) == plain and tree.findtext("os/cmdline") == (text or "console=tty0 console=ttyS0")
        passed += 1
    return passed


def test_some_command_lines_and_machines(schema: Any) -> None:
    """B6 sibling: control characters, surrogates and U+FFFE of an image's properties."""
    assert check_domains(schema, SEEDS[0], 500) > 50
    for text in ("\x00", "\x0b", "\ufffe", "\ud800", "a\nb", "x" * 2049):
        with pytest.raises(boot_options.BadBootOption, match="os_command_line"):
            boot_options.check(ID, {"os_command_line": text})
    for text in ("xenpv", "none", "microvm", "pc,accel=kvm", "pc ", "q35\n", "../pc", "x" * 65):
        with pytest.raises(boot_options.BadBootOption, match="hw_machine_type"):
            boot_options.check(ID, {"hw_machine_type": text})


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_command_lines_and_machines(schema: Any, seed: int) -> None:
    """B6."""
    assert check_domains(schema, seed, 10_000) > 500
