"""DHCP and DNS of a network: one dnsmasq in the network's namespace, and leases as facts.

`dhcp-hostsfile` lines never carry `set:`: dnsmasq 2.90 crashes when it re-reads such a line for a host with a lease.
"""

import contextlib
import ipaddress
import re
import shutil
import signal
from pathlib import Path
from typing import Any, Final

from hostagent import confinement, daemons
from hostagent.contract import bridge_name, dhcp_namespace
from hostagent.drivers.network.linux_bridge.commands import NETNS, ensure_namespace, remove_namespace, run
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
DOMAIN: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

SCRIPT: Final = """\
#!/bin/sh
# dnsmasq runs this for each lease: it leaves a note that the host agent picks up.
now=$(date +%s.%N)
note={spool}/$now-$$
echo "$now $1 $2 $3 ${{DNSMASQ_LEASE_EXPIRES:-0}}" > "$note.new"
mv "$note.new" "$note"
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

    def ensure(self, body: dict[str, Any]) -> None:
        """Raises: CommandFailed, RuntimeError, ValueError, KeyError."""
        texts = Texts(self, body)
        ensure_namespace(self.ns)
        leg = self.leg(body)
        if ensure_legs(self.ns, [leg], ours=("ns-",)):  # clients that read raw packets drop those without a checksum
            run("ethtool", "-K", leg.inner, "tx", "off", ns=self.ns)
        self.ensure_route(body)
        self.ensure_folders()
        script = self.folder / "lease.sh"
        daemons.write_if_changed(script, SCRIPT.format(spool=self.spool), kind="dhcp", mode=0o750)
        self.ensure_dnsmasq(texts)
        if body.get("metadata"):
            self.proxy.ensure()
        elif self.proxy.folder.exists():
            self.proxy.remove()

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
        own = [f"{s['ip']}/{ipaddress.ip_network(s['cidr']).prefixlen}" for s in body["subnets"] if s.get("ip")]
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
            run("dnsmasq", "--test", "--conf-file=-", text=text)
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


class Texts:
    """The files of one dnsmasq. Raises: ValueError for what must not stand in them."""

    def __init__(self, dhcp: Dhcp, body: dict[str, Any]) -> None:
        self.dhcp = dhcp
        self.body = body
        self.inner = leg_names(body["port_id"])[0]
        self.domain = checked_name(body.get("domain") or "openstacklocal", DOMAIN)
        self.subnets = body["subnets"]
        self.hosts = [  # (mac, ip, name)
            (mac(host["mac"]), str(ipaddress.ip_address(fixed["ip"])), self.hostname(host, fixed["ip"]))
            for host in body["hosts"]
            for fixed in host["ips"]
        ]

    def hostname(self, host: dict[str, Any], ip: str) -> str:
        """The port's own name where DNS can hold it, else one made of its address."""
        own = (host.get("hostname") or "").rstrip(".")
        return own if HOSTNAME.fullmatch(own) else f"host-{re.sub('[.:]+', '-', ip).strip('-')}"

    def config(self) -> str:
        folder = self.dhcp.folder
        lines = [
            "no-hosts", "no-resolv", "bind-dynamic", f"interface={self.inner}", "except-interface=lo", "no-ping",
            f"pid-file={folder}/state/dnsmasq.pid", f"dhcp-leasefile={self.dhcp.leases}", f"dhcp-hostsfile={folder}/hosts",
            f"dhcp-optsfile={folder}/options", f"addn-hosts={folder}/names", f"domain={self.domain}", f"local=/{self.domain}/",
            "dhcp-authoritative", "quiet-dhcp", "quiet-dhcp6", "quiet-ra", f"log-facility={folder}/state/log",
            f"dhcp-script={folder}/lease.sh", "script-on-renewal", f"dhcp-lease-max={max(1000, 2 * len(self.hosts))}",
            f"dhcp-option-force=option:mtu,{int(self.body['mtu'])}",
        ]  # fmt: skip
        for number, subnet in enumerate(self.subnets):
            lines += self.range_lines(number, subnet)
        lines += [f"server={server}" for server in self.upstream()]
        lines += [line for host in self.body["hosts"] if host.get("options") for line in self.own_option_lines(host)]
        return "".join(f"{line}\n" for line in lines)

    def own_option_lines(self, host: dict[str, Any]) -> list[str]:
        """A port with options of its own stands here, not in the hosts file: that must not carry tags."""
        tag = f"port-{host['port_id']}"
        lines = [
            f"dhcp-host={mac(host['mac'])},set:{tag},{f'[{ip}]' if ':' in ip else ip},{self.hostname(host, ip)}"
            for ip in (str(ipaddress.ip_address(fixed["ip"])) for fixed in host["ips"])
        ]
        for option in host["options"]:
            name, value = str(option["opt_name"]).lower(), str(option["opt_value"])
            if not OPTION.fullmatch(name) or not OPTION_VALUE.fullmatch(value):
                raise ValueError(f"the DHCP option {name!r} of port {host['port_id']} cannot be written")
            word = "option6" if int(option.get("ip_version") or 4) == 6 else "option"
            lines.append(f"dhcp-option-force=tag:{tag},{name if name.isdigit() else f'{word}:{name}'},{value}")
        return lines

    def range_lines(self, number: int, subnet: dict[str, Any]) -> list[str]:
        network = ipaddress.ip_network(subnet["cidr"])
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
        return list(dict.fromkeys(str(ipaddress.ip_address(ip)) for s in self.subnets for ip in s.get("dns") or ()))

    def files(self) -> dict[str, str]:
        tagged = {mac(host["mac"]) for host in self.body["hosts"] if host.get("options")}
        hosts = [f"{h},{f'[{ip}]' if ':' in ip else ip},{name}\n" for h, ip, name in self.hosts if h not in tagged]
        names = [f"{ip} {name}.{self.domain} {name}\n" for _, ip, name in self.hosts]
        options = [line for number, subnet in enumerate(self.subnets) for line in self.option_lines(number, subnet)]
        return {"hosts": "".join(hosts), "names": "".join(names), "options": "".join(f"{line}\n" for line in options)}

    def option_lines(self, number: int, subnet: dict[str, Any]) -> list[str]:
        tag = f"tag:subnet-{number}"
        servers = [str(ipaddress.ip_address(ip)) for ip in subnet.get("dns") or ()] or [subnet["ip"]] * bool(
            subnet.get("ip")
        )
        if ipaddress.ip_network(subnet["cidr"]).version == 6:
            return [f"{tag},option6:dns-server,{','.join(f'[{s}]' for s in servers)}"] if servers else []
        routes = [
            (str(ipaddress.ip_network(r["destination"])), str(ipaddress.ip_address(r["nexthop"])))
            for r in subnet.get("routes") or ()
        ]
        if self.body.get("metadata") and subnet.get("ip"):
            routes.append((f"{METADATA_IP}/32", subnet["ip"]))
        if subnet.get("gateway"):
            routes.append(("0.0.0.0/0", str(ipaddress.ip_address(subnet["gateway"]))))
        lines = [f"{tag},option:router,{subnet['gateway']}" if subnet.get("gateway") else f"{tag},option:router"]
        if servers:
            lines.append(f"{tag},option:dns-server,{','.join(servers)}")
        if routes:  # whoever reads this option must not read the router option, so it holds the default route too
            lines.append(f"{tag},option:classless-static-route,{','.join(f'{d},{n}' for d, n in routes)}")
        return lines
