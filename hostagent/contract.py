"""What control and a host agent say to each other: orders, reports, and their seal.

Both sides import this module, envelope.py and broker.py, and nothing else of each other. Every message is a JSON object that
only the host's key opens or makes (hex, 32 bytes, made at enrolment).

Version 2, which both speak once they know it of each other (envelope.py seals it whole, so the broker reads nothing)::

    {"v": 2, "host": "host1", "nonce": "<24 hex>", "box": "<base64>"}

In the box of an order (control → queue ``host.<name>`` or ``host.<name>.bulk``, Celery task ``hostagent.order``)::

    {"host": "host1", "verb": "server.ensure", "operation": "<id>|''", "step": "start_domain", "flow": "server.boot", "cloud": Cloud,
     "subject": "server:<id>", "generation": 3, "deadline": 120, "sent": 1763900000.0, "expires": 1763900060.0,
     "turn": 1763899999.9, "body": {...}}

and, where control traces (STACKLING_OTLP_ENDPOINT), ``traceparent``: the W3C Trace Context of the step that asks.

In the box of a report (agent → queue ``control``, Celery task ``operations.report``; heartbeats: HEARTBEAT_QUEUE)::

    {"host": "host1", "boot": "<id>", "kind": "done", "operation": ..., "step": ..., "generation": 3, "subject": ...,
     "sent": ..., "seq": 1763900000000000, "body": {...}}

``sent`` and ``expires`` are unix seconds by control's clock, which an agent learns from the answer to its hello. An order is
done once (its nonce is remembered beyond the agent's restart), not after ``expires``, and not when an order of a later
``turn`` for the same server was done: ``turn`` is when its step was asked, by control's clock. ``seq`` grows with each report
of a host, over restarts too: a report that is not newer is a replay.

Version 1 is what agents spoke first: the order or report itself with ``"v": 1`` and a ``seal``, an HMAC over its
canonical form; no ``expires``, ``turn`` or ``seq``. Control accepts both and sends 2 to hosts whose hello says
``"speaks": 2``; an agent says hello in version 1, which any control reads, and speaks 2 once it was welcomed in 2.
STACKLING_AGENT_CONTRACT=2 refuses version 1 on both sides (but a hello).

Report kinds:

``done``       body = the verb's answer (see VERBS); this, ``failed`` and ``working`` only to orders of an operation
``failed``     body = {"code": "<FailureCode>", "data": {...}}: code and data, never prose
``working``    body = {"progress": 0.0–1.0 | null}; within 2 s of the order and every 5 s after
``hello``      the agent started; a new boot id; control asks again every step outstanding on that host.
               body = {"speaks": 2, "challenge": "<hex>"}
``heartbeat``  each 5 s; body = {"seconds_up": float, "others": what it was told last, "agent": AgentFigures}, and {"speaks", "challenge"} while the
               agent wants to be welcomed (again)
``inventory``  each 60 s or on change; body = Inventory
``network``    body = {"hashes": {piece: hash}, "failed": {piece: FailureBody}}: what this host's network now is
``event``      body = {"event": name, "server_id" | "port_id": id, "at": unix seconds, ...}: a fact of a guest, or of the agent
               itself, see EVENTS
``stats``      each 30 s; body = {"servers": {server_id: ServerStats}}

A challenge is answered by the order ``host.welcome`` (WELCOME), which is no verb: nothing is done or reported.
body = {"challenge": the host's, "time": unix seconds, "others": whether another host could take this one's routers}. Without a
challenge it comes when a heartbeat is wrong about the others; it then has an end and a nonce as every order.
"""

import hashlib
import hmac
import json
from typing import Any, Final, Literal, NotRequired, TypedDict

VERSION: Final = 2
ACCEPTED_VERSIONS: Final = (1, 2)

ORDER_TASK: Final = "hostagent.order"
REPORT_TASK: Final = "operations.report"
CONTROL_QUEUE: Final = "control"
HEARTBEAT_QUEUE: Final = "control.heartbeats"  # plain messages, no Celery task: one thread of control reads them
WELCOME: Final = "host.welcome"

