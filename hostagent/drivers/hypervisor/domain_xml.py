"""A ServerSpec as a libvirt domain. Every number that is not obvious was measured: see docs/decisions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from hostagent.contract.binding import VifBinding
from hostagent.contract.location import DiskLocation, FileLocation
from hostagent.contract.messages import canonical
from hostagent.contract.server import DiskSpec, PortSpec, ServerSpec
from hostagent.drivers.hypervisor import locations, vifs
from hostagent.drivers.hypervisor.libvirt_types import E, Element
from hostagent.machine import guest_users

NAMESPACE: Final = "https://stackling.dev/xmlns/domain/1"
TB_CACHE_MIB: Final = 32  # QEMU's own default lets a 128 MiB guest grow to 400 MiB of resident memory
LARGE_TB_CACHE_MIB: Final = 64  # for guests from LARGE_GUEST_MIB on, whose code is larger than a tiny system's
LARGE_GUEST_MIB: Final = 384
BALLOON_PERIOD: Final = 10  # seconds between memory statistics of the guest


class Places:
    """Where one server's sockets and its log are. `images`: the folders with what its disks may rest on."""

    def __init__(self, run: Path, data: Path, server_id: str, images: tuple[Path, ...] = ()) -> None:
        self.server_id = server_id
        self.vnc = run / f"vnc-{server_id}.sock"  # a link to the next, whose folder is the guest's own
        self.guest = run / server_id
        self.vnc_guest = self.guest / "vnc.sock"
        self.serial = run / f"serial-{server_id}.sock"  # the agent's: for viewers
        self.serial_guest = run / f"tty-{server_id}.sock"  # QEMU's: for the agent alone
        self.agent = run / f"qga-{server_id}.sock"
        self.log = data / "consoles" / f"{server_id}.log"
        self.images = images


@dataclass(frozen=True)
class Parts:
    """Where the parts of a domain are that its spec names: `disks` and `vifs` in the spec's order."""

    disks: Sequence[DiskLocation]
    vifs: Sequence[VifBinding]
    config_drive: FileLocation | None = None
    kernel: FileLocation | None = None
    ramdisk: FileLocation | None = None


def disk_element(disk: DiskSpec, location: DiskLocation) -> Element:
    """Describe a disk. An error of one that another host gives out stops the guest, which goes on once the disk is back: no file system
    that was told of an error is whole after it."""
    is_far = location["kind"] == "network"
    policy = {"error_policy": "stop", "rerror_policy": "stop"} if is_far else {}
    cache = "none" if is_far else "writeback"
    return E.disk(
        E.driver(name="qemu", type=locations.format_of(location), cache=cache, discard="unmap", **policy),
        *locations.elements(location),
        E.target(dev=disk["device"], bus=disk.get("bus", "virtio")),
        E.serial(disk["serial"][:20]),
        type=location["kind"],
        device="disk",
    )


def port_element(port: PortSpec, binding: VifBinding) -> Element:
    return E.interface(
        E.mac(address=port["mac"]),
        *vifs.elements(binding),
        E.model(type="virtio"),
        E.mtu(size=str(port["mtu"])),
        type=vifs.TYPES[binding["vif_type"]],
    )


def build(spec: ServerSpec, places: Places, parts: Parts, *, kvm: bool) -> str:
    """Build the whole domain."""
    domain = E.domain(
        E.name(spec["name"]),
        E.uuid(spec["server_id"]),
        E.metadata(
            etree.Element(f"{{{NAMESPACE}}}server", {"spec": spec_hash(spec, kvm=kvm)}, nsmap={"stackling": NAMESPACE})
        ),
        E.memory(str(spec["memory_mib"]), unit="MiB"),
        E.vcpu(str(spec["vcpus"])),
        _sysinfo(spec),
        _os(spec, parts),
        _features(spec, kvm=kvm),
        *([E.cpu(mode="host-passthrough")] if kvm else []),
        E.clock(E.timer(name="hpet", present="no"), offset="utc"),
        E.on_poweroff("destroy"),
        E.on_reboot("restart"),
        E.on_crash("destroy"),
        _devices(spec, places, parts),
        label(spec["server_id"]),
        type="kvm" if kvm else "qemu",
    )
    return etree.tostring(domain, encoding="unicode")


def label(server_id: str) -> Element:
    """Build the label that says whom its QEMU runs as. Files are given to it by us (dynamic_ownership is off): libvirt changes no owner."""
    return E.seclabel(
        E.label(f"+{guest_users.uid(server_id)}:+{guest_users.gid()}"), type="static", model="dac", relabel="no"
    )


def profile_label(profile: str) -> Element:
    """Return the AppArmor profile that its QEMU is put into; loaded by us before, never changed by libvirt."""
    return E.seclabel(E.label(profile), type="static", model="apparmor", relabel="no")


