"""Pieces with long lists (a network's remote ports, a group's members, a DHCP server's clients), kept between changes.

One port's change so costs what one port costs: its part of the lists is read again, each host's hash follows from sums
(contract.network.piece_hash), and a host is told the difference to what it was sent last. A ledger is only memory: what the rows
say a host was sent (HostPiece.wanted) must be what the ledger sent it, else the host gets the whole piece.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hostagent.contract.network import item_digest, summed_hash

Body = dict[str, object]
Items = dict[str, dict[str, object]]  # list of the body → key → item

MODULUS: Final = 1 << 128
LOG: Final = 4096  # changes of items that a ledger remembers; a host that is further behind gets the whole piece
MOST: Final = 150_000  # ports in all ledgers together; the ones used longest ago are forgotten first


@dataclass(frozen=True)
class Holding:
    """One port's part of a piece: the host that it is on ("": none), and its items of the lists."""

    host: str
    items: Items


@dataclass
class Item:
    value: object
    home: str  # the host whose own body leaves it out; "" when every host is told
    digest: int
    count: int = 1  # ports that put it there


class Ledger:
    """One piece: what all hosts are told alike (`fixed`; None: nobody needs the piece), and its lists."""

    def __init__(self, lists: Iterable[str], *, near: bool) -> None:
        """`near`: a host is not told of what is on itself."""
        self.fixed: Body | None = None
        self.near = near
        self.holdings: dict[str, Holding] = {}
        self.on: dict[str, int] = {}  # host → its ports
        self.extra_hosts: set[str] = set()  # that need the piece without a port in it
        self.lists: dict[str, dict[str, Item]] = {name: {} for name in lists}
        self.sums: dict[str, dict[str, int]] = {name: {"": 0} for name in lists}  # list → home → sum; "": of all
        self.version = 0
        self.fixed_version = 0
        self.log: deque[tuple[int, str, str]] = deque(maxlen=LOG)
        self.sent: dict[str, tuple[str, int]] = {}  # host → (hash, version)
        self.told_at: datetime | None = None  # when more than a few hosts were told of a change of a list last

    def set_fixed(self, fixed: Body | None, hosts: set[str]) -> None:
        self.version += 1
        if fixed != self.fixed:
            self.fixed, self.fixed_version = fixed, self.version
        self.extra_hosts = hosts

    def set_holding(self, port: str, holding: Holding | None) -> None:
        """Replace a port's part; None removes it. `set_fixed` was called before, for the same version."""
        had = self.holdings.get(port)
        if had == holding:
            return
        for name, items in had.items.items() if had else ():
            for key in items:
                self._drop(name, key)
        if had and had.host:
            self._count(had.host, -1)
        self.holdings.pop(port, None)
        if holding is None:
            return
        self.holdings[port] = holding
        if holding.host:
            self._count(holding.host, 1)
        for name, items in holding.items.items():
            for key, value in items.items():
                self._put(name, key, value, holding.host if self.near else "")

    def _count(self, host: str, by: int) -> None:
        self.on[host] = self.on.get(host, 0) + by
        if not self.on[host]:
            del self.on[host]

    def _put(self, name: str, key: str, value: object, home: str) -> None:
        had = self.lists[name].get(key)
        if had is not None:  # the same address held by several ports
            had.count += 1
            return
        item = self.lists[name][key] = Item(value, home, item_digest(value))
        self._add(name, home, item.digest)
        self.log.append((self.version, name, key))

    def _drop(self, name: str, key: str) -> None:
        had = self.lists[name][key]
        had.count -= 1
        if had.count:
            return
        del self.lists[name][key]
        self._add(name, had.home, -had.digest)
        self.log.append((self.version, name, key))

    def _add(self, name: str, home: str, digest: int) -> None:
        sums = self.sums[name]
        sums[""] = (sums[""] + digest) % MODULUS
        if home:
            sums[home] = (sums.get(home, 0) + digest) % MODULUS

    def hosts(self) -> set[str]:
        return set() if self.fixed is None else self.on.keys() | self.extra_hosts

    def hash_for(self, host: str) -> str:
        assert self.fixed is not None
        return summed_hash(
            self.fixed, {name: (s[""] - (s.get(host, 0) if host else 0)) % MODULUS for name, s in self.sums.items()}
        )

    def body_for(self, host: str) -> Body:
        assert self.fixed is not None
        body = dict(self.fixed)
        for name, items in self.lists.items():
            body[name] = [items[key].value for key in sorted(items) if not host or items[key].home != host]
        return body

    def difference_for(self, host: str, since: int) -> Body | None:
        """Difference to version `since` for a host (contract.network.PieceChange); None where it needs the whole."""
        if self.log.maxlen == len(self.log) and self.log[0][0] >= since:
            return None
        changed: dict[str, set[str]] = {}
        for version, name, key in reversed(self.log):
            if version <= since:
                break
            changed.setdefault(name, set()).add(key)
        lists: Body = {}
        for name, keys in changed.items():
            items = self.lists[name]
            put = [items[key].value for key in sorted(keys) if key in items and items[key].home != host]
            drop = sorted(key for key in keys if key not in items or items[key].home == host)
            lists[name] = {"put": put, "drop": drop}
        return {"set": self.fixed if self.fixed_version > since else {}, "lists": lists}


@dataclass
class Ledgers:
    """Ledgers in memory. Used by one thread at a time (`sync.turn`)."""

    known: "OrderedDict[str, Ledger]" = field(default_factory=OrderedDict)

    def get(self, piece: str) -> Ledger | None:
        ledger = self.known.get(piece)
        if ledger is not None:
            self.known.move_to_end(piece)
        return ledger

    def keep(self, piece: str, ledger: Ledger) -> None:
        self.known[piece] = ledger
        self.known.move_to_end(piece)

    def trim(self) -> None:
        total = sum(len(ledger.holdings) for ledger in self.known.values())
        while total > MOST:
            _piece, ledger = self.known.popitem(last=False)
            total -= len(ledger.holdings)

    def forget(self, pieces: Iterable[str]) -> None:
        for piece in pieces:
            self.known.pop(piece, None)
