"""Links of a namespace, which DHCP servers and routers stand on: one end inside, the other in a network of the host.

How the other end comes into its network is the driver's (Switch); everything in the namespace is the same with each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hostagent.drivers.network.commands import Batch, Facts, namespaces, read_json, run

EXTERNAL: Final = ""  # the network of a link that leads out of the cloud


def mac(text: str) -> str:
    """Return a MAC address in nft's and iproute2's letters. Raises: ValueError."""
    octets = bytes.fromhex(text.replace(":", ""))
    if len(octets) != 6:
        raise ValueError(f"{text!r} is not a MAC address")
    return octets.hex(":")


@dataclass(frozen=True)
class NamespaceLink:
    """One link of a namespace: `inner` inside it, `outer` in a network. Addresses with their prefix length."""

    inner: str
    outer: str
    network_id: str  # EXTERNAL: the one that leads out
    mac: str
    mtu: int
    addresses: tuple[str, ...]


class Switch(Protocol):
    """The layer 2 of a host, as what stands on it uses it."""

    def plug(self, links: Sequence[NamespaceLink], outside: dict[str, Facts]) -> None:
        """Put the outer ends, which are there, into their networks and up. `outside`: the host's links before they were made.

        Raises: RuntimeError.
        """


def ensure_links(
    switch: Switch, ns: str, links: Iterable[NamespaceLink], *, ours: tuple[str, ...], down: Iterable[str] = ()
) -> set[tuple[str, str]]:
    """Make the links of a namespace so; those in it whose name starts with one of `ours` and that are not named go away.

    Returns the (link, address) pairs that are new. Raises: CommandFailed, RuntimeError with iproute2's words.
    """
    wanted = {link.inner: link for link in links}
    inside = {link["ifname"]: link for link in read_json("ip", "-n", ns, "-j", "addr", "show")}
    outside = {link["ifname"]: link for link in read_json("ip", "-j", "link", "show")}
    host, inner = Batch("ip"), Batch("ip", ns)
    fresh: set[tuple[str, str]] = set()
    for name in inside:
        if name.startswith(ours) and name not in wanted:
            inner.add(ns, f"link del {name}")
    for link in wanted.values():
        have = inside.get(link.inner) if link.outer in outside else None
        if have is None:
            if outside.pop(link.outer, None):
                host.add(ns, f"link del {link.outer}")
            host.add(
                ns,
                f"link add {link.outer} mtu {link.mtu} type veth peer name {link.inner} mtu {link.mtu} address {link.mac} netns {ns}",
            )
        fresh |= _ensure_inner(inner, link, have, up=link.inner not in down)
    _run(host)
    switch.plug(list(wanted.values()), outside)
    _run(inner)
    return fresh


def _run(batch: Batch) -> None:
    if failed := batch.run():
        raise RuntimeError("; ".join(failed.values()))


def _ensure_inner(batch: Batch, link: NamespaceLink, have: Facts | None, *, up: bool) -> set[tuple[str, str]]:
    """Lines for the inner end. IPv6 link-local addresses are the kernel's own and stay."""
    if have and have["mtu"] != link.mtu:
        batch.add(batch.ns, f"link set {link.inner} mtu {link.mtu}")
    if have and have["address"] != link.mac:
        batch.add(batch.ns, f"link set {link.inner} address {link.mac}")
    had = {
        f"{a['local']}/{a['prefixlen']}"
        for a in (have or {}).get("addr_info", ())
        if not (a["family"] == "inet6" and a["scope"] == "link")
    }
    for address in sorted(had - set(link.addresses)):
        batch.add(batch.ns, f"addr del {address} dev {link.inner}")
    if up and (have is None or "UP" not in have["flags"]):
        batch.add(batch.ns, f"link set {link.inner} up")
    for address in link.addresses:
        if address not in had:
            batch.add(batch.ns, f"addr add {address} dev {link.inner}{' nodad' if ':' in address else ''}")
    return {(link.inner, address) for address in link.addresses if address not in had}


def remove_links(ns: str, ours: tuple[str, ...]) -> None:
    """Take a namespace's links away now: with the namespace they would go too, but a while later."""
    if ns not in namespaces():
        return
    batch = Batch("ip", ns)
    for link in read_json("ip", "-n", ns, "-j", "link", "show"):
        if link["ifname"].startswith(ours):
            batch.add(ns, f"link del {link['ifname']}")
    _run(batch)


def forget_flows(zone: int, address: str) -> None:
    """End every tracked flow from or to an address in a zone (0: of the namespace at large)."""
    family = "ipv6" if ":" in address else "ipv4"
    for side in ("-s", "-d"):
        run("conntrack", "-D", "-f", family, "-w", str(zone), side, address, check=False)  # exit 1: there were none
