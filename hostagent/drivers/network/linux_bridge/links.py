"""Bridges and VXLAN links: what is wanted of a network against what `ip` and `bridge` show, as batch lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hostagent.contract import inet
from hostagent.contract.network import bridge_name
from hostagent.drivers.network.commands import Batch, Facts, read_json
from hostagent.drivers.network.namespace_links import EXTERNAL, NamespaceLink, mac
from hostagent.drivers.network.pieces import Unsupported

EXTERNAL_BRIDGE: Final = "br-ex"
PHYSICAL: Final = {"public": EXTERNAL_BRIDGE}  # physical network → the host's bridge that leads to it
VXLAN_PORT: Final = 4789
TAP: Final = re.compile(r"tap[0-9a-f]{8}-[0-9a-f]{2}")
NOBODY: Final = "00:00:00:00:00:00"  # the forwarding entry that says where unknown addresses are flooded


def vxlan_name(network_id: str) -> str:
    return f"vx-{network_id[:11]}"


def patch_names(network_id: str) -> tuple[str, str]:
    """Return the veth between a flat network's bridge (first) and the bridge of its physical network (second)."""
    return f"fb-{network_id[:11]}", f"fl-{network_id[:11]}"


def refuse_announcements(link: str) -> None:
    """Refuse a tenant's router announcements, which would give the host an address: IPv6 itself stays on, for the known neighbours."""
    folder = Path("/proc/sys/net/ipv6/conf") / link
    for name in ("accept_ra", "autoconf"):
        if folder.exists() and (folder / name).read_text().strip() != "0":
            (folder / name).write_text("0")


@dataclass
class Live:
    """What the host has, read once for a whole change."""

    links: dict[str, Facts]
    forwarding: set[tuple[str, str, str]]  # (link, mac, dst or "master")
    neighbours: set[tuple[str, str, str]]  # (link, ip, mac)

    @classmethod
    def read(cls) -> "Live":
        links = {link["ifname"]: link for link in read_json("ip", "-d", "-j", "link", "show")}
        forwarding = set()
        for entry in read_json("bridge", "-j", "fdb", "show"):
            kind = entry.get("state")  # bridge(8): one that was learned from a frame has none, and is not ours
            if kind in ("permanent", "static") and entry.get("ifname", "").startswith("vx-"):
                forwarding.add((entry["ifname"], entry["mac"], entry.get("dst") or "master"))
        neighbours = {
            (entry["dev"], entry["dst"], entry["lladdr"])
            for entry in read_json("ip", "-j", "neigh", "show", "nud", "permanent")
            if entry.get("dev", "").startswith("brq") and entry.get("lladdr")
        }
        return cls(links, forwarding, neighbours)

    def up(self, name: str) -> bool:
        return "UP" in self.links.get(name, {}).get("flags", ())

    def info(self, name: str, part: str = "info_data") -> dict[str, object]:
        found: dict[str, object] = self.links.get(name, {}).get("linkinfo", {}).get(part, {})
        return found


