"""Texts of one dnsmasq's files: what a network's DHCP and DNS serve.

`dhcp-hostsfile` lines never carry `set:`: dnsmasq 2.90 crashes when it re-reads such a line for a host with a lease.
"""

import re
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

from hostagent.contract import inet
from hostagent.drivers.network.metadata_proxy import METADATA_IP
from hostagent.drivers.network.namespace_links import mac


class FixedIP(TypedDict):
    ip: str


class Option(TypedDict):
    opt_name: str
    opt_value: str
    ip_version: NotRequired[int]


class Host(TypedDict):
    """A port that is served."""

    port_id: str
    mac: str
    ips: list[FixedIP]
    hostname: NotRequired[str]
    options: NotRequired[list[Option]]


class Route(TypedDict):
    destination: str
    nexthop: str


class Subnet(TypedDict):
    """`ip`: of the service itself; `dns`: name servers; `ipv6_mode`: as Neutron's ra mode."""

    cidr: str
    ip_version: int
    ip: NotRequired[str]
    gateway: NotRequired[str]
    dns: NotRequired[list[str]]
    routes: NotRequired[list[Route]]
    ipv6_mode: NotRequired[str]


LEASE_SECONDS: Final = 86400
HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
OPTION: Final = re.compile(r"[a-z0-9-]{1,64}")  # of a port: a DHCP option by name or number
OPTION_VALUE: Final = re.compile(r"[ -~]{1,255}")
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


def link_names(port_id: str) -> tuple[str, str]:
    """(inside the namespace, on the bridge)."""
    return f"ns-{port_id[:11]}", f"dh-{port_id[:11]}"


def checked_name(text: str, pattern: re.Pattern[str]) -> str:
    """Return a name that may stand in a configuration file. Raises: ValueError."""
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


def lease_room(hosts: int) -> int:
    """How many leases dnsmasq is told to hold: in doublings, because each new number restarts it."""
    room = 1000
    while room < 2 * hosts:
        room *= 2
    return room


class Texts:
    """The files of one dnsmasq that lives in `folder`. Raises: ValueError for what must not stand in them."""

    def __init__(self, folder: Path, body: dict[str, Any]) -> None:
        self.folder = folder
        self.body = body
        self.inner = link_names(body["port_id"])[0]
        self.domain = checked_name(body.get("domain") or "openstacklocal", DOMAIN)
        self.subnets: list[Subnet] = body["subnets"]
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

    def hostname(self, host: Host, ip: str) -> str:
        """Return the port's own name where DNS can hold it, else one made of its address."""
        own = (host.get("hostname") or "").rstrip(".")
        is_name = HOSTNAME.fullmatch(own) and not NO_HOSTNAME.fullmatch(own.lower())
        return own if is_name else f"host-{re.sub('[.:]+', '-', ip).strip('-')}"

    def own_hosts(self) -> list[Host]:
        """Hosts with options of their own that can be served."""
        return [h for h in self.body["hosts"] if h.get("options") and h["port_id"] not in self.left_out]

    def leave_out(self, host: Host, why: str) -> None:
        """Serve this host without its own options."""
        self.left_out[host["port_id"]] = why

    def config(self, *, own: bool = True) -> str:
        """dnsmasq.conf; without what ports have of their own if not `own`."""
        folder = self.folder
        lines = [
            "no-hosts", "no-resolv", "bind-dynamic", f"interface={self.inner}", "except-interface=lo", "no-ping",
            f"pid-file={folder}/state/dnsmasq.pid", f"dhcp-leasefile={folder}/state/leases", f"dhcp-hostsfile={folder}/hosts",
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

    def own_option_lines(self, host: Host) -> list[str]:
        """List the options of ports. One with options of its own stands here, not in the hosts file: that must not carry tags."""
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

    def range_lines(self, number: int, subnet: Subnet) -> list[str]:
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

    def option_lines(self, number: int, subnet: Subnet) -> list[str]:
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