WORKING_FIRST: Final = 2.0  # seconds: an agent says `working` this soon after an order
WORKING_EVERY: Final = 5.0
SILENCE: Final = 12.0  # seconds without a word about a step before control asks again
HEARTBEAT_EVERY: Final = 5.0
HEARTBEAT_COUNTS: Final = 20.0  # seconds after which a heartbeat is no sign of life any more
INVENTORY_EVERY: Final = 60.0
STATS_EVERY: Final = 30.0
ORDER_LIFE: Final = 60.0  # seconds in which an order must have arrived; control asks again what still counts
WINDOW: Final = 60.0  # seconds by which the two clocks may differ


def host_queue(host: str, *, bulk: bool = False) -> str:
    return f"host.{host}.bulk" if bulk else f"host.{host}"


def canonical(message: dict[str, Any]) -> bytes:
    """The bytes a seal covers: the message without its seal, keys sorted, no spaces, UTF-8."""
    body = {k: v for k, v in message.items() if k != "seal"}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def seal(message: dict[str, Any], key: str) -> dict[str, Any]:
    """Version 1: the message with its seal. `key` is the host's key in hex."""
    return {**message, "seal": hmac.new(bytes.fromhex(key), canonical(message), hashlib.sha256).hexdigest()}


def is_sealed(message: dict[str, Any], key: str) -> bool:
    want = hmac.new(bytes.fromhex(key), canonical(message), hashlib.sha256).hexdigest()
    return hmac.compare_digest(str(message.get("seal", "")).encode(), want.encode())


def http_seal(key: str, method: str, path: str, at: str) -> str:
    """Version 1 of the `X-Stackling-Seal` of an agent's HTTP request to control's /internal/ paths.

    Sent with `X-Stackling-Host` (its name) and `X-Stackling-Time` (unix seconds as text; refused beyond 60 s of skew).
    `path` holds the query string. A guest's metadata request goes to /internal/metadata/<its path> and says, besides, in
    `X-Stackling-Client` the guest's address and in `X-Stackling-Network` or `X-Stackling-Router` (an id) where it was asked.
    Version 2, which covers all of that and the body, and counts once: envelope.http_seal.
    """
    return hmac.new(bytes.fromhex(key), f"{method}\n{path}\n{at}".encode(), hashlib.sha256).hexdigest()


#: The long lists of pieces: the list's name → what names an item of it ("": the item itself). In a body they are in that order.
LISTS: Final = {"peers": "", "remote": "mac", "hosts": "port_id", "members": ""}
PIECE_CHANGES: Final = "network.piece_changes"  # the capability of an agent that takes a PieceChange


def item_digest(item: Any) -> int:
    """The share of one item of a long list in its piece's hash."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:16], "big")


def summed_hash(fixed: dict[str, Any], sums: dict[str, int]) -> str:
    """The hash of a body whose long lists add up to these sums: one more item costs one digest, not a new reading."""
    whole = {**fixed, **{name: f"{total:032x}" for name, total in sums.items()}}
    return hashlib.sha256(canonical(whole)).hexdigest()[:32]


def piece_hash(body: dict[str, Any]) -> str:
    """The hash by which control and agent compare one piece of wanted network state. An agent gives it back as it came."""
    sums = {name: sum(map(item_digest, body[name])) % (1 << 128) for name in LISTS if name in body}
    return summed_hash({name: value for name, value in body.items() if name not in LISTS}, sums)


def changed_body(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A body after a PieceChange. Raises: KeyError, TypeError for a change that is none."""
    changed = {**body, **change["set"]}
    for name, items in change["lists"].items():
        key = LISTS[name]
        put = {(item[key] if key else item): item for item in items["put"]}
        gone = put.keys() | set(items["drop"])
        kept = [item for item in body.get(name) or () if (item[key] if key else item) not in gone]
        changed[name] = sorted([*kept, *put.values()], key=lambda item: item[key] if key else item)
    return changed


# ── Names on a host (15 characters at most for an interface) ────────────────────────────────────────────────────────


def tap_name(port_id: str) -> str:
    return f"tap{port_id[:11]}"


def bridge_name(network_id: str) -> str:
    return f"brq{network_id[:11]}"


def router_namespace(router_id: str) -> str:
    return f"qrouter-{router_id}"


def dhcp_namespace(network_id: str) -> str:
    return f"qdhcp-{network_id}"


# ── Verbs and what they carry ───────────────────────────────────────────────────────────────────────────────────────


