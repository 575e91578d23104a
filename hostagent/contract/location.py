"""Where the bytes of a disk are. A storage says it, a hypervisor opens it."""

from typing import Literal, NotRequired, TypedDict


class FileLocation(TypedDict):
    """A file of the host."""

    kind: Literal["file"]
    path: str
    format: NotRequired[str]  # "qcow2" (where it is missing) or "raw": QEMU never probes


class BlockLocation(TypedDict):
    """A block device of the host: a logical volume, a multipath device. Its bytes are the disk's."""

    kind: Literal["block"]
    path: str


class NetworkHost(TypedDict):
    """Where a service of disks listens: a host with its port, or a unix socket."""

    name: NotRequired[str]
    port: NotRequired[int]
    socket: NotRequired[str]


class NetworkAuth(TypedDict):
    """As whom a service is asked. `secret` is the id of libvirt's secret, which holds the key."""

    username: str
    type: Literal["ceph", "iscsi"]
    secret: str


class NetworkLocation(TypedDict):
    """A disk that a service gives out: QEMU itself is the client. Its bytes are the disk's."""

    kind: Literal["network"]
    protocol: Literal["nbd", "rbd", "iscsi"]
    name: str  # the export, pool/image, or target/unit
    hosts: list[NetworkHost]
    auth: NotRequired[NetworkAuth]


DiskLocation = FileLocation | BlockLocation | NetworkLocation


class RootSource(TypedDict):
    """The server's root disk, in the storage of its host."""

    kind: Literal["root"]


class RescueSource(TypedDict):
    """The disk that a server runs from while its own is mended."""

    kind: Literal["rescue"]


class BlankSource(TypedDict):
    """A disk that starts empty: made with the domain, it goes with the server's disks."""

    kind: Literal["blank"]
    name: str  # its label, and how it is told from others of the server
    size_mib: int
    content: str  # "ext4" | "swap"


class VolumeSource(TypedDict):
    """A volume of one of the host's own backends, which knows the location."""

    kind: Literal["volume"]
    backend: str
    volume_id: str


#: A disk of the server's own, for which the host's storage knows the location, or a location.
LocalSource = RootSource | RescueSource | BlankSource | DiskLocation
#: What a disk of a domain is.
DiskSource = LocalSource | VolumeSource
