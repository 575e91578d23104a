"""A host that is the machine itself (STACKLING_HOST_MODE=machine): the links are the machine's own, or STACKLING_NETNS's.

    guests' taps ── brq… ── vx-… ── the underlay (STACKLING_UNDERLAY_IP)
    routers'  rg-… ── br-ex, with the external gateway's address, or with a network card that the operator put into it

Its mounts stay private, so that its libvirtd never meets the machine's: `hostagent.machine.namespaces enter host1 -- virsh list`
shows its guests. Everything else on the machine is left alone: links are ours by name, tables by name, and a br-ex that
was there before gets no address from us and stays.
"""

import json
import re
from pathlib import Path
from typing import Final

from hostagent.drivers.network.linux_bridge import firewall_base
from hostagent.drivers.network.linux_bridge.links import EXTERNAL_BRIDGE
from hostagent.machine.pinned_namespaces import CannotBuild, Cloud, bridge, has_link, inside, run

#: Names of links that the network driver makes: a prefix and the first eleven characters of an id.
OURS: Final = re.compile(r"(brq|vx-|fb-|fl-|tap|rt-|rg-|dh-)[0-9a-f]{8}-[0-9a-f]{2}")
BRIDGE_FILTER: Final = Path("/proc/sys/net/bridge")


def load_bridge_filter() -> None:
    """Load the module that shows bridged frames to connection tracking. Nothing loads it by itself.

    Switched off for all bridges at once (Debian's default is on as soon as it is loaded), because ours switch it on one
    by one and those of others shall not change.

    Raises: CannotBuild when this machine has none.
    """
    if BRIDGE_FILTER.exists():
        return
    run("modprobe", "br_netfilter", check=False)
    if not BRIDGE_FILTER.exists():
        raise CannotBuild(
            "Security groups need the kernel module br_netfilter, and `modprobe br_netfilter` did not bring it. In a"
            " container, load it on the machine outside."
        )
    for name in ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"):
        (BRIDGE_FILTER / name).write_text("0")


def refuse_other_clouds(cloud: Cloud, outer: Path | None) -> None:
    """Raises: CannotBuild where another cloud, or Neutron, has its networks in the same namespace."""
    marked = mark_of(outer)
    if marked == cloud.alias:
        return
    theirs = sorted(name for name in links(outer) if OURS.fullmatch(name))
    if marked.startswith("stackling ") or theirs:
        raise CannotBuild(
            f"Another cloud has its networks on this machine ({', '.join(theirs[:3]) or EXTERNAL_BRIDGE}). One machine is host"
            " of one cloud: remove the other with `make clean`, or leave out STACKLING_HOST_MODE=machine."
        )


def links(outer: Path | None) -> dict[str, dict[str, object]]:
    return {link["ifname"]: link for link in json.loads(inside(outer, "ip", "-j", "link", "show") or "[]")}


def mark_of(outer: Path | None) -> str:
    """Return the alias of br-ex, which names the cloud that made it; "" where it has none or is not there."""
    return str(links(outer).get(EXTERNAL_BRIDGE, {}).get("ifalias", ""))


def build_external(cloud: Cloud, outer: Path | None) -> bool:
    """br-ex. True when it is ours, so that the gateway's address belongs on it; an operator's own is left as it is."""
    if not has_link(outer, EXTERNAL_BRIDGE):
        bridge(outer, EXTERNAL_BRIDGE, mtu=1500)
        inside(outer, "ip", "link", "set", EXTERNAL_BRIDGE, "alias", cloud.alias)
    return mark_of(outer) == cloud.alias


def notices(outer: Path | None) -> list[str]:
    """Sentences about settings of this machine that would keep guests, or others, from working; each says what to do."""
    said = inside(outer, "nft", "-j", "list", "chains", check=False)
    found = []
    foreign = sorted(
        name
        for name, link in links(outer).items()
        if name.startswith("tap") and "master" in link and not OURS.fullmatch(name)
    )
    if foreign:
        found.append(
            f"Bridge ports {', '.join(foreign)} are not of this cloud, and a port called tap… that it does not know may not"
            " send: give them other names"
        )
    for item in json.loads(said or "{}").get("nftables", ()):
        chain = item.get("chain", {})
        if (
            chain.get("hook") == "forward"
            and chain.get("policy") == "drop"
            and chain["family"] in ("ip", "ip6", "inet")
        ):
            where = f"{chain['family']} {chain['table']} {chain['name']}"
            found.append(
                f"The machine's firewall drops what it forwards (chain {where}), and guests' frames pass there: let them"
                f' with `nft insert rule {where} iifname "brq*" accept`'
            )
    return found


def remove(cloud: Cloud, outer: Path | None) -> None:
    """Take away the links and tables that are ours. The host's processes have ended before."""
    made_here = mark_of(outer) == cloud.alias
    for name in links(outer):
        if OURS.fullmatch(name) or (made_here and name == EXTERNAL_BRIDGE):
            inside(outer, "ip", "link", "del", name, check=False)  # a veth's other end goes with the first
    for table in firewall_base.base_tables():
        inside(outer, "nft", "-f", "-", text=f"table {table.key}\ndelete table {table.key}\n")
