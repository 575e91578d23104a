"""What every driver of real networks shares: what the host was last told, and DHCP servers and routers on its layer 2.

A driver adds its layer 2: the links of networks and the filters of ports. A file remembers the pieces; the host itself is the
truth.
"""

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, ClassVar, Final

from hostagent.contract.failures import FailureBody
from hostagent.contract.network import Piece, Probed, router_namespace
from hostagent.contract.samples import PortSample
from hostagent.drivers.network import KIND_ORDER, Lease, Place, probing, whole
from hostagent.drivers.network.commands import CommandFailed, namespaces
from hostagent.drivers.network.dhcp import Dhcp
from hostagent.drivers.network.namespace_links import Switch
from hostagent.drivers.network.router import Router
from hostagent.machine import confinement, daemon_files, load
from hostagent.machine.accounts import NoAccount
from hostagent.machine.daemons import Daemons
from hostagent.process.durable import is_object, read_whole

Bodies = dict[str, dict[str, Any]]  # piece, or id → body
Failed = dict[str, FailureBody]  # piece → why it could not be done

REFUSED: Final = (
    CommandFailed,
    confinement.NotStarted,
    NoAccount,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
)  # what a piece that cannot be made raises


def split(key: str) -> tuple[str, str]:
    kind, _, id_ = key.partition(":")
    return kind, id_


def _are_texts(said: object) -> bool:
    return isinstance(said, list) and all(isinstance(one, str) for one in said)


class Unsupported(Exception):
    """A network of a kind that a driver cannot make; the argument says what."""


def detail(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:600]


