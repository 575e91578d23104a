"""The verbs of a server's domain, and what control tells of a server."""

from typing import Final, NotRequired, TypedDict

from hostagent.contract.image import FETCH_FAILS, ImageSource
from hostagent.contract.location import DiskSource
from hostagent.contract.verb import Nothing, Serial, Verb

#: One cast a server at a time, of servers and of their disks.
SERVER: Final = Serial("server", "server_id")


class OfServer(TypedDict):
    server_id: str


class PortSpec(TypedDict):
    port_id: str
    network_id: str
    mac: str
    mtu: int


class DiskSpec(TypedDict):
    """One disk of a domain. The root disk has source {"kind": "root"}."""

    device: str  # vda, vdb…
    serial: str  # at most 20 characters; how the guest finds it
    source: DiskSource
    bus: NotRequired[str]


class ServerSpec(TypedDict):
    """The domain is defined as described, and running unless `power` is "off". Repeating it changes nothing."""

    server_id: str
    name: str  # instance-<8 hex>: the domain's name
    vcpus: int
    memory_mib: int
    ports: list[PortSpec]
    disks: list[DiskSpec]
    power: str  # "on" | "off"
    machine: NotRequired[str]
    config_drive: NotRequired[dict[str, str] | None]  # file name → base64 content; an ISO labelled config-2
    #: what control knows of the server, kept beside its disks; no part of the domain
    metadata: NotRequired[dict[str, object]]
    kernel: NotRequired[ImageSource | None]
    ramdisk: NotRequired[ImageSource | None]
    cmdline: NotRequired[str]
    #: id of a secret that a disk's location names → what it is; kept while the domain has the disk
    secrets: NotRequired[dict[str, str]]


class ServerStop(OfServer):
    timeout: float  # seconds that the guest has to power off by itself, asked by ACPI; then by force


class ServerReboot(OfServer):
    hard: bool


class ServerPort(OfServer):
    port: PortSpec


class ServerDisk(OfServer):
    disk: DiskSpec
    secrets: NotRequired[dict[str, str]]  # as in ServerSpec


class ServerSnapshot(OfServer):
    image_id: str
    upload_path: str  # on control: the flat qcow2 copy is PUT there


class ServersAsked(TypedDict):
    server_ids: list[str]


class DomainState(TypedDict):
    state: str  # the domain's, of states.STATES, once the verb is done


class SnapshotSent(TypedDict):
    size: int  # bytes that were sent
    checksum: str  # their sha512, in hex
    virtual_size: int  # bytes


class Known(TypedDict):
    """A server as its host knows it."""

    state: str  # of states.STATES
    xml: str  # the domain as libvirt has it; empty where there is none
    record: dict[str, object]  # what control last said of the server (ServerSpec's metadata)


class ServersKnown(TypedDict):
    servers: dict[str, Known]


#: How whatever is asked of a domain may fail.
_FAILS: Final = ("hypervisor_down", "hypervisor_refused", "not_found")
#: The same where a start may have to bring disks back from a snapshot that was cut.
_START_FAILS: Final = (*_FAILS, "no_space", "in_use")

SERVER_ENSURE: Final = Verb(
    "server.ensure", ServerSpec, DomainState, fails=(*{*_START_FAILS, *FETCH_FAILS},), serial=SERVER,
    secret=("config_drive", "secrets"),  # user data, admin passwords, keys; passwords of volumes
)  # fmt: skip
#: Destroy and undefine; absent is success.
SERVER_REMOVE: Final = Verb("server.remove", OfServer, Nothing, fails=_FAILS, serial=SERVER)
SERVER_STOP: Final = Verb("server.stop", ServerStop, DomainState, fails=_FAILS, serial=SERVER)
SERVER_REBOOT: Final = Verb("server.reboot", ServerReboot, DomainState, fails=_START_FAILS, serial=SERVER)
SERVER_PAUSE: Final = Verb("server.pause", OfServer, DomainState, fails=_FAILS, serial=SERVER)
SERVER_UNPAUSE: Final = Verb("server.unpause", OfServer, DomainState, fails=_FAILS, serial=SERVER)
#: The memory goes to the disk, and comes back from there.
SERVER_SUSPEND: Final = Verb("server.suspend", OfServer, DomainState, fails=_START_FAILS, serial=SERVER, pool="bulk")
SERVER_RESUME: Final = Verb("server.resume", OfServer, DomainState, fails=_START_FAILS, serial=SERVER, pool="bulk")
SERVER_ATTACH_PORT: Final = Verb("server.attach_port", ServerPort, Nothing, fails=_FAILS, serial=SERVER)
SERVER_DETACH_PORT: Final = Verb("server.detach_port", ServerPort, Nothing, fails=_FAILS, serial=SERVER)
SERVER_ATTACH_DISK: Final = Verb(
    "server.attach_disk", ServerDisk, Nothing, fails=(*_FAILS, "in_use"), serial=SERVER, secret=("secrets",)
)
SERVER_DETACH_DISK: Final = Verb("server.detach_disk", ServerDisk, Nothing, fails=_FAILS, serial=SERVER)
#: Live external snapshot, convert to qcow2, send to control, commit back.
SERVER_SNAPSHOT: Final = Verb(
    "server.snapshot", ServerSnapshot, SnapshotSent, fails=(*_START_FAILS, "image_unreachable"), serial=SERVER,
    pool="bulk", is_remembered=True,
)  # fmt: skip
#: Asks a host for state, definition and record of these servers, as a Note would hold them.
SERVER_DESCRIBE: Final = Verb("server.describe", ServersAsked, ServersKnown, fails=_FAILS, of_any_cloud=True)
