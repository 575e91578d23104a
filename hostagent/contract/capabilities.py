"""What the drivers of a host can do, and how a host tells of its drivers.

A driver declares the capabilities it has; a host has one where a driver of each kind that the capability needs declares it.
Control keeps what a hello says with the host: the scheduler places a server only where the host has what the server needs, and a
verb that a host cannot do is refused before it is cast.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NotRequired, TypedDict, get_args

from hostagent.contract.binding import Vif

Kind = Literal["hypervisor", "network", "storage", "volume"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True)
class Capability:
    """One thing that a host can do. Making one puts it into CAPABILITIES."""

    name: str  # as it stands on the wire and in flavors' extra specs: never changed
    kinds: tuple[Kind, ...]  # the kinds of driver of which one each must declare it
    does: str  # what a host with it does, as a sentence

    def __post_init__(self) -> None:
        assert self.name not in CAPABILITIES, self.name
        CAPABILITIES[self.name] = self


CAPABILITIES: Final[dict[str, Capability]] = {}

# ── Guests ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PAUSE: Final = Capability("pause", ("hypervisor",), "Freezes a running guest, and lets it go on.")
SUSPEND: Final = Capability(
    "suspend", ("hypervisor",), "Writes a guest's memory to the disk, and resumes it from there."
)
REBOOT_SOFT: Final = Capability(
    "reboot_soft", ("hypervisor",), "Asks a guest to restart by itself before it is forced to."
)
ATTACH_PORT: Final = Capability("attach_port", ("hypervisor",), "Plugs and unplugs ports while a guest runs.")
ATTACH_DISK: Final = Capability("attach_disk", ("hypervisor",), "Attaches and detaches disks while a guest runs.")
CONSOLE_VNC: Final = Capability("console_vnc", ("hypervisor",), "Shows a guest's screen.")
CONSOLE_SERIAL: Final = Capability("console_serial", ("hypervisor",), "Connects to a guest's serial port.")
CONSOLE_LOG: Final = Capability("console_log", ("hypervisor",), "Keeps what a guest says on its serial port.")
CONFIG_DRIVE: Final = Capability("config_drive", ("hypervisor",), "Gives a guest its metadata as a CD.")
KERNEL_IMAGES: Final = Capability(
    "kernel_images", ("hypervisor", "storage"), "Boots a kernel and a ramdisk that are images."
)

# ── Disks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

DISK_RESIZE: Final = Capability("disk_resize", ("storage",), "Grows a root disk, and takes it back to what it was.")
SNAPSHOT: Final = Capability("snapshot", ("hypervisor", "storage"), "Copies a root disk, also while its guest runs.")

# ── Volumes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

VOLUME_THIN: Final = Capability("volume.thin", ("volume",), "Takes room for a volume's data only as it is written.")
VOLUME_SNAPSHOT: Final = Capability(
    "volume.snapshot", ("volume",), "Keeps a volume as it was, and takes it back there."
)

VOLUME_EXPORT: Final = Capability("volume.export", ("volume",), "Gives volumes to guests of other hosts.")
DISK_ISCSI: Final = Capability("disk.iscsi", ("hypervisor",), "Opens disks that other hosts give out by iSCSI.")

# ── Networks ────────────────────────────────────────────────────────────────────────────────────────────────────────

VXLAN: Final = Capability("network.vxlan", ("network",), "Joins hosts' parts of a network by VXLAN.")
VLAN: Final = Capability("network.vlan", ("network",), "Carries a network as a VLAN of a physical one.")
FLAT: Final = Capability("network.flat", ("network",), "Joins a network to a physical one, untagged.")
LOCAL: Final = Capability("network.local", ("network",), "Makes networks that do not leave the host.")
SECURITY_GROUPS: Final = Capability("security_groups", ("network",), "Filters what guests send and get, statefully.")
ADDRESS_PAIRS: Final = Capability("allowed_address_pairs", ("network",), "Lets a port use further addresses.")
DHCP: Final = Capability("dhcp", ("network",), "Serves DHCP and DNS to networks.")
ROUTER: Final = Capability("router", ("network",), "Routes between networks.")
FLOATING_IP: Final = Capability("floating_ip", ("network",), "Translates floating addresses.")
METADATA: Final = Capability("metadata", ("network",), "Serves metadata to guests at 169.254.169.254.")
IPV6: Final = Capability("ipv6", ("network",), "Carries and announces IPv6.")
PROBE: Final = Capability("network.probe", ("network",), "Tries from a router whether a guest answers.")
#: Network resources may come as the difference to what the host has: network.PieceChange.
PIECE_CHANGES: Final = Capability("network.piece_changes", ("network",), "Takes changes of network resources.")

# ── What a host says ────────────────────────────────────────────────────────────────────────────────────────────────


class DriverInstance(TypedDict):
    """One driver of a host, under the name that the host's settings give it."""

    kind: str  # of KINDS; of "volume" each is a backend
    name: str  # unique among the host's drivers of its kind: "local", "fast"
    driver: str  # "libvirt", "linux_bridge", "file" …
    capabilities: list[str]  # names of CAPABILITIES that the driver declares
    vif: NotRequired[Vif]  # of a network driver: how it binds ports


class Drivers(TypedDict):
    """The part of a hello that tells of the host's drivers. The first of a kind is the one that serves where none is named."""

    v: int  # DRIVERS_VERSION; what a later version adds, a reader of this one leaves out
    instances: list[DriverInstance]


DRIVERS_VERSION: Final = 1


def of_host(instances: Iterable[DriverInstance]) -> frozenset[str]:
    """Name what a host with these drivers can do. A name that is not known here counts where any driver declares it."""
    declared: dict[str, set[str]] = {}
    for instance in instances:
        declared.setdefault(instance["kind"], set()).update(instance["capabilities"])
    named = frozenset().union(*declared.values())
    return frozenset(
        name
        for name in named
        if name not in CAPABILITIES or all(name in declared.get(kind, ()) for kind in CAPABILITIES[name].kinds)
    )


#: What an agent can do that says nothing of its drivers, besides what its inventory says: all that agents could before they said it.
OLDER: Final = frozenset(
    {
        "pause", "suspend", "reboot_soft", "attach_port", "attach_disk", "console_vnc", "console_serial", "console_log",
        "config_drive", "kernel_images", "disk_resize", "snapshot", "network.vxlan", "network.vlan", "network.flat",
        "network.local", "security_groups", "allowed_address_pairs", "dhcp", "router", "floating_ip", "metadata", "ipv6",
    }
)  # fmt: skip
