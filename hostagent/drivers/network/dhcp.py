"""DHCP and DNS of a network: one dnsmasq in the network's namespace, and leases as facts."""

import contextlib
import re
import shutil
import signal
from pathlib import Path
from typing import Any, Final

from hostagent.contract import inet
from hostagent.contract.network import dhcp_namespace
from hostagent.drivers.network import Lease
from hostagent.drivers.network.commands import (
    NETNS,
    CommandFailed,
    ensure_namespace,
    remove_namespace,
    run,
)
from hostagent.drivers.network.dnsmasq import Texts, link_names
from hostagent.drivers.network.metadata_proxy import METADATA_IP, MetadataProxy
from hostagent.drivers.network.namespace_links import NamespaceLink, Switch, ensure_links, mac, remove_links
from hostagent.machine import confinement, daemon_files
from hostagent.machine.daemons import Daemon, Daemons

NOTE: Final = re.compile(r"[0-9.]{1,30} (add|old) [0-9a-f:]{1,60} [0-9a-f.:]{1,45} [0-9]{1,18}")  # see SCRIPT
NOTE_LIMIT: Final = 1024  # bytes
NOTES_LIMIT: Final = 10_000  # of them at a look
LEASES_LIMIT: Final = 64 * 2**20  # bytes
SCRIPT: Final = """\
#!/bin/sh
# dnsmasq runs this for each lease: it leaves a note that the host agent picks up.
now=$(date +%s.%N)
note={spool}/$now-$$
echo "$now $1 $2 $3 ${{DNSMASQ_LEASE_EXPIRES:-0}}" > "$note.new"
mv "$note.new" "$note"
"""


#: What may be asked of a network's service: addresses, names, metadata. A port that some daemon opens besides is not there.
FENCE: Final = f"""\
table inet stackling
delete table inet stackling
table inet stackling {{
chain input {{ type filter hook input priority filter; policy accept;
iifname "lo" accept
ct state established,related accept
meta l4proto {{ icmp, ipv6-icmp }} accept
udp dport {{ 53, 67, 547 }} accept
tcp dport 53 accept
ip daddr {METADATA_IP} tcp dport 80 accept
meta l4proto tcp reject with tcp reset
meta l4proto udp reject
}}
}}
"""


def tested(text: str) -> str:
    """Return the same text, when it is a configuration that dnsmasq takes. Raises: CommandFailed."""
    run("dnsmasq", "--test", "--conf-file=-", text=text)
    return text


