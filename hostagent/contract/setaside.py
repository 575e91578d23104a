"""Setting aside: a thing on a host that no row names is stopped and kept, then given back or dropped."""

from typing import Final, TypedDict

from hostagent.contract.server import SERVER, OfServer
from hostagent.contract.verb import Nothing, Verb

SETASIDE_DAYS: Final = 14  # how long an agent keeps what was set aside
FEW: Final = 2  # so many things that nobody knows are set aside unasked
SHARE: Final = 0.05  # or so large a part of what a host has


def is_many(unknown: int, have: int) -> bool:
    """Whether what nobody knows is too much of what a host has to be touched without an operator's word."""
    return unknown > FEW and unknown > SHARE * have


class Note(TypedDict):
    """The description kept beside a thing that was set aside (<host data>/setaside/<id>/note.json)."""

    id: str
    kind: str  # "server" | "network"
    key: str  # the server's id, or the piece (network:<id>, dhcp:<id>, router:<id> …)
    why: str
    at: float  # unix seconds
    until: float  # when the agent removes it
    state: str  # what the domain was: states.STATES
    xml: str  # the domain as libvirt had it; empty where there was none
    record: dict[str, object]  # what control last said of the server (ServerSpec's metadata), or the piece's body
    files: list[str]


class Put(OfServer):
    why: str


class Back(OfServer):
    id: str  # the note's


class OfNote(TypedDict):
    id: str


class Notes(TypedDict):
    items: list[Note]


_FAILS: Final = ("hypervisor_down", "hypervisor_refused", "not_found")

#: Stop a server that nobody knows, take its domain away and move its files aside. → Note, or {} where nothing of it is here
SETASIDE_PUT: Final = Verb("setaside.put", Put, Note, fails=_FAILS, serial=SERVER, pool="bulk")
SETASIDE_LIST: Final = Verb("setaside.list", Nothing, Notes, of_any_cloud=True)
#: Gives a thing that was set aside back to its server: its files in their place, its domain defined, not running.
SETASIDE_BACK: Final = Verb("setaside.back", Back, Note, fails=_FAILS, serial=SERVER)
#: Absent is success.
SETASIDE_DROP: Final = Verb("setaside.drop", OfNote, Nothing)
