"""The linux_bridge driver: wanted pieces become a few batches; a file remembers them, the host itself is the truth."""

import contextlib
import json
import logging
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from hostagent.contract import capabilities as can
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import FailureBody
from hostagent.contract.network import Piece, tap_name
from hostagent.drivers.network import KIND_ORDER, Place, whole
from hostagent.drivers.network.linux_bridge import firewall, firewall_base, links
from hostagent.drivers.network.linux_bridge.commands import CommandFailed, namespaces, run
from hostagent.drivers.network.linux_bridge.dhcp import Dhcp
from hostagent.drivers.network.linux_bridge.routers import Router
from hostagent.drivers.network.linux_bridge.ruleset import Table, difference, render
from hostagent.machine import confinement, daemon_files
from hostagent.machine.accounts import NoAccount
from hostagent.machine.daemons import Daemons
from hostagent.process.durable import is_object, read_whole

log = logging.getLogger(__name__)

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


def _are_texts(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(one, str) for one in said)


def detail(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:600]


class LinuxBridge:
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            can.VXLAN, can.FLAT, can.LOCAL, can.SECURITY_GROUPS, can.ADDRESS_PAIRS, can.DHCP, can.ROUTER, can.FLOATING_IP,
            can.METADATA, can.IPV6, can.PIECE_CHANGES,
        }
    )  # fmt: skip

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
        self.firewall = firewall.Builder()
        self.tables: list[Table] | None = None  # what the host's ruleset is; None until we have loaded it once
        self.given_up = self.home / "given-up.json"  # routers without their external leg: control was silent
        self.legless = self.recall_given_up()
        self.leases: dict[str, dict[tuple[str, str], int]] = {}
        self.left_out: dict[str, dict[str, str]] = {}  # network → Texts.left_out of its DHCP server

    def recall(self) -> dict[str, Piece]:
        """What the host was last told; nothing if a crash of the machine left the file unreadable: control tells it all."""
        pieces: dict[str, Piece] = read_whole(self.memory, is_object, absent={}, damaged={})
        return pieces

    def recall_given_up(self) -> set[str]:
        """Where it cannot be read, every router: none answers by its external leg until control has asked for it."""
        routers = [key for key in self.pieces if key.startswith("router:")]
        return set(read_whole(self.given_up, _are_texts, absent=[], damaged=routers))

    # ── Reading ──

    def read_pieces(self) -> dict[str, str]:
        return {key: piece["hash"] for key, piece in self.pieces.items() if piece["hash"] and key not in self.legless}

    def read_hashes(self, keys: Iterable[str]) -> dict[str, str]:
        return {key: self.pieces[key]["hash"] if key in self.pieces and key not in self.legless else "" for key in keys}

    def read_wanted(self) -> set[str]:
        return set(self.pieces)

    def read_missing(self) -> set[str]:
        return {key for key, piece in self.pieces.items() if not piece["hash"] or key in self.legless}

    def read_piece(self, key: str) -> Piece:
        return self.pieces[key]

    def read_links(self) -> dict[str, list[str]]:
        ours = sorted(n for n in namespaces() if n.startswith(("qdhcp-", "qrouter-")))
        return {"taps": links.taps(), "namespaces": ours}

    def read_leases(self) -> list[dict[str, Any]]:
        facts = []
        for id_, body in self.bodies("dhcp").items():
            with contextlib.suppress(KeyError, TypeError):  # a broken piece was reported when it was applied
                facts += self.dhcp(id_).read_leases(body, self.leases.setdefault(id_, {}))
        return facts

    def read_left_out(self, networks: Collection[str] | None = None) -> dict[str, str]:
        asked = self.left_out if networks is None else networks
        return {port: why for id_ in asked for port, why in self.left_out.get(id_, {}).items()}

    def bodies(self, kind: str) -> dict[str, dict[str, Any]]:
        return {id_: p["body"] for key, p in self.pieces.items() for k, id_ in [split(key)] if k == kind}

    def dhcp(self, network_id: str) -> Dhcp:
        return Dhcp(self.home / "dhcp", network_id, self.socket, self.daemons)

    def router(self, router_id: str) -> Router:
        return Router(self.home / "routers", router_id, self.socket, self.daemons)

    # ── Making ──

    def ensure_pieces(
        self, pieces: dict[str, dict[str, Any]], remove: list[str], *, full: bool
    ) -> dict[str, FailureBody]:
        told = whole(pieces, self.pieces)
        gone = {key for key in remove if key in self.pieces}
        if full:
            gone |= set(self.pieces) - set(told)
        stand = self.read_pieces()
        changed = {k: p for k, p in told.items() if full or stand.get(k) != p["hash"]}
        self.give_up(self.legless - set(told) - gone)  # a router that control asks for now may have its leg again
        failed = self.change(changed, gone - set(told))
        if full:
            self.remove_leftovers(failed)
        return failed

    def ensure_resumed(self, *, gateways: bool) -> dict[str, FailureBody]:
        if not gateways:
            there = namespaces()
            routers = {key for key in self.pieces if split(key)[0] == "router"}
            self.give_up(self.legless & routers | {key for key in routers if f"qrouter-{split(key)[1]}" not in there})
        return self.change(dict(self.pieces), set())

    def change(self, changed: dict[str, Piece], gone: set[str]) -> dict[str, FailureBody]:
        """Take away first, upper things before lower ones; then make, lower before upper; then remember."""
        failed: dict[str, FailureBody] = {}
        self.remember({**self.pieces, **{k: {"hash": "", "body": p["body"]} for k, p in changed.items()}})
        removed = self.remove_upper(gone, failed)
        self.change_links({k: p["body"] for k, p in changed.items() if split(k)[0] == "network"}, gone, failed)
        kept = {k: p for k, p in self.pieces.items() if k not in gone or k in failed}
        self.change_firewall(kept, failed)
        for kind in ("dhcp", "router"):
            for key, piece in changed.items():
                if split(key)[0] == kind:
                    self.attempt(key, failed, lambda key=key, body=piece["body"]: self.ensure_upper(key, body))
        done = {k: p for k, p in changed.items() if k not in failed}
        assert removed <= gone
        self.remember({**kept, **done})
        return failed

    def attempt(self, key: str, failed: dict[str, FailureBody], make: Any) -> bool:
        try:
            make()
        except links.Unsupported as problem:
            failed[key] = {"code": "unsupported", "data": {"what": str(problem), "driver": "linux_bridge"}}
        except REFUSED as problem:
            failed[key] = {"code": "network_refused", "data": {"piece": key, "detail": detail(problem)}}
        return key not in failed

    def ensure_upper(self, key: str, body: dict[str, Any]) -> None:
        kind, id_ = split(key)
        if kind == "dhcp":
            self.left_out[id_] = self.dhcp(id_).ensure(body)
        else:
            self.router(id_).ensure(body, gateway=f"router:{id_}" not in self.legless)

    def remove_leftovers(self, failed: dict[str, FailureBody]) -> None:
        """Take away what is there under our names and in no piece: left by a crash, or by a file that was lost.

        No suspicion: pieces are noted before anything is made of them, and what nobody knows is still one (keeper.py), so what
        is in none was being removed. Links and namespaces hold no data; a bridge with a guest on it stays (links.py).
        """
        for ns in namespaces():
            prefix, _, id_ = ns.partition("-")
            kind = {"qdhcp": "dhcp", "qrouter": "router"}.get(prefix)
            if kind and f"{kind}:{id_}" not in self.pieces:
                stray = self.dhcp(id_) if kind == "dhcp" else self.router(id_)
                self.attempt(f"{kind}:{id_}", failed, stray.remove)
        said = links.remove_leftovers({split(key)[1] for key in self.pieces if split(key)[0] == "network"})
        if said:
            log.warning("links that should not be here stay: %s", said)

    def remove_upper(self, gone: set[str], failed: dict[str, FailureBody]) -> set[str]:
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

    def change_links(self, changed: dict[str, dict[str, Any]], gone: set[str], failed: dict[str, FailureBody]) -> None:
        lost = [key for key in gone if split(key)[0] == "network"]
        if not changed and not lost:
            return
        plan = links.NetworkLinks(links.Live.read(), self.place.underlay_ip)
        for key in lost:
            plan.remove(key, split(key)[1])
        for key, body in changed.items():
            self.attempt(key, failed, lambda key=key, body=body: plan.ensure(key, body))
        for key, said in plan.run().items():
            failed[key] = {"code": "network_refused", "data": {"piece": key, "detail": said}}

    def change_firewall(self, kept: dict[str, Piece], failed: dict[str, FailureBody]) -> None:
        """One transaction for all pieces; when nft refuses it, one piece after another, to know which is no good."""
        wanted = {k: p["body"] for k, p in kept.items() if split(k)[0] in ("network", "group", "port")}
        try:
            self.load(wanted)
            return
        except REFUSED:
            good = {k: b for k, b in wanted.items() if self.pieces[k]["hash"]}  # held before this change
        for key in sorted(set(wanted) - set(good), key=lambda k: KIND_ORDER.index(split(k)[0])):
            body = wanted[key]
            if self.attempt(key, failed, lambda key=key, body=body: self.load({**good, key: body})):
                good[key] = body
        self.load(good)

    def load(self, wanted: dict[str, dict[str, Any]]) -> None:
        """Make the host's ruleset that of these bodies, and end flows it no longer allows."""
        old = self.tables
        bodies: firewall.Bodies = {"network": {}, "group": {}, "port": {}}
        for key, body in wanted.items():
            bodies[split(key)[0]][split(key)[1]] = body
        new = self.firewall.build(bodies)
        text = render(new) if old is None else difference(old, new)
        if text:
            run("nft", "-f", "-", text=text)
        self.tables = new
        if old is not None and text:
            self.cut(firewall.cut_ports(old, new))

    def cut(self, taps: set[str]) -> None:
        zones = {id_: int(body["zone"]) for id_, body in self.bodies("network").items()}
        for body in self.bodies("port").values():
            if tap_name(body["id"]) in taps and body["network_id"] in zones:
                for ip in body["ips"]:
                    links.forget_flows(zones[body["network_id"]], ip)

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
        failed: dict[str, FailureBody] = {}
        for key in sorted(self.legless):
            body = self.pieces[key]["body"]
            self.attempt(key, failed, lambda key=key, body=body: self.ensure_upper(key, body))
        if failed:
            raise RuntimeError(str(failed))

    def give_up(self, routers: set[str]) -> None:
        """Remember, beyond the agent's life, which routers are without their external leg."""
        self.legless = routers
        self.home.mkdir(parents=True, exist_ok=True)
        daemon_files.write_if_changed(self.given_up, json.dumps(sorted(routers)))

    def remove_all(self) -> None:
        failed = self.change({}, set(self.pieces))
        if failed:
            raise RuntimeError(str(failed))
        for table in firewall_base.base_tables():
            run("nft", "-f", "-", text=f"table {table.key}\ndelete table {table.key}\n")
        self.tables = None
