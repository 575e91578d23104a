"""The verbs of root disks."""

from typing import Final, Literal, NotRequired, TypedDict

from hostagent.contract.image import FETCH_FAILS, ImageSource
from hostagent.contract.server import SERVER, OfServer
from hostagent.contract.verb import Nothing, Verb


class DiskEnsure(OfServer):
    image: ImageSource | None  # None: an empty disk
    size_gib: int  # 0: as large as the image
    #: Makes no disk: the disk as it was before `disk.resize` grew it takes the root disk's place again, or is removed.
    kept: NotRequired[Literal["back", "gone"]]


class DiskResize(OfServer):
    size_gib: int


class DiskMade(TypedDict):
    cached: bool  # whether the image was here already, which explains how long a boot took


#: The root disk of a server exists.
DISK_ENSURE: Final = Verb("disk.ensure", DiskEnsure, DiskMade, fails=FETCH_FAILS, serial=SERVER, pool="bulk")
#: Root disk, config drive, console log; absent is success.
DISK_REMOVE: Final = Verb("disk.remove", OfServer, Nothing, serial=SERVER)
#: It is at least this large; as it was before it is kept beside it. The server is off.
DISK_RESIZE: Final = Verb(
    "disk.resize",
    DiskResize,
    Nothing,
    fails=("not_found", "no_space", "hypervisor_refused"),
    serial=SERVER,
    pool="bulk",
)
