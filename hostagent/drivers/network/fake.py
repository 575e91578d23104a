"""A network driver without a network: it remembers what it was told, as the real one does, and breaks what it is asked to.

A piece whose body holds `"fake_fails": true` fails, so that a test can see what control does then.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from hostagent.contract import capabilities as can
from hostagent.contract.binding import Vif, VifBinding
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import FailureBody
from hostagent.contract.network import LISTS, Piece, Probed, bridge_name, tap_name
from hostagent.contract.samples import PortSample
from hostagent.contract.server import PortSpec
from hostagent.drivers.network import Lease, Place, whole
from hostagent.process.durable import is_object, read_whole

#: What a pretended network has no use for: hundreds of hosts share a process.
UNUSED = frozenset(LISTS) - {"hosts"}


def without_lists(piece: dict[str, Any]) -> dict[str, Any]:
    """Return a piece, whole or a difference, without the lists that are not used."""
    part = "body" if "body" in piece else "lists"
    return {**piece, part: {name: value for name, value in piece[part].items() if name not in UNUSED}}


class FakeNetwork:
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            can.VXLAN, can.VLAN, can.FLAT, can.LOCAL, can.SECURITY_GROUPS, can.ADDRESS_PAIRS, can.DHCP, can.ROUTER,
            can.FLOATING_IP, can.METADATA, can.IPV6, can.PIECE_CHANGES, can.PROBE,
        }
    )  # fmt: skip
    vif: ClassVar[Vif] = {"vif_type": "bridge", "vif_details": {"port_filter": True, "connectivity": "l2"}}

    def __init__(self, place: Place) -> None:
        self.memory = place.data / "network" / "pieces.json"
        self.pieces: dict[str, Piece] = read_whole(self.memory, is_object, absent={}, damaged={})

    def bind(self, port: PortSpec) -> VifBinding:
        device = tap_name(port["port_id"])
        return {"vif_type": "bridge", "bridge": bridge_name(port["network_id"]), "device": device}

    def read_pieces(self) -> dict[str, str]:
        return {key: piece["hash"] for key, piece in self.pieces.items() if piece["hash"]}

    def read_hashes(self, keys: Iterable[str]) -> dict[str, str]:
        return {key: piece["hash"] if (piece := self.pieces.get(key)) else "" for key in keys}

    def read_wanted(self) -> set[str]:
        return set(self.pieces)

    def read_missing(self) -> set[str]:
        return {key for key, piece in self.pieces.items() if not piece["hash"]}

    def read_piece(self, key: str) -> Piece:
        return self.pieces[key]

    def read_links(self) -> dict[str, list[str]]:
        return {"taps": [], "namespaces": []}

    def probe(self, router_id: str, ip: str, number: int) -> Probed:
        """Find a guest that answers as one with sshd does."""
        return Probed("open", "SSH-2.0-fake") if f"router:{router_id}" in self.pieces else Probed("unknown")

    def read_leases(self) -> list[Lease]:
        return []  # a fake guest asks nobody for an address

    def read_samples(self) -> dict[str, PortSample]:
        """Read the counters of ports that carry nothing."""
        names = [key.removeprefix("port:") for key in list(self.pieces) if key.startswith("port:")]
        return {
            name: PortSample(in_bytes=0, out_bytes=0, in_packets=0, out_packets=0, in_drops=0, out_drops=0)
            for name in names
        }

    def read_left_out(self, networks: Collection[str] | None = None) -> dict[str, str]:
        servers = self.pieces if networks is None else [f"dhcp:{id_}" for id_ in networks]
        return {
            host["port_id"]: "asked to leave them out"
            for key in servers
            if key.startswith("dhcp:") and (piece := self.pieces.get(key))
            for host in piece["body"]["hosts"]
            if any(option["opt_value"] == "fake_refused" for option in host.get("options", ()))
        }

    def ensure_pieces(
        self, pieces: dict[str, dict[str, object]], remove: list[str], *, full: bool
    ) -> dict[str, FailureBody]:
        told = whole({key: without_lists(piece) for key, piece in pieces.items()}, self.pieces)
        failed: dict[str, FailureBody] = {
            key: {"code": "network_refused", "data": {"piece": key, "detail": "asked to fail"}}
            for key, piece in told.items()
            if piece["body"].get("fake_fails")
        }
        kept = {} if full else {k: p for k, p in self.pieces.items() if k not in remove}
        self.pieces = {**kept, **told}
        for key in failed:
            self.pieces[key] = {"hash": "", "body": self.pieces[key]["body"]}
        self.remember()
        return failed

    def remember(self) -> None:
        """Write down the pieces for the agent that starts next."""
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.memory.with_suffix(".new")
        fresh.write_text(json.dumps(self.pieces))
        fresh.replace(self.memory)

    def ensure_resumed(self, *, gateways: bool) -> dict[str, FailureBody]:
        return {}

    def remove_gateways(self) -> None:
        for key, piece in self.pieces.items():
            if key.startswith("router:"):
                piece["hash"] = ""

    def remove_all(self) -> None:
        self.ensure_pieces({}, [], full=True)
