"""DHCP and DNS of a network: one dnsmasq in the network's namespace, and leases as facts.

`dhcp-hostsfile` lines never carry `set:`: dnsmasq 2.90 crashes when it re-reads such a line for a host with a lease.
"""

import contextlib
import re
import shutil
import signal
from pathlib import Path
from typing import Any, Final

from hostagent import confinement, daemons, inet
from hostagent.contract.network import bridge_name, dhcp_namespace
from hostagent.drivers.network.linux_bridge.commands import (
    NETNS,
    CommandFailed,
    ensure_namespace,
    remove_namespace,
    run,
)
from hostagent.drivers.network.linux_bridge.links import Leg, ensure_legs, mac, remove_legs
from hostagent.drivers.network.linux_bridge.proxy import METADATA_IP, MetadataProxy

LEASE_SECONDS: Final = 86400
HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
OPTION: Final = re.compile(r"[a-z0-9-]{1,64}")  # of a port: a DHCP option by name or number
OPTION_VALUE: Final = re.compile(r"[ -~]{1,255}")
NOTE: Final = re.compile(r"[0-9.]{1,30} (add|old) [0-9a-f:]{1,60} [0-9a-f.:]{1,45} [0-9]{1,18}")  # see SCRIPT
NOTE_LIMIT: Final = 1024  # bytes
NOTES_LIMIT: Final = 10_000  # of them at a look
LEASES_LIMIT: Final = 64 * 2**20  # bytes
#: Values that stand without quotes: numbers, times, bytes, lists of names (of addresses and routes: `is_bare`).
BARE_VALUE: Final = re.compile(
    r"-?[0-9]{1,9}|[0-9]{1,9}[smhdw]|infinite|[0-9a-f]{2}(:[0-9a-f]{2})+|(?=.*[a-z])[a-z0-9_][a-z0-9_.-]*(,[a-z0-9_][a-z0-9_.-]*)*",
    re.IGNORECASE,
)
DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
#: Words of a `dhcp-host` line that are no name there: what to ignore, and times of leases.
NO_HOSTNAME: Final = re.compile(r"ignore|infinite|deprecated|static|[0-9]+[smhdwSMHDW]?")

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


def leg_names(port_id: str) -> tuple[str, str]:
    """(inside the namespace, on the bridge)."""
    return f"ns-{port_id[:11]}", f"dh-{port_id[:11]}"


def checked_name(text: str, pattern: re.Pattern[str]) -> str:
    """A name that may stand in a configuration file. Raises: ValueError."""
    name = text.rstrip(".")
    if not pattern.fullmatch(name):
        raise ValueError(f"{text!r} is not a name that DNS could hold")
    return name


def is_bare(value: str) -> bool:
    """Whether dnsmasq may read more than a text into a DHCP option's value. In quotes it does not, so commas part nothing."""
    if BARE_VALUE.fullmatch(value):
        return True
    parts = value.split(",")
    try:
        if all(part[:1] == "[" for part in parts):
            return all(inet.ip_address(part[1:-1]).version == 6 and part[-1:] == "]" for part in parts)
        if "/" in value:
            return len(parts) % 2 == 0 and all(inet.ip_network(part, strict=False).version == 4 for part in parts)
        return all(inet.ip_address(part).version == 4 for part in parts)
    except ValueError:
        return False


def tested(text: str) -> str:
    """The same text, when it is a configuration that dnsmasq takes. Raises: CommandFailed."""
    run("dnsmasq", "--test", "--conf-file=-", text=text)
    return text


