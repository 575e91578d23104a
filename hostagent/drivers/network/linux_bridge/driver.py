"""The linux_bridge driver: a bridge a network, VXLAN between hosts, nftables for security groups."""

import logging
from functools import partial
from typing import ClassVar

from hostagent.contract import capabilities as can
from hostagent.contract.binding import Vif, VifBinding
from hostagent.contract.capabilities import Capability
from hostagent.contract.network import Piece, bridge_name, tap_name
from hostagent.contract.server import PortSpec
from hostagent.drivers.network import KIND_ORDER, Place
from hostagent.drivers.network.commands import run
from hostagent.drivers.network.linux_bridge import firewall, firewall_base, links
from hostagent.drivers.network.linux_bridge.ruleset import Table, difference, render
from hostagent.drivers.network.namespace_links import forget_flows
from hostagent.drivers.network.pieces import REFUSED, Bodies, Failed, PieceDriver, split

log = logging.getLogger(__name__)


class LinuxBridge(PieceDriver):
    name = "linux_bridge"
    switch = links.Bridges()
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            can.VXLAN, can.FLAT, can.LOCAL, can.SECURITY_GROUPS, can.ADDRESS_PAIRS, can.DHCP, can.ROUTER, can.FLOATING_IP,
            can.METADATA, can.IPV6, can.PIECE_CHANGES, can.PROBE,
        }
    )  # fmt: skip
    vif: ClassVar[Vif] = {"vif_type": "bridge", "vif_details": {"port_filter": True, "connectivity": "l2"}}

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.firewall = firewall.Builder()
        self.tables: list[Table] | None = None  # what the host's ruleset is; None until we have loaded it once

    def bind(self, port: PortSpec) -> VifBinding:
        device = tap_name(port["port_id"])
        return {"vif_type": "bridge", "bridge": bridge_name(port["network_id"]), "device": device}

    def change_links(self, changed: Bodies, gone: set[str], failed: Failed) -> None:
        lost = [key for key in gone if split(key)[0] == "network"]
        if not changed and not lost:
            return
        plan = links.NetworkLinks(links.Live.read(), self.place.underlay_ip)
        for key in lost:
            plan.remove(key, split(key)[1])
        for key, body in changed.items():
            self.attempt(key, failed, partial(plan.ensure, key, body))
        for key, said in plan.run().items():
            failed[key] = {"code": "network_refused", "data": {"piece": key, "detail": said}}

    def change_filters(self, kept: dict[str, Piece], failed: Failed) -> None:
        """Change the filters of all pieces in one transaction; when nft refuses it, one piece after another, to know which is no good."""
        wanted = {k: p["body"] for k, p in kept.items() if split(k)[0] in ("network", "group", "port")}
        try:
            self.load(wanted)
            return
        except REFUSED:
            good = {k: b for k, b in wanted.items() if self.pieces[k]["hash"]}  # held before this change
        for key in sorted(set(wanted) - set(good), key=lambda k: KIND_ORDER.index(split(k)[0])):
            body = wanted[key]
            if self.attempt(key, failed, partial(self.load, {**good, key: body})):
                good[key] = body
        self.load(good)

    def load(self, wanted: Bodies) -> None:
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
                    forget_flows(zones[body["network_id"]], ip)

    def remove_filters(self) -> None:
        for table in firewall_base.base_tables():
            run("nft", "-f", "-", text=f"table {table.key}\ndelete table {table.key}\n")
        self.tables = None

    def remove_leftover_links(self, networks: set[str]) -> None:
        if said := links.remove_leftovers(networks):
            log.warning("links that should not be here stay: %s", said)

    def read_taps(self) -> list[str]:
        return links.taps()