class ImageSource(TypedDict):
    """Where an agent reads an image. `path` is an internal HTTP path on control (see hostagent/control_link.py)."""

    id: str
    checksum: str  # sha512 hex of the bytes as stored
    size: int  # bytes as stored
    disk_format: str  # "raw" | "qcow2" | …: what the bytes are; QEMU never probes
    path: str  # e.g. /internal/images/<id>


class DiskEnsure(TypedDict):
    """`disk.ensure` (bulk) → {"seconds": float, "cached": bool, "path": str}: the root disk of a server exists."""

    server_id: str
    image: ImageSource | None  # None: an empty disk
    size_gib: int  # 0: as large as the image
    #: Makes no disk: the disk as it was before `disk.resize` grew it takes the root disk's place again, or is removed.
    kept: NotRequired[Literal["back", "gone"]]


class PortSpec(TypedDict):
    port_id: str
    network_id: str
    mac: str
    mtu: int


class DiskSpec(TypedDict):
    """One disk of a domain. The root disk has source {"kind": "root"}."""

    device: str  # vda, vdb…
    serial: str  # at most 20 characters; how the guest finds it
    #: {"kind": "root"} | {"kind": "file", "path":…, "format":…} | {"kind": "rescue"}
    #: | {"kind": "blank", "name":…, "size_mib":…, "content": "ext4"|"swap"}: made with the domain, goes with its disks
    source: dict[str, Any]
    bus: NotRequired[str]


class ServerSpec(TypedDict):
    """`server.ensure` → {"state": State, "vnc": unix socket path, "serial": unix socket path, "seconds": float}.

    The domain is defined as described, and running unless `power` is "off". Repeating it changes nothing.
    """

    server_id: str
    name: str  # instance-<8 hex>: the domain's name
    vcpus: int
    memory_mib: int
    ports: list[PortSpec]
    disks: list[DiskSpec]
    power: str  # "on" | "off"
    machine: NotRequired[str]
    config_drive: NotRequired[dict[str, str] | None]  # file name → base64 content; an ISO labelled config-2
    metadata: NotRequired[
        dict[str, Any]
    ]  # what control knows of the server, kept beside its disks; no part of the domain
    kernel: NotRequired[ImageSource | None]
    ramdisk: NotRequired[ImageSource | None]
    cmdline: NotRequired[str]


class Cloud(TypedDict):
    """Which database an order comes from, and how far that had come: what a host remembers (hostagent/seen.py).

    A `life` begins with each start of the cloud; `count` grows within it, at most once a minute, before an order leaves.
    """

    id: str
    life: str
    count: int


class Note(TypedDict):
    """What lies beside a thing that was set aside (<host data>/setaside/<id>/note.json)."""

    id: str
    kind: str  # "server" | "network"
    key: str  # the server's id, or the piece (network:<id>, dhcp:<id>, router:<id> …)
    why: str
    at: float  # unix seconds
    until: float  # when the agent removes it
    state: str  # what the domain was: contract.STATES
    xml: str  # the domain as libvirt had it; empty where there was none
    record: dict[str, Any]  # what control last said of the server (ServerSpec's metadata), or the piece's body
    files: list[str]


