"""Extra DHCP options of ports: which may be stored, and which the DHCP server can hand out.

Neutron stores options whatever a network's IP version is. The names are those of `dnsmasq --help dhcp` and `dhcp6` (2.90);
an option by another name would keep the server from starting, for everybody on the network.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from common.numbers import is_whole
from networking.errors import InvalidInput

_V4_NAMES = (
    "netmask time-offset router dns-server log-server lpr-server boot-file-size domain-name swap-server root-path "
    "extension-path ip-forward-enable non-local-source-routing policy-filter max-datagram-reassembly default-ttl mtu "
    "all-subnets-local router-discovery router-solicitation static-route trailer-encapsulation arp-timeout ethernet-encap "
    "tcp-ttl tcp-keepalive nis-domain nis-server ntp-server netbios-ns netbios-dd netbios-nodetype netbios-scope "
    "x-windows-fs x-windows-dm t1 t2 vendor-class nis+-domain nis+-server tftp-server bootfile-name mobile-ip-home "
    "smtp-server pop3-server nntp-server irc-server user-class posix-timezone tzdb-timezone ipv6-only domain-search "
    "sip-server classless-static-route vendor-id-encap tftp-server-address server-ip-address"
)
V4 = frozenset(_V4_NAMES.split(" "))
_V6_NAMES = (
    "sip-server-domain sip-server dns-server domain-search nis-server nis+-server nis-domain nis+-domain sntp-server "
    "information-refresh-time posix-timezone tzdb-timezone ntp-server bootfile-url bootfile-param"
)
V6 = frozenset(_V6_NAMES.split(" "))
#: Options whose values are addresses: dnsmasq refuses to start when they are not.
_ADDRESSES_V4_NAMES = (
    "netmask router dns-server log-server lpr-server swap-server nis-server ntp-server netbios-ns netbios-dd x-windows-fs "
    "x-windows-dm nis+-server mobile-ip-home smtp-server pop3-server nntp-server irc-server tftp-server-address "
    "server-ip-address router-solicitation"
)
ADDRESSES_V4 = frozenset(_ADDRESSES_V4_NAMES.split(" "))
NAME = re.compile(r"[A-Za-z0-9+-]{1,64}")
VALUE = re.compile(r"[ -~]{1,255}")


def checked(options: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Options as Neutron shows them; a null value removes an option, so it is left out. Raises: InvalidInput."""
    for option in options:
        name, value, version = option.get("opt_name"), option.get("opt_value"), str(option.get("ip_version") or 4)
        if not isinstance(name, str) or not NAME.fullmatch(name) or version not in ("4", "6"):
            raise InvalidInput(reason=f"'{name}' is not a DHCP option")
        if not is_whole(name) and name.lower() not in V4 | V6:
            raise InvalidInput(reason=f"'{name}' is not a DHCP option that this cloud knows")
        if value is None:
            continue
        if not isinstance(value, str) or not VALUE.fullmatch(value):
            raise InvalidInput(reason=f"the value of DHCP option '{name}' must be 1 to 255 printable ASCII characters")
        yield {"opt_name": name, "opt_value": value, "ip_version": int(version)}


def merged(present: list[dict[str, Any]], asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """New options replace those of the same name and version; a null value removes one."""
    named = {(option.get("opt_name"), int(option.get("ip_version") or 4)) for option in asked}
    kept = [option for option in present if (option["opt_name"], option["ip_version"]) not in named]
    return kept + list(checked(asked))


def servable(option: dict[str, Any], versions: set[int]) -> bool:
    """Whether the DHCP server of a port with addresses of these IP versions can hand the option out."""
    name, version = option["opt_name"].lower(), option["ip_version"]
    if version not in versions or "+" in name:
        return False
    if version == 6:
        return name in V6 and name not in (
            "sip-server",
            "dns-server",
            "nis-server",
            "nis+-server",
            "sntp-server",
            "ntp-server",
        )
    if is_whole(name):
        return 1 <= int(name) <= 254
    return name in V4 and (name not in ADDRESSES_V4 or _are_addresses(option["opt_value"]))


def _are_addresses(value: str) -> bool:
    try:
        return all(ipaddress.IPv4Address(part.strip()) is not None for part in value.split(","))
    except ValueError:
        return False
