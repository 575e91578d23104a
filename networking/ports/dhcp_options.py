"""Extra DHCP options of ports: each by its number, its value by the type that the DHCP server gives that number.

Neutron stores options whatever a network's IP version is. Numbers, names and types are those of dnsmasq 2.90
(`dnsmasq --help dhcp` and `dhcp6`, dhcp-common.c opttab): a value of another type would keep the server from starting, for
everybody on the network. An option that is known by number is known by its name too, and the other way round.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypedDict

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.numbers import is_whole
from hostagent.contract import inet
from networking.errors import InvalidInput

#: Options of one port at most. More would not fit into an answer of DHCP, which has 576 bytes for certain (RFC 2131 2).
MAX_OPTIONS = 32

NAME = re.compile(r"[A-Za-z0-9+-]{1,64}")
VALUE = re.compile(r"[ -~]{1,255}")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_TIME = re.compile(r"[0-9]{1,9}[smhdwSMHDW]?|infinite")


class BadValue(Invalid):
    template = _(
        "The value '%(value)s' of DHCP option '%(name)s' is not %(wanted)s. Correct it, or leave the option out."
    )


Check = Callable[[str], str]


def _items(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _v4(value: str) -> str:
    found = [inet.ip_address(part) for part in _items(value)]
    if any(ip.version != 4 for ip in found):
        raise ValueError
    return ",".join(map(str, found))


def _v6(value: str) -> str:
    found = [inet.ip_address(part.removeprefix("[").removesuffix("]")) for part in _items(value)]
    if any(ip.version != 6 for ip in found):
        raise ValueError
    return ",".join(f"[{ip}]" for ip in found)


def _number(size: int) -> Check:
    most = 256**size

    def check(value: str) -> str:
        number = int(value, 0) if value.lstrip("-")[:2].lower() == "0x" else int(value)
        if "_" in value or not -most // 2 <= number < most:
            raise ValueError
        return str(number)

    return check


def _flag(value: str) -> str:
    return str(("0", "1", "false", "true").index(value.lower()) % 2)


def _time(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise ValueError
    return value.lower()


def _text(value: str) -> str:
    return value


def _bytes_or_text(value: str) -> str:
    """dnsmasq takes a number for the length of what is inside."""
    if value.lstrip("-").isdigit():
        raise ValueError
    return value


def _domains(value: str) -> str:
    found = _items(value)
    if not all(_DOMAIN.fullmatch(name) for name in found):
        raise ValueError
    return ",".join(found)


def _servers(value: str) -> str:
    """Addresses, or names: of either kind all."""
    try:
        return _v4(value)
    except ValueError:
        return _domains(value)


def _routes(value: str) -> str:
    parts = _items(value)
    if len(parts) % 2:
        raise ValueError
    pairs = [
        (inet.ip_network(to, strict=False), inet.ip_address(by)) for to, by in zip(parts[::2], parts[1::2], strict=True)
    ]
    if any(one.version != 4 for pair in pairs for one in pair):
        raise ValueError
    return ",".join(f"{to},{by}" for to, by in pairs)


_ADDRESSES = (_v4, _("a list of IPv4 addresses"))
_ADDRESSES6 = (_v6, _("a list of IPv6 addresses"))
_BYTE = (_number(1), _("a whole number below 256"))
_WORD = (_number(2), _("a whole number below 65536"))
_LONG = (_number(4), _("a whole number below 4294967296"))
_BOOL = (_flag, _("0 or 1"))
_SECONDS = (_time, _("a time in seconds"))
_TEXT = (_text, "")
_ENCAPSULATED = (_bytes_or_text, _("bytes like 01:02:ff, or a text"))
_NAMES = (_domains, _("a list of domain names"))
_SERVERS = (_servers, _("a list of IPv4 addresses or of domain names"))
_ROUTES = (_routes, _("pairs of a range and an address, like 10.0.0.0/8,192.0.2.1"))

Kind = tuple[Check, object]
#: number → (name, type). The first spelling is the one that is shown by `dnsmasq --help dhcp`.
V4: dict[int, tuple[str, Kind]] = {
    1: ("netmask", _ADDRESSES), 2: ("time-offset", _LONG), 3: ("router", _ADDRESSES), 6: ("dns-server", _ADDRESSES),
    7: ("log-server", _ADDRESSES), 9: ("lpr-server", _ADDRESSES), 12: ("hostname", _NAMES), 13: ("boot-file-size", _WORD),
    15: ("domain-name", _NAMES), 16: ("swap-server", _ADDRESSES), 17: ("root-path", _TEXT), 18: ("extension-path", _TEXT),
    19: ("ip-forward-enable", _BOOL), 20: ("non-local-source-routing", _BOOL), 21: ("policy-filter", _ADDRESSES),
    22: ("max-datagram-reassembly", _WORD), 23: ("default-ttl", _BYTE), 26: ("mtu", _WORD), 27: ("all-subnets-local", _BOOL),
    28: ("broadcast", _ADDRESSES), 31: ("router-discovery", _BOOL), 32: ("router-solicitation", _ADDRESSES),
    33: ("static-route", _ADDRESSES), 34: ("trailer-encapsulation", _BOOL), 35: ("arp-timeout", _LONG),
    36: ("ethernet-encap", _BOOL), 37: ("tcp-ttl", _BYTE), 38: ("tcp-keepalive", _LONG), 40: ("nis-domain", _TEXT),
    41: ("nis-server", _ADDRESSES), 42: ("ntp-server", _ADDRESSES), 43: ("vendor-encap", _ENCAPSULATED), 44: ("netbios-ns", _ADDRESSES),
    45: ("netbios-dd", _ADDRESSES), 46: ("netbios-nodetype", _BYTE), 47: ("netbios-scope", _TEXT),
    48: ("x-windows-fs", _ADDRESSES), 49: ("x-windows-dm", _ADDRESSES), 58: ("t1", _SECONDS), 59: ("t2", _SECONDS),
    60: ("vendor-class", _TEXT), 64: ("nis+-domain", _TEXT), 65: ("nis+-server", _ADDRESSES), 66: ("tftp-server", _TEXT),
    67: ("bootfile-name", _TEXT), 68: ("mobile-ip-home", _ADDRESSES), 69: ("smtp-server", _ADDRESSES),
    70: ("pop3-server", _ADDRESSES), 71: ("nntp-server", _ADDRESSES), 74: ("irc-server", _ADDRESSES),
    77: ("user-class", _TEXT), 93: ("client-arch", _WORD), 94: ("client-interface-id", _TEXT),
    97: ("client-machine-id", _TEXT), 100: ("posix-timezone", _TEXT), 101: ("tzdb-timezone", _TEXT), 108: ("ipv6-only", _LONG),
    119: ("domain-search", _NAMES), 120: ("sip-server", _SERVERS), 121: ("classless-static-route", _ROUTES),
    125: ("vendor-id-encap", _TEXT), 150: ("tftp-server-address", _ADDRESSES), 255: ("server-ip-address", _ADDRESSES),
}  # fmt: skip
V6: dict[int, tuple[str, Kind]] = {
    21: ("sip-server-domain", _NAMES), 22: ("sip-server", _ADDRESSES6), 23: ("dns-server", _ADDRESSES6),
    24: ("domain-search", _NAMES), 27: ("nis-server", _ADDRESSES6), 28: ("nis+-server", _ADDRESSES6),
    29: ("nis-domain", _NAMES), 30: ("nis+-domain", _NAMES), 31: ("sntp-server", _ADDRESSES6),
    32: ("information-refresh-time", _SECONDS), 41: ("posix-timezone", _TEXT), 42: ("tzdb-timezone", _TEXT),
    56: ("ntp-server", _ADDRESSES6), 59: ("bootfile-url", _TEXT), 60: ("bootfile-param", _TEXT),
}  # fmt: skip
TABLES = {4: V4, 6: V6}
NUMBERS = {version: {name: number for number, (name, _kind) in table.items()} for version, table in TABLES.items()}
#: Options by which the server describes itself and the exchange (RFC 2132 9): no port may change them.
OURS = frozenset({0, 50, 51, 52, 53, 54, 55, 56, 57, 61, 80, 81, 82, 118})


class Option(TypedDict):
    """One option as it is kept and shown."""

    opt_name: str
    opt_value: str
    ip_version: int


def checked(options: Iterable[Mapping[str, object]]) -> list[Option]:
    """Options as Neutron shows them; a null value removes an option, so it is left out. Raises: InvalidInput, BadValue."""
    found: list[Option] = []
    for option in options:
        name, value, version = option.get("opt_name"), option.get("opt_value"), str(option.get("ip_version") or 4)
        if not isinstance(name, str) or not NAME.fullmatch(name) or version not in ("4", "6"):
            raise InvalidInput(reason=_("'%(name)s' is not a DHCP option"), name=name)
        known = any(name.lower() in names for names in NUMBERS.values())
        if not known and not (is_whole(name) and len(name) <= 3 and 1 <= int(name) <= 254 and int(name) not in OURS):
            raise InvalidInput(reason=_("'%(name)s' is not a DHCP option that this cloud knows"), name=name)
        if value is None:
            continue
        if not isinstance(value, str) or not VALUE.fullmatch(value):
            raise InvalidInput(
                reason=_("the value of DHCP option '%(name)s' must be 1 to 255 printable ASCII characters"), name=name
            )
        _check_value(name, value, int(version))
        found.append({"opt_name": name, "opt_value": value, "ip_version": int(version)})
    if len(found) > MAX_OPTIONS:
        raise InvalidInput(reason=_("a port has at most %(most)s extra DHCP options"), most=MAX_OPTIONS)
    return found


def _check_value(name: str, value: str, version: int) -> None:
    """An address of the other IP version is kept and shown, as in Neutron, and never served: on networks with IPv6 alone
    clients leave `ip_version` at its default of 4. Raises: BadValue.
    """
    try:
        parsed(name, value, version)
    except BadValue:
        try:
            (_v6 if version == 4 else _v4)(value)
        except ValueError:
            pass
        else:
            return
        raise


def parsed(name: str, value: str, version: int) -> tuple[int, str] | None:
    """Return the number of an option and its value in dnsmasq's spelling; None for one that this IP version does not have.

    Raises: BadValue.
    """
    number = int(name) if is_whole(name) else NUMBERS[version].get(name.lower())
    if number is None or (version == 6 and number not in V6):
        return None
    check, wanted = TABLES[version][number][1] if number in TABLES[version] else _TEXT
    try:
        return number, check(value)
    except ValueError:
        raise BadValue(name=name, value=value, wanted=wanted) from None


def merged(present: list[Option], asked: Sequence[Mapping[str, object]]) -> list[Option]:
    """New options replace those of the same name and version; a null value removes one. Raises: as `checked`."""
    new = checked(asked)
    named = {(option.get("opt_name"), str(option.get("ip_version") or 4)) for option in asked}
    kept = [option for option in present if (option["opt_name"], str(option["ip_version"])) not in named]
    if len(kept) + len(new) > MAX_OPTIONS:
        raise InvalidInput(reason=_("a port has at most %(most)s extra DHCP options"), most=MAX_OPTIONS)
    return kept + new


def served(options: Iterable[Option], versions: set[int]) -> list[Option]:
    """Choose the options that the DHCP server of a port with addresses of these IP versions hands out.

    IPv4 ones by number, IPv6 ones by name, which is how agents take them. One that was stored before values had types is
    left out when it has a wrong one.
    """
    found: list[Option] = []
    for option in options:
        try:
            one = parsed(option["opt_name"], option["opt_value"], option["ip_version"])
        except BadValue:
            continue
        if one is None or option["ip_version"] not in versions or one[0] in OURS:
            continue
        name = V6[one[0]][0] if option["ip_version"] == 6 else str(one[0])
        if "+" not in name:
            found.append({"opt_name": name, "opt_value": one[1], "ip_version": option["ip_version"]})
    return found