VERBS: Final[dict[str, dict[str, Any]]] = {
    # verb: bulk?, what its body must hold, what its answer holds. "secret": what of its body only its host may read; version 2
    # seals every body whole, version 1 shows it to whoever reads the broker.
    "disk.ensure": {"bulk": True, "needs": ("server_id", "image", "size_gib")},
    "disk.remove": {"bulk": False, "needs": ("server_id",)},  # root disk, config drive, console log
    "disk.resize": {"bulk": True, "needs": ("server_id", "size_gib")},
    "server.ensure": {
        "bulk": False,
        "needs": ("server_id", "name", "vcpus", "memory_mib", "ports", "disks", "power"),
        "secret": ("config_drive",),  # user data, admin passwords, keys
    },
    "server.remove": {"bulk": False, "needs": ("server_id",)},  # destroy and undefine; absent is success
    "server.start": {"bulk": False, "needs": ("server_id",)},
    "server.stop": {"bulk": False, "needs": ("server_id", "timeout")},  # ACPI, then by force after timeout seconds
    "server.reboot": {"bulk": False, "needs": ("server_id", "hard")},
    "server.pause": {"bulk": False, "needs": ("server_id",)},
    "server.unpause": {"bulk": False, "needs": ("server_id",)},
    "server.suspend": {"bulk": True, "needs": ("server_id",)},  # managed save
    "server.resume": {"bulk": True, "needs": ("server_id",)},
    "server.attach_port": {"bulk": False, "needs": ("server_id", "port")},
    "server.detach_port": {"bulk": False, "needs": ("server_id", "port")},
    "server.attach_disk": {"bulk": False, "needs": ("server_id", "disk")},
    "server.detach_disk": {"bulk": False, "needs": ("server_id", "disk")},
    # live external snapshot, convert to qcow2, PUT to upload_path on control, commit back
    # → {"size": bytes, "checksum": sha512, "virtual_size": bytes, "seconds": float}
    "server.snapshot": {"bulk": True, "needs": ("server_id", "image_id", "upload_path")},
    "server.read": {"bulk": False, "needs": ("server_id",)},  # → {"state": State | "absent"}
    "host.read": {
        "bulk": False,
        "needs": (),
    },  # → {"servers": {id: State}, "disks": [id], "taps": [...], "namespaces": [...], "setaside": [Note, without xml…]}
    # Pieces that are neither in `pieces` nor in `remove` of a full one, and those in `aside` (optional), are set aside; where
    # they are many they stay, unless `allowed` (optional: an operator's word)
    "network.apply": {"bulk": False, "needs": ("full", "pieces", "remove"), "pool": "network"},
    # Stop a server that nobody knows, take its domain away and move its files to <host data>/setaside. → Note, or {} where
    # nothing of it is here
    "setaside.put": {"bulk": True, "needs": ("server_id", "why")},
    "setaside.list": {"bulk": False, "needs": ()},  # → {"items": [Note, …]}
    # What is set aside is the server's again: its files in their place, its domain defined, not running. → Note
    "setaside.back": {"bulk": False, "needs": ("server_id", "id")},
    "setaside.drop": {"bulk": False, "needs": ("id",)},  # absent is success
    # → {"servers": {id: {"state", "xml", "record", "files"}}}: what is known here of these, as a Note would say it
    "server.describe": {"bulk": False, "needs": ("server_ids",)},
    "host.recognise": {"bulk": False, "needs": ("cloud",)},  # an operator's word: this database counts from now on
}

#: What a host answers to any database: nothing changes by it, or it is the word that settles which one counts.
READS: Final = frozenset({"server.read", "host.read", "setaside.list", "server.describe", "host.recognise"})
SETASIDE_DAYS: Final = 14  # how long an agent keeps what was set aside
FEW: Final = 2  # so many things that nobody knows are set aside unasked
SHARE: Final = 0.05  # or so large a part of what a host has


def is_many(unknown: int, have: int) -> bool:
    """Whether what nobody knows is too much of what a host has to be touched without an operator's word."""
    return unknown > FEW and unknown > SHARE * have


#: The states an agent reports of a domain.
STATES: Final = ("running", "paused", "shutoff", "saved", "crashed", "absent")

#: Facts of guests that a host notices by itself. Times are of the fact, not of its report.
EVENTS: Final = (
    "lease",  # an address was leased: port_id, mac, ip        (dnsmasq's dhcp-script)
    "metadata",  # first signed metadata request: server_id       (the metadata proxy)
    "login",  # a login prompt was seen on the serial port: server_id
    "state",  # a domain changed by itself: server_id, state
    "log",  # the serial log grew: server_id, size
)

#: Facts of the agent itself. Control keeps the last of each with its count (Host.trouble).
AGENT_EVENTS: Final = (
    "refused",  # an order was not done: why ("replayed" | "late" | "early" | "forged" | "old version"), verb, count, skew (s)
    "thread",  # a thread of the agent died and was started again: name, count, detail
    "parked",  # a report could not be encoded and stays on the host: kind, detail
    "clock",  # the host's clock is off: skew (s, positive: ahead of control's)
    "isolated",  # external legs and floating addresses were given up, or could not be: done (bool), detail
)

FAILURES: Final = (
    "image_corrupt",  # data: image_id, want, have
    "image_unreachable",  # data: image_id, detail
    "no_space",  # data: path, need (bytes), have (bytes)
    "hypervisor_down",  # data: detail
    "hypervisor_refused",  # data: detail
    "network_refused",  # data: piece, detail
    "not_found",  # data: what, id
    "timed_out",  # data: seconds
    "unsupported",  # data: what, driver
    "stale",  # data: have, got (generations)
    "estranged",  # data: have, got (Cloud): this host has served a newer database, or another one
    "internal",  # data: detail (class name and message of the exception)
)