class PieceDriver(ABC):
    """The pieces of one host. `name` is the driver's, `switch` its layer 2 as DHCP servers and routers use it."""

    name: ClassVar[str]
    switch: Switch

    def __init__(self, place: Place) -> None:
        self.place = place
        self.daemons = place.daemons or Daemons(place.run)
        self.home = daemon_files.passable(place.data / "network")
        for name in ("dhcp", "routers"):
            daemon_files.passable(self.home / name)
        self.memory = self.home / "pieces.json"
        self.socket = place.run / "metadata.sock"
        self.pieces: dict[str, Piece] = self.recall()
        self.texts: dict[
            str, tuple[Piece, str]
        ] = {}  # pieces as they stand in the file: only changed ones are put anew
        self.given_up = self.home / "given-up.json"  # routers without their gateway port: control was silent
        self.without_gateway = self.recall_given_up()
        self.leases: dict[str, dict[tuple[str, str], int]] = {}
        self.left_out: dict[str, dict[str, str]] = {}  # network → Texts.left_out of its DHCP server

    def recall(self) -> dict[str, Piece]:
        """Recall what the host was last told; nothing if a crash of the machine left the file unreadable: control tells it all."""
        pieces: dict[str, Piece] = read_whole(self.memory, is_object, absent={}, damaged={})
        return pieces

    def recall_given_up(self) -> set[str]:
        """Where it cannot be read, every router: none answers by its gateway port until control has asked for it."""
        routers = [key for key in self.pieces if key.startswith("router:")]
        return set(read_whole(self.given_up, _are_texts, absent=[], damaged=routers))

    # ── Reading ──

    def read_pieces(self) -> dict[str, str]:
        return {
            key: piece["hash"]
            for key, piece in self.pieces.items()
            if piece["hash"] and key not in self.without_gateway
        }

    def read_hashes(self, keys: Iterable[str]) -> dict[str, str]:
        return {
            key: self.pieces[key]["hash"] if key in self.pieces and key not in self.without_gateway else ""
            for key in keys
        }

    def read_wanted(self) -> set[str]:
        return set(self.pieces)

    def read_missing(self) -> set[str]:
        return {key for key, piece in self.pieces.items() if not piece["hash"] or key in self.without_gateway}

    def read_piece(self, key: str) -> Piece:
        return self.pieces[key]

    def read_links(self) -> dict[str, list[str]]:
        ours = sorted(n for n in namespaces() if n.startswith(("qdhcp-", "qrouter-")))
        return {"taps": self.read_taps(), "namespaces": ours}

    def probe(self, router_id: str, ip: str, number: int) -> Probed:
        return probing.probe(router_namespace(router_id), ip, number)

    def read_leases(self) -> list[Lease]:
        facts: list[Lease] = []
        for id_, body in self.bodies("dhcp").items():
            with contextlib.suppress(KeyError, TypeError):  # a broken piece was reported when it was applied
                facts += self.dhcp(id_).read_leases(body, self.leases.setdefault(id_, {}))
        return facts

    def read_samples(self) -> dict[str, PortSample]:
        return load.ports([id_ for kind, id_ in map(split, list(self.pieces)) if kind == "port"])

    def read_left_out(self, networks: Collection[str] | None = None) -> dict[str, str]:
        asked = self.left_out if networks is None else networks
        return {port: why for id_ in asked for port, why in self.left_out.get(id_, {}).items()}

    def bodies(self, kind: str) -> Bodies:
        return {id_: p["body"] for key, p in self.pieces.items() for k, id_ in [split(key)] if k == kind}

    def dhcp(self, network_id: str) -> Dhcp:
        return Dhcp(self.home / "dhcp", network_id, self.socket, self.daemons, self.switch)

    def router(self, router_id: str) -> Router:
        return Router(self.home / "routers", router_id, self.socket, self.daemons, self.switch)

    # ── Making ──

    def ensure_pieces(self, pieces: dict[str, dict[str, object]], remove: list[str], *, full: bool) -> Failed:
        told = whole(pieces, self.pieces)
        gone = {key for key in remove if key in self.pieces}
        if full:
            gone |= set(self.pieces) - set(told)
        stand = self.read_pieces()
        changed = {k: p for k, p in told.items() if full or stand.get(k) != p["hash"]}
        self.give_up(
            self.without_gateway - set(told) - gone
        )  # a router that control asks for now may have its gateway port again
        failed = self.change(changed, gone - set(told))
        if full:
            self.remove_leftovers(failed)
        return failed

    def ensure_resumed(self, *, gateways: bool) -> Failed:
        if not gateways:
            there = namespaces()
            routers = {key for key in self.pieces if split(key)[0] == "router"}
            self.give_up(
                self.without_gateway & routers | {key for key in routers if f"qrouter-{split(key)[1]}" not in there}
            )
        return self.change(dict(self.pieces), set())

    def change(self, changed: dict[str, Piece], gone: set[str]) -> Failed:
        """Take away first, upper things before lower ones; then make, lower before upper; then remember."""
        failed: Failed = {}
        self.remember({**self.pieces, **{k: {"hash": "", "body": p["body"]} for k, p in changed.items()}})
        removed = self.remove_upper(gone, failed)
        self.change_links({k: p["body"] for k, p in changed.items() if split(k)[0] == "network"}, gone, failed)
        kept = {k: p for k, p in self.pieces.items() if k not in gone or k in failed}
        self.change_filters(kept, failed)
        for kind in ("dhcp", "router"):
            for key, piece in changed.items():
                if split(key)[0] == kind:
                    self.attempt(key, failed, partial(self.ensure_upper, key, piece["body"]))
        done = {k: p for k, p in changed.items() if k not in failed}
        assert removed <= gone
        self.remember({**kept, **done})
        return failed

    def attempt(self, key: str, failed: Failed, make: Callable[[], object]) -> bool:
        try:
            make()
        except Unsupported as problem:
            failed[key] = {"code": "unsupported", "data": {"what": str(problem), "driver": self.name}}
        except REFUSED as problem:
            failed[key] = {"code": "network_refused", "data": {"piece": key, "detail": detail(problem)}}
        return key not in failed

    def ensure_upper(self, key: str, body: dict[str, object]) -> None:
        kind, id_ = split(key)
        if kind == "dhcp":
            self.left_out[id_] = self.dhcp(id_).ensure(body)
        else:
            self.router(id_).ensure(body, gateway=f"router:{id_}" not in self.without_gateway)

    def remove_leftovers(self, failed: Failed) -> None:
        """Take away what is there under our names and in no piece: left by a crash, or by a file that was lost.

        No suspicion: pieces are noted before anything is made of them, and what nobody knows is still one (keeper.py), so what
        is in none was being removed. Links and namespaces hold no data; what a guest is plugged into stays.
        """
        for ns in namespaces():
            prefix, _, id_ = ns.partition("-")
            kind = {"qdhcp": "dhcp", "qrouter": "router"}.get(prefix)
            if kind and f"{kind}:{id_}" not in self.pieces:
                stray = self.dhcp(id_) if kind == "dhcp" else self.router(id_)
                self.attempt(f"{kind}:{id_}", failed, stray.remove)
        self.remove_leftover_links({split(key)[1] for key in self.pieces if split(key)[0] == "network"})

    def remove_upper(self, gone: set[str], failed: Failed) -> set[str]:
        removed = set()
        for key in sorted(gone, key=lambda k: -KIND_ORDER.index(split(k)[0])):
            kind, id_ = split(key)
            if kind == "router" and self.attempt(key, failed, self.router(id_).remove):
                removed.add(key)
            if kind == "dhcp" and self.attempt(key, failed, self.dhcp(id_).remove):
                self.leases.pop(id_, None)
                self.left_out.pop(id_, None)
                removed.add(key)
        return removed

    # ── What a driver adds ──

    @abstractmethod
    def change_links(self, changed: Bodies, gone: set[str], failed: Failed) -> None:
        """Make the links of these networks so, and take those of the pieces in `gone` away."""

    @abstractmethod
    def change_filters(self, kept: dict[str, Piece], failed: Failed) -> None:
        """Make the filters of ports those of these pieces."""

    @abstractmethod
    def remove_filters(self) -> None:
        """Take all filters away."""

    @abstractmethod
    def remove_leftover_links(self, networks: set[str]) -> None:
        """Take away links under our names that are of none of these networks, and that no guest is plugged into."""

    @abstractmethod
    def read_taps(self) -> list[str]:
        """List the links that guests are plugged into."""

    def remember(self, pieces: dict[str, Piece]) -> None:
        self.pieces = pieces
        self.home.mkdir(parents=True, exist_ok=True)
        had = self.texts
        self.texts = {
            key: known if (known := had.get(key)) and known[0] is piece else (piece, json.dumps(piece))
            for key, piece in pieces.items()
        }
        daemon_files.replace(
            self.memory, "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, (_, text) in self.texts.items()) + "}"
        )

    # ── Keeping ──

    def remove_gateways(self) -> None:
        self.give_up({key for key in self.pieces if split(key)[0] == "router"})
        failed: Failed = {}
        for key in sorted(self.without_gateway):
            body = self.pieces[key]["body"]
            self.attempt(key, failed, partial(self.ensure_upper, key, body))
        if failed:
            raise RuntimeError(str(failed))

    def give_up(self, routers: set[str]) -> None:
        """Remember, beyond the agent's life, which routers are without their gateway port."""
        self.without_gateway = routers
        self.home.mkdir(parents=True, exist_ok=True)
        daemon_files.write_if_changed(self.given_up, json.dumps(sorted(routers)))

    def remove_all(self) -> None:
        failed = self.change({}, set(self.pieces))
        if failed:
            raise RuntimeError(str(failed))
        self.remove_filters()
