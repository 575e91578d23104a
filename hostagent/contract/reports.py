"""Reports of agents: their kinds, how long each counts, and the facts that a host notices by itself."""

from enum import StrEnum
from typing import Final

from hostagent.contract.messages import CONTROL_QUEUE, HEARTBEAT_QUEUE, SAMPLES_QUEUE, SILENCE
from hostagent.contract.samples import SAMPLES_KEPT

WORKING_FIRST: Final = 2.0  # seconds: an agent says `working` this soon after a cast
WORKING_EVERY: Final = 5.0
HEARTBEAT_EVERY: Final = 5.0
HEARTBEAT_COUNTS: Final = 20.0  # seconds after which a heartbeat is no sign of life any more
INVENTORY_EVERY: Final = 60.0


class Kind(StrEnum):
    """Kinds of reports, and their bodies."""

    DONE = "done"  # the verb's answer
    FAILED = "failed"  # failures.FailureBody
    WORKING = "working"  # {"progress": 0.0–1.0 | null}; within 2 s of the cast and every 5 s after
    #: The agent started, with a new boot id: {"speaks": 2, "challenge": "<hex>", "cloud": host.Cloud | null, "drivers":
    #: capabilities.Drivers (missing: an agent of before 0118)}
    HELLO = "hello"
    #: {"others": what it was told last, "cloud", "agent": host.AgentFigures}; and {"speaks", "challenge"} while the agent
    #: wants to be welcomed (again)
    HEARTBEAT = "heartbeat"
    INVENTORY = "inventory"  # host.Inventory; each 60 s or on change
    NETWORK = "network"  # network.NetworkState
    NETWORK_CHANGE = "network_change"  # network.NetworkChange; only sent to control that asks for it
    EVENT = "event"  # {"event": an Event, "server_id" | "port_id": id, "at": unix seconds, …}
    STATS = "stats"  # samples.Samples; each 10 s, and what could not be sent before


#: Kinds that reply to a cast of an operation. Control casts every outstanding step again at a hello.
ANSWERS: Final = frozenset({Kind.DONE, Kind.FAILED, Kind.WORKING})
#: Seconds after which a report of a kind says nothing any more, and is dropped; others count whenever they come.
LIFE: Final[dict[str, float]] = {
    Kind.HEARTBEAT: HEARTBEAT_COUNTS, Kind.WORKING: SILENCE, Kind.STATS: SAMPLES_KEPT,
}  # fmt: skip
#: Kinds that come by a queue of their own, in version 2: many, small, and nothing else waits for them.
QUEUES: Final[dict[str, str]] = {Kind.HEARTBEAT: HEARTBEAT_QUEUE, Kind.STATS: SAMPLES_QUEUE}
#: Kinds of which only the newest report counts: while the broker is away each replaces the one before it.
NEWEST_ONLY: Final = frozenset({Kind.INVENTORY, Kind.NETWORK})


def queue_of(kind: str, version: int) -> str:
    """Name the queue of control by which a report of this kind leaves."""
    return QUEUES.get(kind, CONTROL_QUEUE) if version > 1 else CONTROL_QUEUE


class Event(StrEnum):
    """Facts that a host notices by itself. Times are of the fact, not of its report."""

    LEASE = "lease"  # an address was leased: port_id, mac, ip  (dnsmasq's dhcp-script)
    LOGIN = "login"  # a login prompt was seen on the serial port: server_id
    #: A guest's TCP port was tried: port_id, number, found (network.Found), said (the first line that came, "" for none)
    PROBED = "probed"
    STATE = "state"  # a domain changed by itself: server_id, state

    # Trouble of the agent itself. Control keeps the last of each with its count (Host.trouble).
    REFUSED = "refused"  # a cast was not done: why ("replayed" | "late" | "early" | "forged" | "old version"), verb, count, skew (s)
    THREAD = "thread"  # a thread of the agent died and was started again: name, count, detail
    DAEMON = "daemon"  # a daemon of the host (dnsmasq, haproxy) died: name, count, detail
    PARKED = "parked"  # a report could not be encoded and stays on the host: kind, detail
    CLOCK = "clock"  # the host's clock is off: skew (s, positive: ahead of control's)
    ISOLATED = "isolated"  # gateway ports and floating addresses were given up, or could not be: done (bool), detail


#: Those of the agent itself.
TROUBLE: Final = frozenset({Event.REFUSED, Event.THREAD, Event.DAEMON, Event.PARKED, Event.CLOCK, Event.ISOLATED})
