"""Routers: a namespace with an interface in each of its networks and a gateway port that leads out, NAT by nftables."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from hostagent.contract import inet
from hostagent.contract.network import router_namespace
from hostagent.drivers.network.advertiser import Advertiser
from hostagent.drivers.network.commands import (
    NETNS,
    Batch,
    ensure_namespace,
    namespaces,
    read_json,
    remove_namespace,
    run,
)
from hostagent.drivers.network.metadata_proxy import METADATA_IP, ROUTER_PORT, MetadataProxy
from hostagent.drivers.network.namespace_links import EXTERNAL, NamespaceLink, Switch, ensure_links, mac, remove_links
from hostagent.machine import confinement, daemon_files
from hostagent.machine.daemons import Daemons

EXTERNAL_MTU: Final = 1500
OUR_ROUTES: Final = "static"  # the routing protocol by which our routes are told from the kernel's
DEFAULT: Final = {4: "0.0.0.0/0", 6: "::/0"}


def inner_name(port_id: str) -> str:
    return f"qr-{port_id[:11]}"


def outer_name(port_id: str) -> str:
    """Return the other end of an interface, in its network. Not tap…: those are the guests'."""
    return f"rt-{port_id[:11]}"


def gateway_names(port_id: str) -> tuple[str, str]:
    return f"qg-{port_id[:11]}", f"rg-{port_id[:11]}"