class Failure(Exception):
    """A verb that could not be done, as code and data. Control turns it into a sentence."""

    def __init__(self, code: str, **data: Any) -> None:
        assert code in FAILURES, code
        super().__init__(code, data)
        self.code = code
        self.data = data


class AgentFigures(TypedDict):
    """How an agent is. Agents that say nothing of it are as good as any."""

    jobs: dict[str, int]  # pool of threads → orders that run or wait
    reports: int  # that wait for the broker
    parked: int  # that could not be encoded
    deaths: int  # of threads that were started again
    hypervisor_up: bool
    disk_free: int  # bytes, where the host keeps its guests
    disk_size: int
    set_aside: int  # things that nobody knows


class Inventory(TypedDict):
    """What a host is and has."""

    hostname: str
    vcpus: int
    memory_mib: int  # usable for guests, the host's own share already taken off
    disk_gib: int
    disk_free_gib: int
    image_cache_gib: NotRequired[int]  # of disk_gib, what the host's image cache may take
    hypervisor: str  # "QEMU"
    hypervisor_version: int  # libvirt's number: major * 1_000_000 + minor * 1000 + release
    cpu_model: str
    cpu_arch: str
    acceleration: str  # "kvm" | "tcg"
    acceleration_reason: str
    drivers: dict[str, str]  # {"hypervisor": "libvirt", "network": "linux_bridge", "storage": "file"}
    capabilities: list[str]  # what the drivers can do; a scheduler filter and a readable 409
    underlay_ip: str  # where VXLAN peers reach this host
    version: str


# ── Wanted network state: piece key → {"hash": piece_hash(body), "body": body} ──────────────────────────────────────
#
# network:<id>  {"id", "kind": "vxlan"|"vlan"|"flat"|"local", "segment": int|None, "physical": str|None, "mtu": int,
#                "zone": int (conntrack zone, 1–65535), "peers": [underlay ip of every other host with this network],
#                "remote": [{"mac", "ips": [...], "host_ip"}]}
# dhcp:<id>     of a network whose DHCP lives on this host:
#               {"network_id", "port_id", "mac", "mtu", "domain",
#                "subnets": [{"id", "cidr", "gateway"|None, "dns": [...], "routes": [{"destination","nexthop"}],
#                             "ip" (the DHCP port's own), "ip_version", "ipv6_mode"|None}],
#                "hosts": [{"port_id", "mac", "ips": [{"subnet_id", "ip"}], "hostname",
#                          "options" (if any): [{"opt_name", "opt_value", "ip_version"}]}],
#                "metadata": true}
# port:<id>     a guest's port on this host:
#               {"id", "network_id", "mac", "ips": [ip], "groups": [group ids], "pairs": [{"ip", "mac"}],
#                "security": bool, "up": bool}
# group:<id>    {"id", "rules": [{"id", "direction": "ingress"|"egress", "ethertype": "IPv4"|"IPv6", "protocol": str|None,
#                "min": int|None, "max": int|None, "cidr": str|None, "group": id|None}],
#                "members": [ip, …] (addresses of all ports in it, every host)}
# router:<id>   of a router that lives on this host:
#               {"id", "up": bool, "snat": bool,
#                "external": {"network_id", "port_id", "mac", "ips": [{"ip", "prefix"}], "gateway"} | None,
#                "interfaces": [{"port_id", "network_id", "mac", "ips": [{"ip", "prefix"}], "mtu",
#                                "ra": [IPv6 prefix, …] (optional: where the router announces itself to guests)}],
#                "floating": [{"id", "ip", "fixed_ip"}], "routes": [{"destination", "nexthop"}], "metadata": true}
#
# An external network is kind "flat", physical "public": its legs plug into the host's external bridge `br-ex`.

# To an agent whose capabilities name PIECE_CHANGES a piece may also come as the difference to the one it has, a
# PieceChange: {"hash": of the result, "from": the hash it is a difference to, "set": {field: value},
#                "lists": {list: {"put": [items], "drop": [keys]}}}. An agent whose piece has another hash leaves it as it is;
# its report says so, and control sends the whole.

PIECE_KINDS: Final = ("network", "dhcp", "port", "group", "router")
