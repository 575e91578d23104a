"""The desired network of a host, piece by piece; the verb that sends it; and the names that both sides give things.

Wanted state: piece key → {"hash": piece_hash(body), "body": body}. Bodies by kind of piece:

network:<id>  {"id", "kind": "vxlan"|"vlan"|"flat"|"local", "segment": int|None, "physical": str|None, "mtu": int,
               "zone": int (conntrack zone, 1–65535), "peers": [underlay ip of every other host with this network],
               "remote": [{"mac", "ips": [...], "host_ip"}]}
dhcp:<id>     of a network whose DHCP lives on this host:
              {"network_id", "port_id", "mac", "mtu", "domain",
               "subnets": [{"id", "cidr", "gateway"|None, "dns": [...], "routes": [{"destination","nexthop"}],
                            "ip" (the DHCP port's own), "ip_version", "ipv6_mode"|None}],
               "hosts": [{"port_id", "mac", "ips": [{"subnet_id", "ip"}], "hostname",
                         "options" (if any): [{"opt_name", "opt_value", "ip_version"}]}],
               "metadata": true}
port:<id>     a guest's port on this host:
              {"id", "network_id", "mac", "ips": [ip], "groups": [group ids], "pairs": [{"ip", "mac"}],
               "security": bool, "up": bool}
group:<id>    {"id", "rules": [{"id", "direction": "ingress"|"egress", "ethertype": "IPv4"|"IPv6", "protocol": str|None,
               "min": int|None, "max": int|None, "cidr": str|None, "group": id|None}],
               "members": [ip, …] (addresses of all ports in it, every host)}
router:<id>   of a router that lives on this host:
              {"id", "up": bool, "snat": bool,
               "external": {"network_id", "port_id", "mac", "ips": [{"ip", "prefix"}], "gateway"} | None,
               "interfaces": [{"port_id", "network_id", "mac", "ips": [{"ip", "prefix"}], "mtu",
                               "ra": [IPv6 prefix, …] (optional: where the router announces itself to guests)}],
               "floating": [{"id", "ip", "fixed_ip"}], "routes": [{"destination", "nexthop"}], "metadata": true}

An external network is kind "flat", physical "public": routers' gateway ports plug into the host's external bridge.
"""

import hashlib
import json
from typing import Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from hostagent.contract import capabilities
from hostagent.contract.failures import FailureBody
from hostagent.contract.messages import canonical
from hostagent.contract.verb import Nothing, Serial, Verb

#: The long lists of pieces: the list's name → what names an item of it ("": the item itself). In a body they are in that order.
LISTS: Final = {"peers": "", "remote": "mac", "hosts": "port_id", "members": ""}
PIECE_CHANGES: Final = capabilities.PIECE_CHANGES.name

# ── Hashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def item_digest(item: object) -> int:
    """Return the share of one item of a long list in its piece's hash."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:16], "big")


def summed_hash(fixed: dict[str, object], sums: dict[str, int]) -> str:
    """Return the hash of a body whose long lists add up to these sums: one more item costs one digest, not a new reading."""
    whole = {**fixed, **{name: f"{total:032x}" for name, total in sums.items()}}
    return hashlib.sha256(canonical(whole)).hexdigest()[:32]


def piece_hash(body: dict[str, Any]) -> str:
    """Hash one piece of wanted network state, for control and agent to compare. An agent gives it back as it came."""
    sums = {name: sum(map(item_digest, body[name])) % (1 << 128) for name in LISTS if name in body}
    return summed_hash({name: value for name, value in body.items() if name not in LISTS}, sums)


# ── Pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Piece(TypedDict):
    """One piece with its whole body."""

    hash: str
    body: dict[str, Any]


#: To an agent whose capabilities name PIECE_CHANGES a piece may also come as the difference to the one it has. An agent whose
#: piece has another hash than `from` leaves it as it is; its report says so, and control sends the whole.
#: `lists`: {list: {"put": [items], "drop": [keys]}}
PieceChange = TypedDict("PieceChange", {"hash": str, "from": str, "set": dict[str, object], "lists": dict[str, object]})


def changed_body(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a body after a PieceChange. Raises: KeyError, TypeError for a change that is none."""
    changed = {**body, **change["set"]}
    for name, items in change["lists"].items():
        key = LISTS[name]
        put = {(item[key] if key else item): item for item in items["put"]}
        gone = put.keys() | set(items["drop"])
        kept = [item for item in body.get(name) or () if (item[key] if key else item) not in gone]
        changed[name] = sorted([*kept, *put.values()], key=lambda item: item[key] if key else item)
    return changed


class NetworkApply(TypedDict):
    full: bool
    pieces: dict[str, object]  # key → Piece or PieceChange; the host makes these so
    remove: list[str]  # and these be gone
    #: Pieces that are neither in `pieces` nor in `remove` of a full one, and these, are set aside; where they are many
    #: (setaside.is_many) they stay, unless `allowed`, an operator's word.
    aside: NotRequired[list[str]]
    allowed: NotRequired[bool]
    #: What came of these pieces is reported (`network_change`), not all that the host has (`network`). An agent that does
    #: not know the word reports all.
    only_change: NotRequired[bool]


class NetworkState(TypedDict):
    """The report `network`: all that a host's network now is. At the agent's start, and where it was asked for."""

    hashes: dict[str, str]  # piece → hash of it as it stands; what does not stand is missing
    failed: dict[str, FailureBody]  # piece → why it does not
    left_out: NotRequired[dict[str, str]]  # port → why the DHCP server here serves it without the options it asks for


class NetworkChange(TypedDict):
    """The report `network_change`: the pieces that a cast named, and all that does not stand, as they now are."""

    hashes: dict[str, str]  # piece → hash of it as it stands; "": it does not, or is not there
    failed: dict[str, FailureBody]  # of these, piece → why it does not
    left_out: dict[str, str]  # of the DHCP servers among these, as in NetworkState


#: The cast belongs to no operation: what came of it is a report. A piece that cannot be made fails there.
NETWORK_APPLY: Final = Verb("network.apply", NetworkApply, Nothing, fails=("network_refused",), pool="network")


#: What trying a TCP port found: it was opened · the guest refused it · nothing came in time · there is no such router here.
Found = Literal["open", "refused", "silent", "unknown"]


class Probed(NamedTuple):
    """What trying a TCP port found, and the first line that came of itself."""

    found: Found
    said: str = ""


class PortProbe(TypedDict):
    """Try a TCP port of a guest from the router that leads to it."""

    port_id: str
    router_id: str
    ip: str
    number: int


#: The cast belongs to no operation: what came of it is an event (`probed`).
PORT_PROBE: Final = Verb("port.probe", PortProbe, Nothing, serial=Serial("router", "router_id"))

# ── Names on a host (15 characters at most for an interface) ────────────────────────────────────────────────────────


def tap_name(port_id: str) -> str:
    return f"tap{port_id[:11]}"


def bridge_name(network_id: str) -> str:
    return f"brq{network_id[:11]}"


def router_namespace(router_id: str) -> str:
    return f"qrouter-{router_id}"


def dhcp_namespace(network_id: str) -> str:
    return f"qdhcp-{network_id}"