class Router:
    def __init__(self, home: Path, router_id: str, socket: Path, daemons: Daemons, switch: Switch) -> None:
        self.id = router_id
        self.switch = switch
        self.ns = router_namespace(router_id)
        self.folder = home / router_id
        self.advertiser = Advertiser(self.folder / "advertiser", self.ns, daemons)
        self.proxy = MetadataProxy(self.folder / "metadata", self.ns, "Router", router_id, socket, daemons)

    def ensure(self, body: dict[str, Any], *, gateway: bool = True) -> None:
        """Make it so. `gateway` False leaves the gateway port down and without addresses.

        Raises: CommandFailed, RuntimeError, ValueError, KeyError.
        """
        rules = ruleset(body)
        if ensure_namespace(self.ns):
            ipv6 = ("net.ipv6.conf.all.forwarding=1",) if Path("/proc/sys/net/ipv6").exists() else ()
            run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", *ipv6, ns=self.ns)
        floating_before = read_floating(self.ns)
        external = self.gateway_link(body, gateway=gateway)
        links = [*self.interface_links(body), *([external] if external else [])]
        fresh = ensure_links(
            self.switch, self.ns, links, ours=("qr-", "qg-"), down=() if gateway or not external else (external.inner,)
        )
        self.ensure_routes(body, gateway=gateway)
        run("nft", "-f", "-", text=rules, ns=self.ns)
        self.forget(floating_before - {(f["ip"], f["fixed_ip"]) for f in body["floating"]})
        if external:
            self.tell([address.split("/")[0] for link, address in fresh if link == external.inner], external.inner)
        daemon_files.passable(self.folder)
        self.advertiser.ensure(self.announced(body))
        if body.get("metadata"):
            self.proxy.ensure()
        elif self.proxy.folder.exists():
            self.proxy.remove()

    def interface_links(self, body: dict[str, Any]) -> list[NamespaceLink]:
        return [
            NamespaceLink(
                inner_name(i["port_id"]), outer_name(i["port_id"]), i["network_id"], mac(i["mac"]), int(i["mtu"]),
                tuple(f"{inet.ip_address(a['ip'])}/{int(a['prefix'])}" for a in i["ips"]),
            )
            for i in body["interfaces"]
        ]  # fmt: skip

    def gateway_link(self, body: dict[str, Any], *, gateway: bool) -> NamespaceLink | None:
        external = body.get("external")
        if not external:
            return None
        inner, outer = gateway_names(external["port_id"])
        own = [f"{inet.ip_address(a['ip'])}/{int(a['prefix'])}" for a in external["ips"]]
        floating = [f"{inet.ip_address(f['ip'])}/32" for f in body["floating"]]
        addresses = tuple(dict.fromkeys(own + floating)) if gateway else ()
        return NamespaceLink(inner, outer, EXTERNAL, mac(external["mac"]), EXTERNAL_MTU, addresses)

    def ensure_routes(self, body: dict[str, Any], *, gateway: bool) -> None:
        wanted = {
            str(inet.ip_network(r["destination"])): str(inet.ip_address(r["nexthop"])) for r in body.get("routes") or ()
        }
        external = body.get("external")
        if external and external.get("gateway") and gateway:
            out = inet.ip_address(external["gateway"])
            wanted[DEFAULT[out.version]] = str(out)
        batch = Batch("ip", self.ns)
        for version in DEFAULT:
            for route in read_json("ip", f"-{version}", "-n", self.ns, "-j", "route", "show", "proto", OUR_ROUTES):
                # A batch takes no -6: the address says of which family a route is.
                there = DEFAULT[version] if route["dst"] == "default" else str(inet.ip_network(route["dst"]))
                if there not in wanted:
                    batch.add(self.ns, f"route del {there} proto {OUR_ROUTES}")
        for destination, nexthop in wanted.items():
            batch.add(self.ns, f"route replace {destination} via {nexthop} proto {OUR_ROUTES}")
        if failed := batch.run():
            raise RuntimeError("; ".join(failed.values()))

    def forget(self, gone: Iterable[tuple[str, str]]) -> None:
        """Cut live flows of floating addresses that were taken away: connection tracking would let them go on."""
        for address, fixed in gone:
            for side, value in (("-d", address), ("-s", fixed)):
                run("conntrack", "-D", side, value, ns=self.ns, check=False)  # exit 1: there were none

    def tell(self, addresses: list[str], link: str) -> None:
        """Gratuitous ARP for new external addresses: neighbours may remember where they were before."""
        for address in (a for a in addresses if ":" not in a):
            threading.Thread(target=announce, args=(self.ns, link, address), daemon=True).start()

    def announced(self, body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        return [(inner_name(i["port_id"]), i) for i in body["interfaces"] if i.get("ra") and body.get("up", True)]

    def remove(self) -> None:
        self.advertiser.remove()
        if self.proxy.folder.exists():
            self.proxy.remove()
        remove_links(self.ns, ("qr-", "qg-"))
        remove_namespace(self.ns)
        shutil.rmtree(self.folder, ignore_errors=True)


def announce(ns: str, link: str, address: str) -> None:
    """Announce addresses. Nobody answers an announcement: its result says nothing."""
    say = confinement.command("announcement", "arping", "-q", "-U", "-c", "2", "-w", "3", "-I", link, address)
    enter = ("nsenter", f"--net={NETNS / ns}")
    subprocess.run([*enter, *say], check=False, capture_output=True, env=confinement.ENVIRONMENT, cwd="/")


def read_floating(ns: str) -> set[tuple[str, str]]:
    """(floating, fixed) pairs that the live ruleset of a router translates."""
    if ns not in namespaces():
        return set()
    answer = read_nft_map(ns, "fip_dnat")
    return {(str(a), str(b)) for a, b in answer}


def read_nft_map(ns: str, name: str) -> list[list[str]]:
    text = run("nft", "-j", "list", "maps", "table", "ip", "stackling", ns=ns, check=False)
    if not text:
        return []  # the table is not there yet
    for item in json.loads(text)["nftables"]:
        if item.get("map", {}).get("name") == name:
            elements: list[list[str]] = item["map"].get("elem", [])
            return elements
    return []


def _postrouting(body: dict[str, Any]) -> list[str]:
    """How the source of packets that leave the router is rewritten."""
    inside = [
        str(inet.ip_interface(f"{a['ip']}/{a['prefix']}").network)
        for i in body["interfaces"]
        for a in i["ips"]
        if inet.ip_address(a["ip"]).version == 4
    ]
    lines = ['oifname "qg-*" snat to ip saddr map @fip_snat']
    external = next((a["ip"] for a in (body.get("external") or {}).get("ips", ()) if ":" not in a["ip"]), None)
    if external and inside:  # who calls a floating address from inside looks like someone outside, as in Neutron
        ranges = ", ".join(sorted(set(inside)))
        lines.insert(0, f'oifname "qr-*" ct status dnat ip saddr {{ {ranges} }} snat to {inet.ip_address(external)}')
    if external and body.get("snat", True):
        lines.append(f'oifname "qg-*" snat to {inet.ip_address(external)}')
    return lines


def _elements(pairs: list[tuple[str, str]]) -> str:
    return f"elements = {{ {', '.join(f'{a} : {b}' for a, b in pairs)} }}\n" if pairs else ""


def ruleset(body: dict[str, Any]) -> str:
    """Return the nft file of one router: it replaces what the router had, tracked connections stay. Raises: ValueError."""
    pairs = [(str(inet.ip_address(f["ip"])), str(inet.ip_address(f["fixed_ip"]))) for f in body["floating"]]
    dnat, snat = _elements(pairs), _elements([(b, a) for a, b in pairs])
    post = _postrouting(body)
    forward = [] if body.get("up", True) else ["drop"]
    pre, proxied = [], ""
    if body.get("metadata"):
        pre = [f'iifname "qr-*" ip daddr {METADATA_IP} tcp dport 80 redirect to :{ROUTER_PORT}']
        # The proxy's port is for what was sent to the metadata address, not for who asks for it by its number.
        proxied = f'iifname "qr-*" tcp dport {ROUTER_PORT} ct status dnat accept'
    return f"""\
table ip stackling
delete table ip stackling
table ip stackling {{
map fip_dnat {{ type ipv4_addr : ipv4_addr
{dnat}}}
map fip_snat {{ type ipv4_addr : ipv4_addr
{snat}}}
chain pre {{ type nat hook prerouting priority dstnat; policy accept;
{chr(10).join([*pre, "dnat to ip daddr map @fip_dnat"])}
}}
chain post {{ type nat hook postrouting priority srcnat; policy accept;
{chr(10).join(post)}
}}
chain input {{ type filter hook input priority filter; policy accept;
iifname "lo" accept
ct state established,related accept
meta l4proto icmp accept
{proxied}
meta l4proto tcp reject with tcp reset
meta l4proto udp reject
}}
chain forward {{ type filter hook forward priority filter; policy accept;
{chr(10).join(forward)}
}}
}}
"""