class Dhcp:
    """What serves one network. `home` is the directory of all networks' DHCP, `socket` the agent's metadata socket."""

    def __init__(self, home: Path, network_id: str, socket: Path, daemons: Daemons, switch: Switch) -> None:
        self.network_id = network_id
        self.switch = switch
        self.ns = dhcp_namespace(network_id)
        self.folder = home / network_id
        self.config = self.folder / "dnsmasq.conf"
        self.state = self.folder / "state"  # dnsmasq's own; all else is root's
        self.leases = self.state / "leases"
        self.spool = self.state / "spool"
        self.proxy = MetadataProxy(self.folder / "metadata", self.ns, "Network", network_id, socket, daemons)
        self.daemons = daemons

    def ensure(self, body: dict[str, object]) -> dict[str, str]:
        """Make it so. Returns ports that are served without what they ask for, and why.

        Raises: CommandFailed, RuntimeError, ValueError, KeyError.
        """
        texts = Texts(self.folder, body)
        ensure_namespace(self.ns)
        link = self.link(body)
        if ensure_links(
            self.switch, self.ns, [link], ours=("ns-",)
        ):  # clients that read raw packets drop those without a checksum
            run("ethtool", "-K", link.inner, "tx", "off", ns=self.ns)
        self.ensure_route(body)
        run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0", ns=self.ns)
        run("nft", "-f", "-", text=FENCE, ns=self.ns)
        self.ensure_folders()
        script = self.folder / "lease.sh"
        daemon_files.write_if_changed(script, SCRIPT.format(spool=self.spool), kind="dhcp", mode=0o750)
        self.ensure_dnsmasq(texts)
        if body.get("metadata"):
            self.proxy.ensure()
        elif self.proxy.folder.exists():
            self.proxy.remove()
        return texts.left_out

    def ensure_folders(self) -> None:
        """Leases of a dnsmasq that was root go along to the one that is not."""
        daemon_files.folder_for("dhcp", self.folder)
        self.spool.mkdir(exist_ok=True)
        old = self.folder / "leases"
        if old.exists() and not self.leases.exists():
            old.replace(self.leases)
        for path in (self.spool, *(p for p in self.state.iterdir() if p.is_file() and not p.is_symlink())):
            confinement.give(path, "dhcp", mode=0o700 if path == self.spool else 0o600, whole=True)

    def link(self, body: dict[str, Any]) -> NamespaceLink:
        inner, outer = link_names(body["port_id"])
        own = [f"{s['ip']}/{inet.ip_network(s['cidr']).prefixlen}" for s in body["subnets"] if s.get("ip")]
        extra = (f"{METADATA_IP}/32",) if body.get("metadata") else ()
        return NamespaceLink(inner, outer, self.network_id, mac(body["mac"]), int(body["mtu"]), (*own, *extra))

    def ensure_route(self, body: dict[str, Any]) -> None:
        """Add a way out, so that replies reach guests that a router between subnets brings here."""
        gateways = [
            s["gateway"]
            for s in body["subnets"]
            if s.get("gateway") and s["ip_version"] == 4 and s.get("ip") != s["gateway"]
        ]
        if gateways:
            run(
                "ip",
                "-n",
                self.ns,
                "route",
                "replace",
                "default",
                "via",
                gateways[0],
                "dev",
                link_names(body["port_id"])[0],
            )
        else:
            run("ip", "-n", self.ns, "route", "del", "default", check=False)

    def ensure_dnsmasq(self, texts: Texts) -> None:
        """Start it, restart it if its configuration changed, or let it read its hosts and options again."""
        text = texts.config()
        if not self.config.exists() or self.config.read_text() != text:  # a wrong option must not end what works
            text = self.accepted(texts)
        restart = daemon_files.write_if_changed(self.config, text, kind="dhcp", mode=0o640)
        again = [
            daemon_files.write_if_changed(self.folder / name, text, kind="dhcp", mode=0o640)
            for name, text in texts.files().items()
        ]
        stale = self.stale_leases(texts)
        daemon = self.daemon(announces="enable-ra\n" in text)
        started = self.daemons.ensure(daemon, restart=restart or bool(stale), prepare=lambda: self.drop_leases(stale))
        if any(again) and not started:
            self.daemons.send(daemon, signal.SIGHUP)

    def daemon(self, *, announces: bool = False) -> Daemon:
        return Daemon(
            f"dnsmasq {self.network_id}", "dhcp6" if announces else "dhcp", ("dnsmasq", f"--conf-file={self.config}"),
            str(self.config), str(NETNS / self.ns),
        )  # fmt: skip

    def drop_leases(self, stale: set[str]) -> None:
        """Take these lines out of the lease file, while dnsmasq does not run: one of a port that is gone would keep its address
        from the next port."""
        if stale:
            kept = "".join(line for line in self.lease_lines() if line not in stale)
            daemon_files.write_if_changed(self.leases, kept)
            confinement.give(self.leases, "dhcp", mode=0o600, whole=True)

    def accepted(self, texts: Texts) -> str:
        """Return a configuration that dnsmasq takes: ports whose own options it refuses are served without them.

        Raises: CommandFailed when it takes none at all.
        """
        with contextlib.suppress(CommandFailed):
            return tested(texts.config())
        base = tested(texts.config(own=False))
        doubtful = [texts.own_hosts()]
        while doubtful:  # halves of what is refused, down to one port
            hosts = doubtful.pop()
            try:
                tested(base + "".join(f"{line}\n" for host in hosts for line in texts.own_option_lines(host)))
            except CommandFailed as problem:
                if len(hosts) == 1:
                    names = ", ".join(str(option["opt_name"]) for option in hosts[0]["options"])
                    texts.leave_out(hosts[0], f"{names}: {problem.detail}")
                else:
                    middle = len(hosts) // 2
                    doubtful += [hosts[middle:], hosts[:middle]]
        return tested(texts.config())

    def lease_lines(self) -> list[str]:
        return daemon_files.read_own(self.leases, LEASES_LIMIT).splitlines(keepends=True)

    def stale_leases(self, texts: Texts) -> set[str]:
        """IPv4 lines of the lease file ("expiry mac ip name id") whose pair of MAC and address is no longer wanted."""
        pairs = {(h, ip) for h, ip, _ in texts.hosts}
        stale = set()
        for line in self.lease_lines():
            words = line.split()
            if len(words) >= 4 and words[2].count(".") == 3 and (words[1], words[2]) not in pairs:
                stale.add(line)
        return stale

    def read_leases(self, body: dict[str, Any], known: dict[tuple[str, str], int]) -> list[Lease]:
        """Notes of dnsmasq as lease facts. `known` ((mac, ip) → expiry) tells a renewal from a repetition."""
        ports = {h["mac"].lower(): h["port_id"] for h in body["hosts"]}
        facts: list[Lease] = []
        notes = sorted(p for p in self.spool.iterdir() if p.suffix != ".new") if self.spool.exists() else []
        for note in notes[:NOTES_LIMIT]:
            words = daemon_files.read_own(note, NOTE_LIMIT).split()
            with contextlib.suppress(OSError):  # dnsmasq's folder: it may be anything
                note.unlink()
            if not NOTE.fullmatch(" ".join(words)):
                continue
            at, action, hardware, ip, expires = words
            before = known.get((hardware, ip))
            known[hardware, ip] = int(expires)
            renewed = before is not None and int(expires) > before
            if hardware in ports and (action == "add" or renewed):
                facts.append({"port_id": ports[hardware], "mac": hardware, "ip": ip, "at": float(at)})
        return facts

    def remove(self) -> None:
        self.daemons.remove(self.daemon())
        if self.proxy.folder.exists():
            self.proxy.remove()
        remove_links(self.ns, ("ns-",))
        remove_namespace(self.ns)
        shutil.rmtree(self.folder, ignore_errors=True)
