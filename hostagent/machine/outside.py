"""The machine's end of a cloud's external network: the one link, its gateway's address, and the way on.

Nothing else of the machine's own namespace is touched; `STACKLING_NETNS` moves even this end into a namespace.
"""

import ipaddress
import json
from pathlib import Path

from hostagent.contract import inet
from hostagent.machine import fences, real_machine
from hostagent.machine.pinned_namespaces import (
    CannotBuild,
    Cloud,
    Record,
    has_link,
    inside,
    refuse_announcements,
    run,
    wire,
)


def outer_namespace(name: str, *, make: bool) -> tuple[Path | None, bool]:
    """(path of the outer namespace or None for our own, whether it was made now)."""
    if not name:
        return None, False
    path = Path("/run/netns") / name
    if not make:
        return path, False
    made = not path.exists()
    if made:
        run("ip", "netns", "add", name)
    inside(path, "ip", "link", "set", "lo", "up")  # one that was given may have it down: nobody could bind in it
    return path, made


def refuse_clash(cloud: Cloud, outer: Path | None, external: ipaddress.IPv4Network, *, ours: str) -> None:
    """Raises: CannotBuild when the outer namespace already has a route into `external` that is not by the link `ours`."""
    for route in json.loads(inside(outer, "ip", "-j", "-4", "route", "show") or "[]"):
        if route["dst"] == "default" or route.get("dev") == ours:
            continue
        if inet.ip_network(route["dst"], strict=False).overlaps(external):
            raise CannotBuild(
                f"The external network {external} clashes with the route to {route['dst']} through {route.get('dev', '?')}. "
                f"Choose a free range with STACKLING_EXTERNAL_CIDR, for example STACKLING_EXTERNAL_CIDR=172.29.{int(cloud.id[:2], 16)}.0/24."
            )


def address_gateway(outer: Path | None, link: str, external: ipaddress.IPv4Network) -> None:
    """Give the link that is ours the external gateway's address, and no other."""
    gateway = f"{external.network_address + 1}/{external.prefixlen}"
    for old in json.loads(inside(outer, "ip", "-j", "-4", "addr", "show", "dev", link) or "[]"):
        for info in old.get("addr_info", []):
            if f"{info['local']}/{info['prefixlen']}" != gateway:
                inside(outer, "ip", "addr", "del", f"{info['local']}/{info['prefixlen']}", "dev", link)
    inside(outer, "ip", "addr", "replace", gateway, "dev", link)


def let_out(
    cloud: Cloud, outer: Path | None, external: ipaddress.IPv4Network, record: Record, *, link: str, nat: bool
) -> None:
    """Masquerade what leaves by another link than ours, or stop doing so."""
    inside(outer, "nft", "-f", "-", text=f"table ip {cloud.table}\ndelete table ip {cloud.table}\n")
    if not nat:
        return
    if inside(outer, "sysctl", "-n", "net.ipv4.ip_forward").strip() == "0":
        record["forwarding_was_off"] = True
        inside(outer, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    rule = f'ip saddr {external} ip daddr != {external} oifname != "{link}" masquerade'
    chain = f"chain post {{ type nat hook postrouting priority srcnat; policy accept;\n{rule}\n}}"
    inside(outer, "nft", "-f", "-", text=f"table ip {cloud.table} {{\n{chain}\n}}\n")


def prepare(
    cloud: Cloud, netns: str, external: ipaddress.IPv4Network, link: str, is_machine: bool
) -> tuple[Path | None, bool]:
    """Give the namespace of the machine's end, and whether it was made now. Raises: CannotBuild; then it is not left over."""
    outer, made = outer_namespace(netns, make=True)
    try:
        refuse_clash(cloud, outer, external, ours=link)
        if is_machine:
            real_machine.refuse_other_clouds(cloud, outer)
    except CannotBuild:
        if made:
            run("ip", "netns", "del", netns)
        raise
    return outer, made


def build(cloud: Cloud, outer: Path | None, link: str, external: ipaddress.IPv4Network, is_machine: bool) -> None:
    """Make the machine's end of the external network, with the gateway's address where the link is ours."""
    if is_machine:
        if not real_machine.build_external(cloud, outer):
            return
    else:
        wire(cloud.net("fabric"), "out0", outer, cloud.outer_link, mtu=1500, master="br-ex")
        refuse_announcements(outer, cloud.outer_link)
    address_gateway(outer, link, external)


def remove(cloud: Cloud, record: Record) -> None:
    outer, _ = outer_namespace(record.get("netns", ""), make=False)
    if outer is not None and not outer.exists():
        return
    if record.get("mode") == "machine":
        real_machine.remove(cloud, outer)
    if has_link(outer, cloud.outer_link):
        inside(outer, "ip", "link", "del", cloud.outer_link)
    fences.remove(cloud, outer)
    inside(outer, "nft", "-f", "-", text=f"table ip {cloud.table}\ndelete table ip {cloud.table}\n")
    if record.pop("forwarding_was_off", False):
        inside(outer, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
    if record.pop("netns_made", False):
        run("ip", "netns", "del", record["netns"])