def as_labelled(xml: str, places: Places, profile: str) -> str:
    """Return the same domain with the labels that it starts with on this host; "" where it has them already.

    A domain of a time when all guests were root becomes its own user. `profile` "": this host has no AppArmor.
    """
    tree = etree.fromstring(xml.encode())
    changed = False
    if tree.find("seclabel[@model='dac']") is None:
        changed = True
        tree.append(label(places.server_id))
        for listen in tree.iterfind("devices/graphics[@type='vnc']/listen[@type='socket']"):
            listen.set("socket", str(places.vnc_guest))
        for graphics in tree.iterfind("devices/graphics[@type='vnc']"):
            graphics.attrib.pop("socket", "")
    given = tree.find("seclabel[@model='apparmor']")
    if ("" if given is None else given.findtext("label")) != profile:
        changed = True
        if given is not None:
            tree.remove(given)
        if profile:
            tree.append(profile_label(profile))
    return etree.tostring(tree, encoding="unicode") if changed else ""


def spec_hash(spec: ServerSpec, *, kvm: bool) -> str:
    """Compute the hash of a spec: two with one hash make the same domain. Power and what is only noted beside the disks are no part of it."""
    described = {key: value for key, value in spec.items() if key not in ("power", "metadata", "secrets")}
    return hashlib.sha256(canonical({"kvm": kvm, **described})).hexdigest()[:32]


def is_kvm(xml: str) -> bool:
    """Whether a domain was defined to run with KVM."""
    return bool(xml) and etree.fromstring(xml.encode()).get("type") == "kvm"


def read_hash(xml: str) -> str:
    """Read the hash a domain was made with; empty for one that is not ours."""
    found = etree.fromstring(xml.encode()).find(f"metadata/{{{NAMESPACE}}}server")
    return "" if found is None else found.get("spec", "")


def _sysinfo(spec: ServerSpec) -> Element:
    """cloud-init recognises an OpenStack guest by its product name."""
    entries = {
        "manufacturer": "OpenStack Foundation",
        "product": "OpenStack Nova",
        "serial": spec["server_id"],
        "uuid": spec["server_id"],
    }
    return E.sysinfo(E.system(*(E.entry(value, name=name) for name, value in entries.items())), type="smbios")


def _os(spec: ServerSpec, parts: Parts) -> Element:
    os = E.os(E.type("hvm", arch="x86_64", machine=spec.get("machine") or "pc"))
    if parts.kernel:
        os.append(E.kernel(parts.kernel["path"]))
        if parts.ramdisk:
            os.append(E.initrd(parts.ramdisk["path"]))
        os.append(E.cmdline(spec.get("cmdline") or "console=tty0 console=ttyS0"))
    else:
        os.append(E.boot(dev="hd"))
    os.append(E.smbios(mode="sysinfo"))
    return os


def _features(spec: ServerSpec, *, kvm: bool) -> Element:
    features = E.features(E.acpi(), E.apic())
    if not kvm:
        size = LARGE_TB_CACHE_MIB if spec["memory_mib"] >= LARGE_GUEST_MIB else TB_CACHE_MIB
        features.append(E.tcg(E("tb-cache", str(size), unit="MiB")))
    return features


def _devices(spec: ServerSpec, places: Places, parts: Parts) -> Element:
    devices = E.devices(E.emulator("/usr/bin/qemu-system-x86_64"))
    for disk, location in zip(spec["disks"], parts.disks, strict=True):
        devices.append(disk_element(disk, location))
    if parts.config_drive:
        devices.append(_cdrom(parts.config_drive))
    for port, binding in zip(spec["ports"], parts.vifs, strict=True):
        devices.append(port_element(port, binding))
    for element in (
        E.serial(
            E.source(mode="bind", path=str(places.serial_guest)),
            E.log(file=str(places.log), append="on"),
            E.target(port="0"),
            type="unix",
        ),
        E.channel(
            E.source(mode="bind", path=str(places.agent)),
            E.target(type="virtio", name="org.qemu.guest_agent.0"),
            type="unix",
        ),
        *(
            [E.input(type="tablet", bus="usb")] if spec["memory_mib"] >= LARGE_GUEST_MIB else []
        ),  # its polling costs an idle guest
        E.graphics(E.listen(type="socket", socket=str(places.vnc_guest)), type="vnc"),
        E.video(E.model(type="vga", vram="16384")),
        E.rng(E.backend("/dev/urandom", model="random"), model="virtio"),
        E.memballoon(E.stats(period=str(BALLOON_PERIOD)), model="virtio"),
    ):
        devices.append(element)
    return devices


def _cdrom(location: FileLocation) -> Element:
    return E.disk(
        E.driver(name="qemu", type=locations.format_of(location)),
        *locations.elements(location),
        E.target(dev="hdd", bus="ide"),
        E.readonly(),
        type="file",
        device="cdrom",
    )