class NetworkLinks:
    """Lines that make networks so. `ip` runs before `fdb` (a `bridge -batch`), because entries need their link."""

    def __init__(self, live: Live, underlay_ip: str) -> None:
        self.live = live
        self.underlay_ip = underlay_ip
        self.ip = Batch("ip")
        self.fdb = Batch("bridge")
        self.bridges: list[str] = []

    def run(self) -> dict[str, str]:
        """Piece → what went wrong."""
        failed = self.ip.run() | self.fdb.run()
        for bridge in self.bridges:
            refuse_announcements(bridge)
        return failed

    def ensure(self, piece: str, body: dict[str, Any]) -> None:
        """Raises: Unsupported, ValueError, KeyError. Lines added before that are harmless."""
        kind, bridge, mtu = body["kind"], bridge_name(body["id"]), int(body["mtu"])
        if kind not in ("vxlan", "flat", "local") or (kind == "flat" and body.get("physical") not in PHYSICAL):
            raise Unsupported(f"network of kind {kind} on {body.get('physical')}")
        self.ensure_bridge(piece, bridge, mtu)
        if kind == "vxlan":
            self.ensure_vxlan(piece, body, bridge, mtu)
        if kind == "flat":
            self.ensure_patch(piece, body["id"], bridge, PHYSICAL[body["physical"]], mtu)

    def ensure_bridge(self, piece: str, bridge: str, mtu: int) -> None:
        data = self.live.info(bridge)
        self.bridges.append(bridge)
        if bridge not in self.live.links:
            self.ip.add(piece, f"link add {bridge} mtu {mtu} type bridge mcast_snooping 0 forward_delay 0 stp_state 0")
            self.ip.add(piece, f"link set {bridge} addrgenmode none")  # the host has no address on a tenant's bridge
        elif self.live.links[bridge]["mtu"] != mtu:
            self.ip.add(piece, f"link set {bridge} mtu {mtu}")
        if data.get("nf_call_iptables") != 1 or data.get("nf_call_ip6tables") != 1:
            self.ip.add(piece, f"link set {bridge} type bridge nf_call_iptables 1 nf_call_ip6tables 1")
        if not self.live.up(bridge):
            self.ip.add(piece, f"link set {bridge} up")

    def ensure_vxlan(self, piece: str, body: dict[str, Any], bridge: str, mtu: int) -> None:
        name, segment = vxlan_name(body["id"]), int(body["segment"])
        data = self.live.info(name)
        have = self.live.links.get(name)
        if have and (data.get("id"), data.get("local")) != (segment, self.underlay_ip):
            self.ip.add(piece, f"link del {name}")
            have = None
        if not have:
            local = inet.ip_address(self.underlay_ip)
            self.ip.add(
                piece,
                f"link add {name} mtu {mtu} type vxlan id {segment} local {local} dstport {VXLAN_PORT} nolearning",
            )
        elif have["mtu"] != mtu:
            self.ip.add(piece, f"link set {name} mtu {mtu}")
        if not have or have.get("master") != bridge or not self.live.up(name):
            self.ip.add(piece, f"link set {name} master {bridge} up")
        slave = self.live.info(name, "info_slave_data") if have else {}
        if slave.get("learning") is not False or slave.get("neigh_suppress") is not True:
            self.ip.add(piece, f"link set {name} type bridge_slave learning off neigh_suppress on")
        self.ensure_peers(piece, body, name, bridge, fresh=not have)

    def ensure_peers(self, piece: str, body: dict[str, Any], name: str, bridge: str, *, fresh: bool) -> None:
        """Unknown addresses are flooded to every peer; known ones go straight, and their ARP is answered here."""
        wanted = {(name, NOBODY, str(inet.ip_address(peer))) for peer in body.get("peers") or ()}
        near = set()
        for remote in body.get("remote") or ():
            hardware = mac(remote["mac"])
            wanted |= {(name, hardware, str(inet.ip_address(remote["host_ip"]))), (name, hardware, "master")}
            near |= {(bridge, str(inet.ip_address(ip)), hardware) for ip in remote["ips"]}
        had = {e for e in self.live.forwarding if e[0] == name} if not fresh else set()
        own = {e for e in had if e[1] == self.live.links.get(name, {}).get("address")}  # the link's own entry
        for _, hardware, target in sorted(had - wanted - own):
            where = "master" if target == "master" else f"dst {target} self"
            self.fdb.add(piece, f"fdb del {hardware} dev {name} {where}")
        for _, hardware, target in sorted(wanted - had):
            if target == "master":
                self.fdb.add(piece, f"fdb replace {hardware} dev {name} master static")
            else:
                verb = "append" if hardware == NOBODY else "replace"
                self.fdb.add(piece, f"fdb {verb} {hardware} dev {name} dst {target} self permanent")
        known = {n for n in self.live.neighbours if n[0] == bridge}
        for _, ip, _hardware in sorted(known - near):
            if ip not in {n[1] for n in near}:
                self.ip.add(piece, f"neigh del {ip} dev {bridge}")
        for _, ip, hardware in sorted(near - known):
            self.ip.add(piece, f"neigh replace {ip} lladdr {hardware} dev {bridge} nud permanent")

    def ensure_patch(self, piece: str, network_id: str, bridge: str, outside: str, mtu: int) -> None:
        near, far = patch_names(network_id)
        if outside not in self.live.links:
            raise Unsupported(f"a flat network without the bridge {outside}")
        if near not in self.live.links:
            self.ip.add(piece, f"link add {near} mtu {mtu} type veth peer name {far} mtu {mtu}")
        for name, master in ((near, bridge), (far, outside)):
            if self.live.links.get(name, {}).get("master") != master or not self.live.up(name):
                self.ip.add(piece, f"link set {name} master {master} up")

    def remove(self, piece: str, network_id: str) -> None:
        for name in (vxlan_name(network_id), patch_names(network_id)[0], bridge_name(network_id)):
            if name in self.live.links:
                self.ip.add(piece, f"link del {name}")


def remove_leftovers(network_ids: set[str]) -> str:
    """Remove bridges, tunnels and patches of networks not among these. Returns what went wrong, "" if nothing did.

    One whose bridge holds a guest's tap stays: somebody's machine runs there, known or not.
    """
    kept = {id_[:11] for id_ in network_ids}
    batch = Batch("ip")
    live = Live.read().links
    kept |= {
        str(link["master"]).removeprefix("brq")
        for name, link in live.items()
        if TAP.fullmatch(name) and link.get("master")
    }
    for name in live:
        for prefix in ("vx-", "fb-", "brq"):  # a patch's other end goes with it
            if name.startswith(prefix) and name.removeprefix(prefix) not in kept:
                batch.add(name, f"link del {name}")
    return "; ".join(batch.run().values())


def taps() -> list[str]:
    """List the guests' taps that are there; a machine may have others, under other names."""
    return sorted(link["ifname"] for link in read_json("ip", "-j", "link", "show") if TAP.fullmatch(link["ifname"]))


class Bridges:
    """The switch of a host with Linux bridges: one a network, and the external bridge."""

    def plug(self, links: Sequence[NamespaceLink], outside: dict[str, Facts]) -> None:
        batch = Batch("ip")
        for link in links:
            bridge = EXTERNAL_BRIDGE if link.network_id == EXTERNAL else bridge_name(link.network_id)
            have = outside.get(link.outer)
            if have is None or have.get("master") != bridge or "UP" not in have["flags"]:
                batch.add(bridge, f"link set {link.outer} master {bridge} up")
        if failed := batch.run():
            raise RuntimeError("; ".join(failed.values()))
