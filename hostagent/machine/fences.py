"""Keeps guests from the machinery around them: they reach nothing but the services meant for them.

Guests' packets get to a host's own stack in two ways: as frames for a bridge's own address (the security groups' table drops
those, firewall.py), and routed, by a router's gateway port, at the machine's own end. That end is fenced here, in tables of
ours: by what link packets came, never by what the machine otherwise does.
"""

import ipaddress
from pathlib import Path
from typing import Final

from hostagent.machine.pinned_namespaces import Cloud, inside

#: Set on what comes out of a router or a flat network where no link of its own tells it (a machine as host).
MARK: Final = "0x40000000"
#: Rules for packets of connections that were let in, and for ICMP.
ALWAYS: Final = "ct state established,related accept\nmeta l4proto { icmp, ipv6-icmp } accept"


def around_gateway(cloud: Cloud, outer: Path | None, *, link: str, proxy_port: int, nat: bool, marked: bool) -> None:
    """Guests find the reverse proxy's port at the external gateway and the rest of the machine, and go no further unless `nat`.

    `marked`: `link` is a bridge where others send too, and guests are known by the port that they came by.
    """
    came = f"meta mark and {MARK} == {MARK}" if marked else f'iifname "{link}"'
    to_proxy = f"tcp dport {proxy_port} accept" if proxy_port else ""
    onward = "accept" if nat else "drop"
    text = f"""\
table inet {cloud.table}
delete table inet {cloud.table}
table inet {cloud.table} {{
chain guests {{
{ALWAYS}
{to_proxy}
drop
}}
chain input {{ type filter hook input priority filter - 1; policy accept;
{came} jump guests
}}
chain forward {{ type filter hook forward priority filter - 1; policy accept;
{came} oifname != "{link}" ct state new {onward}
}}
}}
"""
    if marked:
        text += f"""\
table bridge {cloud.table}
delete table bridge {cloud.table}
table bridge {cloud.table} {{
chain input {{ type filter hook input priority 0; policy accept;
iifname "rg-*" meta mark set mark or {MARK}
iifname "fl-*" meta mark set mark or {MARK}
}}
}}
"""
    inside(outer, "nft", "-f", "-", text=text)


def remove(cloud: Cloud, outer: Path | None) -> None:
    for family in ("inet", "bridge"):
        table = f"{family} {cloud.table}"
        inside(outer, "nft", "-f", "-", text=f"table {table}\ndelete table {table}\n")


def around_host(net: Path, underlay: ipaddress.IPv4Network) -> None:
    """Fence a host in namespaces of its own: it routes nothing, hears nothing from the external bridge, and tunnels from its peers."""
    inside(net, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
    text = f"""\
table inet stackling_host
delete table inet stackling_host
table inet stackling_host {{
chain input {{ type filter hook input priority filter; policy accept;
iifname "br-ex" drop
udp dport 4789 iifname != "under0" drop
udp dport 4789 ip saddr != {underlay} drop
}}
}}
"""
    inside(net, "nft", "-f", "-", text=text)
