"""Network drivers: what turns wanted pieces (hostagent/contract/network.py) into a host's links, rules and daemons."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypedDict

from hostagent.contract.binding import Vif, VifBinding
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import FailureBody
from hostagent.contract.network import Piece, Probed, changed_body
from hostagent.contract.samples import PortSample
from hostagent.contract.server import PortSpec
from hostagent.machine.daemons import Daemons

KIND_ORDER: Final = ("network", "group", "port", "dhcp", "router")  # the order in which pieces rest on each other


def whole(pieces: dict[str, dict[str, Any]], had: dict[str, Piece]) -> dict[str, Piece]:
    """Pieces as ordered, differences put onto what is there; one that does not fit is left out: it stays as it is."""
    found: dict[str, Piece] = {}
    for key, piece in pieces.items():
        if "body" in piece:
            found[key] = {"hash": piece["hash"], "body": piece["body"]}
            continue
        before = had.get(key)
        if before is not None and before["hash"] == piece["from"]:
            found[key] = {"hash": piece["hash"], "body": changed_body(before["body"], piece)}
    return found


@dataclass(frozen=True)
class Place:
    """Where a driver works: the host's own directory, its sockets' directory, its address on the underlay."""

    data: Path
    run: Path
    underlay_ip: str
    daemons: Daemons | None = None  # the host's; None: a driver that works without its host's agent (guard.py, tests)


class Lease(TypedDict):
    """A fact: a guest was given an address."""

    port_id: str
    mac: str
    ip: str
    at: float  # unix seconds


class NetworkDriver(Protocol):
    """All verbs may be repeated. None of them is called by two threads at once (keeper.py)."""

    capabilities: ClassVar[frozenset[Capability]]
    vif: ClassVar[Vif]

    def bind(self, port: PortSpec) -> VifBinding:
        """Tell what a guest's port plugs into, ready for it. Raises: Failure."""

    def read_pieces(self) -> dict[str, str]:
        """Piece → hash of what this host has now, broken pieces left out."""

    def read_hashes(self, keys: Iterable[str]) -> dict[str, str]:
        """Read the same of these pieces alone; "" for one that is broken or not there."""

    def read_wanted(self) -> set[str]:
        """Read the pieces this host was told to have, whether they stand or not."""

    def read_missing(self) -> set[str]:
        """Read those of them that do not stand."""

    def read_piece(self, key: str) -> Piece:
        """Read one of those, as this host was told it."""

    def read_links(self) -> dict[str, list[str]]:
        """{"taps": [...], "namespaces": [...]} that are there."""

    def probe(self, router_id: str, ip: str, number: int) -> Probed:
        """Try a guest's TCP port from a router that is here. It changes nothing, and may run beside any other."""

    def read_leases(self) -> list[Lease]:
        """List the leases given since the last call."""

    def read_samples(self) -> dict[str, PortSample]:
        """Read the counters of guests' ports that are plugged here, by their id. Called by any thread."""

    def read_left_out(self, networks: Collection[str] | None = None) -> dict[str, str]:
        """Port → why the DHCP server of its network, which is here, serves it without the options it asks for.

        Of these networks; of all where none are named.
        """

    def ensure_pieces(
        self, pieces: dict[str, dict[str, Any]], remove: list[str], *, full: bool
    ) -> dict[str, FailureBody]:
        """Make these so (whole, or differences: see `whole`), take `remove` away (with `full` all that is not named).

        Returns what could not be done.
        """

    def ensure_resumed(self, *, gateways: bool) -> dict[str, FailureBody]:
        """At the agent's start: make live again what this host was last told. Returns what could not be done.

        Without `gateways`, routers that are not there any more (the machine was restarted) come up as `remove_gateways`
        leaves them: another host may have them by now.
        """

    def remove_gateways(self) -> None:
        """Control is silent: give up the routers' gateway ports and floating addresses, another host may have them.

        Until `ensure_pieces` is asked for such a router again, `read_pieces` leaves it out, also after a restart.
        """

    def remove_all(self) -> None:
        """Take away every piece."""