class Dhcp:
    """What serves one network. `home` is the directory of all networks' DHCP, `socket` the agent's metadata socket."""

    def __init__(self, home: Path, network_id: str, socket: Path) -> None:
        self.network_id = network_id
        self.ns = dhcp_namespace(network_id)
        self.folder = home / network_id
        self.config = self.folder / "dnsmasq.conf"
        self.state = self.folder / "state"  # dnsmasq's own; all else is root's
        self.leases = self.state / "leases"
        self.spool = self.state / "spool"
        self.proxy = MetadataProxy(self.folder / "metadata", self.ns, "Network", network_id, socket)

    def ensure(self, body: dict[str, Any]) -> dict[str, str]:
        """Make it so. Returns ports that are served without what they ask for, and why.

        Raises: CommandFailed, RuntimeError, ValueError, KeyError.
        """
        texts = Texts(self, body)
        ensure_namespace(self.ns)
        leg = self.leg(body)
        if ensure_legs(self.ns, [leg], ours=("ns-",)):  # clients that read raw packets drop those without a checksum
            run("ethtool", "-K", leg.inner, "tx", "off", ns=self.ns)
        self.ensure_route(body)
        run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0", ns=self.ns)
        run("nft", "-f", "-", text=FENCE, ns=self.ns)
        self.ensure_folders()
        script = self.folder / "lease.sh"
        daemons.write_if_changed(script, SCRIPT.format(spool=self.spool), kind="dhcp", mode=0o750)
        self.ensure_dnsmasq(texts)
        if body.get("metadata"):
            self.proxy.ensure()
        elif self.proxy.folder.exists():
            self.proxy.remove()
        return texts.left_out

    def ensure_folders(self) -> None:
        """Leases of a dnsmasq that was root go along to the one that is not."""
        daemons.folder_for("dhcp", self.folder)
        self.spool.mkdir(exist_ok=True)
        old = self.folder / "leases"
        if old.exists() and not self.leases.exists():
            old.replace(self.leases)
        for path in (self.spool, *(p for p in self.state.iterdir() if p.is_file() and not p.is_symlink())):
            confinement.give(path, "dhcp", mode=0o700 if path == self.spool else 0o600, whole=True)

    def leg(self, body: dict[str, Any]) -> Leg:
        inner, outer = leg_names(body["port_id"])
        own = [f"{s['ip']}/{inet.ip_network(s['cidr']).prefixlen}" for s in body["subnets"] if s.get("ip")]
        extra = (f"{METADATA_IP}/32",) if body.get("metadata") else ()
        return Leg(inner, outer, bridge_name(self.network_id), mac(body["mac"]), int(body["mtu"]), (*own, *extra))

    def ensure_route(self, body: dict[str, Any]) -> None:
        """A way out, so that replies reach guests that a router between subnets brings here."""
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
                leg_names(body["port_id"])[0],
            )
        else:
            run("ip", "-n", self.ns, "route", "del", "default", check=False)

    def ensure_dnsmasq(self, texts: "Texts") -> None:
        """Start it, restart it if its configuration changed, or let it read its hosts and options again."""
        text = texts.config()
        if not self.config.exists() or self.config.read_text() != text:  # a wrong option must not end what works
            text = self.accepted(texts)
        restart = daemons.write_if_changed(self.config, text, kind="dhcp", mode=0o640)
        again = [
            daemons.write_if_changed(self.folder / name, text, kind="dhcp", mode=0o640)
            for name, text in texts.files().items()
        ]
        running = daemons.find(self.config)
        stale = self.stale_leases(texts)
        if running and not restart and not stale:
            if any(again):
                for pid in running:
                    daemons.send(pid, signal.SIGHUP)
            return
        if running:
            daemons.stop(self.config)
        if stale:  # a lease of a port that is gone would keep its address from the next one
            kept = "".join(line for line in self.lease_lines() if line not in stale)
            daemons.write_if_changed(self.leases, kept)
            confinement.give(self.leases, "dhcp", mode=0o600, whole=True)
        self.start()

    def start(self) -> None:
        announces = "enable-ra\n" in self.config.read_text()
        kind = "dhcp6" if announces else "dhcp"
        daemons.start(kind, self.config, "dnsmasq", f"--conf-file={self.config}", net=NETNS / self.ns)

    def accepted(self, texts: "Texts") -> str:
        """A configuration that dnsmasq takes: ports whose own options it refuses are served without them.

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
        return daemons.read_own(self.leases, LEASES_LIMIT).splitlines(keepends=True)

    def stale_leases(self, texts: "Texts") -> set[str]:
        """IPv4 lines of the lease file ("expiry mac ip name id") whose pair of MAC and address is no longer wanted."""
        pairs = {(h, ip) for h, ip, _ in texts.hosts}
        stale = set()
        for line in self.lease_lines():
            words = line.split()
            if len(words) >= 4 and words[2].count(".") == 3 and (words[1], words[2]) not in pairs:
                stale.add(line)
        return stale

    def is_served(self, body: dict[str, Any], alive: dict[str, list[int]]) -> bool:
        """Whether all its daemons are among those `alive` (daemons.alive)."""
        return str(self.config) in alive and (not body.get("metadata") or str(self.proxy.config) in alive)

    def ensure_running(self, body: dict[str, Any]) -> list[str]:
        """Start again what died. Returns names of what was started."""
        started = []
        if not daemons.find(self.config):
            self.start()
            started.append(f"dnsmasq {self.network_id}")
        if body.get("metadata") and self.proxy.ensure():
            started.append(f"haproxy {self.network_id}")
        return started

    def read_leases(self, body: dict[str, Any], known: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
        """Notes of dnsmasq as lease facts. `known` ((mac, ip) → expiry) tells a renewal from a repetition."""
        ports = {h["mac"].lower(): h["port_id"] for h in body["hosts"]}
        facts = []
        notes = sorted(p for p in self.spool.iterdir() if p.suffix != ".new") if self.spool.exists() else []
        for note in notes[:NOTES_LIMIT]:
            words = daemons.read_own(note, NOTE_LIMIT).split()
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
        daemons.stop(self.config)
        if self.proxy.folder.exists():
            self.proxy.remove()
        remove_legs(self.ns, ("ns-",))
        remove_namespace(self.ns)
        shutil.rmtree(self.folder, ignore_errors=True)


def lease_room(hosts: int) -> int:
    """How many leases dnsmasq is told to hold: in doublings, because each new number restarts it."""
    room = 1000
    while room < 2 * hosts:
        room *= 2
    return room


class Texts:
    """The files of one dnsmasq. Raises: ValueError for what must not stand in them."""

    def __init__(self, dhcp: Dhcp, body: dict[str, Any]) -> None:
        self.dhcp = dhcp
        self.body = body
        self.inner = leg_names(body["port_id"])[0]
        self.domain = checked_name(body.get("domain") or "openstacklocal", DOMAIN)
        self.subnets = body["subnets"]
        self.left_out: dict[str, str] = {}  # port → why its own options are not served
        self.hosts: list[tuple[str, str, str]] = []  # (mac, ip, name)
        for host in body["hosts"]:
            try:
                self.hosts += [
                    (mac(host["mac"]), str(inet.ip_address(fixed["ip"])), self.hostname(host, fixed["ip"]))
                    for fixed in host["ips"]
                ]
            except ValueError as problem:  # only this port goes without
                self.leave_out(host, str(problem))

    def hostname(self, host: dict[str, Any], ip: str) -> str:
        """The port's own name where DNS can hold it, else one made of its address."""
        own = (host.get("hostname") or "").rstrip(".")
        is_name = HOSTNAME.fullmatch(own) and not NO_HOSTNAME.fullmatch(own.lower())
        return own if is_name else f"host-{re.sub('[.:]+', '-', ip).strip('-')}"

    def own_hosts(self) -> list[dict[str, Any]]:
        """Hosts with options of their own that can be served."""
        return [h for h in self.body["hosts"] if h.get("options") and h["port_id"] not in self.left_out]

    def leave_out(self, host: dict[str, Any], why: str) -> None:
        """Serve this host without its own options."""
        self.left_out[host["port_id"]] = why

    def config(self, *, own: bool = True) -> str:
        """dnsmasq.conf; without what ports have of their own if not `own`."""
        folder = self.dhcp.folder
        lines = [
            "no-hosts", "no-resolv", "bind-dynamic", f"interface={self.inner}", "except-interface=lo", "no-ping",
            f"pid-file={folder}/state/dnsmasq.pid", f"dhcp-leasefile={self.dhcp.leases}", f"dhcp-hostsfile={folder}/hosts",
            f"dhcp-optsfile={folder}/options", f"addn-hosts={folder}/names", f"domain={self.domain}", f"local=/{self.domain}/",
            "dhcp-authoritative", "quiet-dhcp", "quiet-dhcp6", "quiet-ra", f"log-facility={folder}/state/log",
            f"dhcp-script={folder}/lease.sh", "script-on-renewal", f"dhcp-lease-max={lease_room(len(self.hosts))}",
            f"dhcp-option-force=option:mtu,{int(self.body['mtu'])}",
        ]  # fmt: skip
        for number, subnet in enumerate(self.subnets):
            lines += self.range_lines(number, subnet)
        lines += [f"server={server}" for server in self.upstream()]
        lines += [line for host in self.own_hosts() for line in self.own_option_lines(host)] if own else []
        return "".join(f"{line}\n" for line in lines)

    def own_option_lines(self, host: dict[str, Any]) -> list[str]:
        """A port with options of its own stands here, not in the hosts file: that must not carry tags."""
        tag = f"port-{host['port_id']}"
        lines = [
            f"dhcp-host={mac(host['mac'])},set:{tag},{f'[{ip}]' if ':' in ip else ip},{self.hostname(host, ip)}"
            for ip in (str(inet.ip_address(fixed["ip"])) for fixed in host["ips"])
        ]
        for option in host["options"]:
            name, value = str(option["opt_name"]).lower(), str(option["opt_value"])
            if not OPTION.fullmatch(name) or not OPTION_VALUE.fullmatch(value):
                self.leave_out(host, f"the DHCP option {name!r} cannot be written")
                return []
            if not is_bare(value):
                value = '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
            word = "option6" if int(option.get("ip_version") or 4) == 6 else "option"
            lines.append(f"dhcp-option-force=tag:{tag},{name if name.isdigit() else f'{word}:{name}'},{value}")
        return lines

    def range_lines(self, number: int, subnet: dict[str, Any]) -> list[str]:
        network = inet.ip_network(subnet["cidr"])
        if network.version == 4:
            return [
                f"dhcp-range=set:subnet-{number},{network.network_address},static,{network.netmask},{LEASE_SECONDS}s"
            ]
        mode = {"slaac": "slaac", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}.get(
            subnet.get("ipv6_mode") or ""
        )
        if mode is None:
            return []  # addresses are the guests' own affair
        announce = ["enable-ra", f"ra-param={self.inner},mtu:{int(self.body['mtu'])},10,0"]  # 0: we are not the router
        return [
            f"dhcp-range=set:subnet-{number},{network.network_address},{mode},{network.prefixlen},{LEASE_SECONDS}s",
            *announce,
        ]

    def upstream(self) -> list[str]:
        return list(dict.fromkeys(str(inet.ip_address(ip)) for s in self.subnets for ip in s.get("dns") or ()))

    def files(self) -> dict[str, str]:
        tagged = {mac(host["mac"]) for host in self.own_hosts()}
        hosts = [f"{h},{f'[{ip}]' if ':' in ip else ip},{name}\n" for h, ip, name in self.hosts if h not in tagged]
        names = [f"{ip} {name}.{self.domain} {name}\n" for _, ip, name in self.hosts]
        options = [line for number, subnet in enumerate(self.subnets) for line in self.option_lines(number, subnet)]
        return {"hosts": "".join(hosts), "names": "".join(names), "options": "".join(f"{line}\n" for line in options)}

    def option_lines(self, number: int, subnet: dict[str, Any]) -> list[str]:
        tag = f"tag:subnet-{number}"
        servers = [str(inet.ip_address(ip)) for ip in subnet.get("dns") or ()] or [subnet["ip"]] * bool(
            subnet.get("ip")
        )
        if inet.ip_network(subnet["cidr"]).version == 6:
            return [f"{tag},option6:dns-server,{','.join(f'[{s}]' for s in servers)}"] if servers else []
        routes = [
            (str(inet.ip_network(r["destination"])), str(inet.ip_address(r["nexthop"])))
            for r in subnet.get("routes") or ()
        ]
        if self.body.get("metadata") and subnet.get("ip"):
            routes.append((f"{METADATA_IP}/32", subnet["ip"]))
        if subnet.get("gateway"):
            routes.append(("0.0.0.0/0", str(inet.ip_address(subnet["gateway"]))))
        lines = [f"{tag},option:router,{subnet['gateway']}" if subnet.get("gateway") else f"{tag},option:router"]
        if servers:
            lines.append(f"{tag},option:dns-server,{','.join(servers)}")
        if routes:  # whoever reads this option must not read the router option, so it holds the default route too
            lines.append(f"{tag},option:classless-static-route,{','.join(f'{d},{n}' for d, n in routes)}")
        return lines
