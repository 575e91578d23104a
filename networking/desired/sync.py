"""Rendering what changed, and telling the hosts. Runs in control only, one at a time."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from django.db import connection, transaction
from django.db.models import Field, Q, QuerySet

from common.clock import now
from common.prepared import PreparedMany
from hostagent.contract.network import NETWORK_APPLY, PIECE_CHANGES, NetworkApply, piece_hash
from hosts import services as hosts
from hosts.models import Host
from hosts.states import USABLE
from networking.desired import floating, lists, spread
from networking.desired.changes import TASK
from networking.desired.ledger import Ledger, Ledgers
from networking.desired.models import Change, HostPiece
from networking.desired.rendering import Rendered, render
from networking.securitygroups.models import SecurityGroupRule
from operations import background

log = logging.getLogger(__name__)

HISTORY = 8  # hashes sent before that a late report may still name
BATCH = 2000  # changes rendered at once
RESEND_AFTER = 6.0  # seconds without the desired state until it is sent again
INSPECT_EVERY = 600.0  # seconds after which a host is asked for all that it has: what a report that got lost had said
PARTS = 10  # in which the hosts are asked, one after the other
FORGET_AFTER = 60.0  # seconds until the row of a piece that is gone goes too
FULL = "full:"
_TURN_KEY = 0x6E65_7477  # "netw": PostgreSQL's advisory lock of whoever renders
_turn = threading.RLock()
_ledgers = Ledgers()


_on_hosts = PreparedMany(  # reports lock their rows too, in the same order
    lambda pieces: HostPiece.objects.select_for_update().filter(piece__in=pieces).order_by("pk")
)
_remote_groups = PreparedMany(
    lambda groups: (
        SecurityGroupRule.objects.filter(group_id__in=groups)
        .exclude(remote_group=None)
        .values_list("group_id", "remote_group_id")
        .distinct()
    )
)
_counts = PreparedMany(
    lambda pieces: (
        HostPiece.objects.filter(piece__in=pieces).exclude(wanted="").values_list("piece", "host", "wanted_at")
    )
)


@contextmanager
def turn() -> Iterator[None]:
    """Let one renderer at a time go on: in this process by a lock, across processes by PostgreSQL (SQLite has one control)."""
    with _turn:
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_TURN_KEY])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_TURN_KEY])


def run(key: str) -> None:
    """Run a background job: ``all`` renders changes, ``full:<host>`` sends a host everything."""
    if key.startswith(FULL):
        _send_full(key.removeprefix(FULL))
    else:
        drain()


def pool_of(key: str) -> str:
    """Whole documents have a thread of their own: a thousand of them after a restart delay no change."""
    return "renders" if key.startswith(FULL) else "network"


def send_everything(host: str) -> None:
    """Have the whole document sent to a host soon. Call it within a transaction."""
    background.enqueue(TASK, FULL + host)


def drain() -> None:
    """Render every piece that changed and send each host what is new to it."""
    with turn():
        while True:
            changes = list(_due().order_by("id")[:BATCH])
            if not changes:
                return
            change = Changed.of(changes)
            try:
                ledgers = lists.refresh(
                    _ledgers, change.listed()
                )  # reading may take a while: nobody's write waits for it
                rendered = render(change.pieces.keys() - ledgers.keys())
                with transaction.atomic():
                    told = _tell(change, ledgers, rendered)
                    Change.objects.filter(pk__in=[row.pk for row in changes]).delete()
                    floating.activate(change.pieces.keys() - told)
            except BaseException:
                _ledgers.forget(change.pieces)  # they hold what was not written
                raise
            if len(changes) < BATCH:
                return


def _due() -> QuerySet[Change]:
    return Change.objects.filter(Q(due=None) | Q(due__lte=now()))


@dataclass
class Changed:
    """Changes that are rendered together: piece → the ports whose part changed (None: anything may have)."""

    pieces: dict[str, set[str] | None]
    at_once: set[str]  # pieces that were put off before, and are not again
    upto: int
    moment: datetime = field(default_factory=now)

    @classmethod
    def of(cls, rows: list[Change]) -> "Changed":
        pieces: dict[str, set[str] | None] = {}
        for row in rows:
            ports = pieces.setdefault(row.piece, set())
            if not row.port_id and row.due is None:
                pieces[row.piece] = None
            elif ports is not None and row.port_id:
                ports.add(row.port_id)
        return cls(pieces, {row.piece for row in rows if row.due is not None}, max(row.pk for row in rows))

    def listed(self) -> dict[str, dict[str, set[str] | None]]:
        """Pieces with long lists: {kind: {id: ports}}."""
        found: dict[str, dict[str, set[str] | None]] = defaultdict(dict)
        for piece, ports in self.pieces.items():
            kind, _, id = piece.partition(":")
            if kind in lists.KINDS:
                found[kind][id] = ports
        return found


def _tell(change: Changed, ledgers: dict[str, Ledger], rendered: Rendered) -> set[str]:
    """Write down what each host must have, and send it. Returns the pieces that some host was told."""
    writing = Writing(change)
    near = writing.put_small(rendered)
    writing.put_listed(ledgers, near)
    writing.save()
    _note_needs(rendered, [*writing.new, *writing.changed])
    for host, (pieces, gone) in writing.outgoing.items():
        send(host, pieces, gone)
    return {piece for sent, _gone in writing.outgoing.values() for piece in sent}


class Writing:
    """The rows of one turn, and what follows from them: `outgoing` is {host: (pieces to make, pieces to remove)}."""

    def __init__(self, change: Changed) -> None:
        self.change = change
        self.present: dict[str, dict[str, HostPiece]] = defaultdict(dict)
        for row in _on_hosts(change.pieces):
            self.present[row.piece][row.host] = row
        self.new: list[HostPiece] = []
        self.changed: list[HostPiece] = []
        self.outgoing: dict[str, tuple[dict[str, object], list[str]]] = defaultdict(lambda: ({}, []))

    def put_small(self, rendered: Rendered) -> set[str]:
        """Returns the hosts that have something of their own to do: a port there waits for the rest."""
        near = set()
        for piece, on in rendered.items():
            for host in on.keys() | self.present[piece].keys():
                near.add(host)
                desired = piece_hash(on[host]) if host in on else ""
                if self._had(piece, host) != desired or host not in self.present[piece]:
                    self._set_desired(piece, host, desired, {"hash": desired, "body": on[host]} if host in on else None)
        return near

    def put_listed(self, ledgers: dict[str, Ledger], near: set[str]) -> None:
        takers = _takers() if ledgers else set()
        for piece, ledger in ledgers.items():
            stale = spread.stale(ledger, self.present[piece])
            if piece in self.change.at_once:
                ledger.told_at = self.change.moment
            else:
                stale = spread.soon(piece, ledger, stale, near, self.change.moment)
            for host, desired in stale.items():
                had = self._had(piece, host)
                told = spread.told(ledger, host, desired, had, takes_changes=host in takers)
                self._set_desired(piece, host, desired, told)

    def _had(self, piece: str, host: str) -> str:
        row = self.present[piece].get(host)
        return row.wanted if row else ""

    def _set_desired(self, piece: str, host: str, desired: str, told: dict[str, object] | None) -> None:
        row = self.present[piece].get(host)
        if row is None:
            row = HostPiece(host=host, piece=piece)
            self.new.append(row)
        else:
            self.changed.append(row)
        _set_desired(row, desired, self.change.upto, self.change.moment)
        if told is None:
            self.outgoing[host][1].append(piece)
        else:
            self.outgoing[host][0][piece] = told

    def save(self) -> None:
        HostPiece.objects.bulk_create(self.new, batch_size=200)
        fields = ["wanted", "wanted_at", "reported_at", "sent_at", "failure", "history", "is_ready", "is_behind"]
        save_rows(self.changed, fields)


def _takers() -> set[str]:
    """Hosts whose agents take the difference to a piece that they have."""
    return {name for name, known in Host.objects.values_list("name", "capabilities") if PIECE_CHANGES in known}


def _set_desired(row: HostPiece, desired: str, upto: int, moment: datetime) -> None:
    row.wanted, row.wanted_at, row.sent_at, row.failure = desired, upto, moment, None
    row.history = [*row.history, [desired, upto]][-HISTORY:]
    row.is_ready = not (desired and row.piece.startswith("port:"))
    row.is_behind = row.wanted != row.reported
    if desired and row.reported == desired:
        row.reported_at = upto


def save_rows(rows: list[HostPiece], fields: list[str]) -> None:
    """Update these columns of each row, by one statement that is prepared once: a change may touch every host."""
    if not rows:
        return
    columns: list[Field[object, object]] = [
        cast("Field[object, object]", HostPiece._meta.get_field(name)) for name in fields
    ]
    sets = ", ".join(f"{connection.ops.quote_name(str(column.column))} = %s" for column in columns)
    table = connection.ops.quote_name(HostPiece._meta.db_table)
    values = [
        [*(column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns), row.pk]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {sets} WHERE id = %s", values)


def _note_needs(rendered: Rendered, rows: list[HostPiece]) -> None:
    """Write down which states of which pieces each changed port waits for."""
    ports = [row for row in rows if row.wanted and row.piece.startswith("port:")]
    if not ports:
        return
    bodies = {row.pk: rendered[row.piece][row.host] for row in ports}
    groups = {group for body in bodies.values() for group in body["groups"]}
    remote: dict[str, set[str]] = defaultdict(set)
    for group, other in _remote_groups(groups):
        remote[group].add(other)
    desired: dict[int, list[str]] = {}
    for row in ports:
        body = bodies[row.pk]
        near = {f"network:{body['network_id']}", row.piece}
        near |= {f"group:{other}" for group in body["groups"] for other in {group} | remote[group]}
        desired[row.pk] = [*sorted(near), f"dhcp:{body['network_id']}"]
    keys = {piece for pieces in desired.values() for piece in pieces}
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for piece, host, count in _counts(keys):
        counts[piece][host] = count
    for row in ports:
        row.needs = {}
        for piece in desired[row.pk]:
            on = counts[piece]
            needed = max(on.values(), default=None) if piece.startswith("dhcp:") else on.get(row.host)
            if needed is not None:
                row.needs[piece] = needed
        row.dhcp = next((piece for piece in row.needs if piece.startswith("dhcp:")), "")
    save_rows(ports, ["needs", "dhcp"])


def send(host: str, pieces: dict[str, object], gone: list[str]) -> None:
    """Order a host to make these pieces. A host that is down gets everything when it says hello."""
    hosts.send(host, NETWORK_APPLY, NetworkApply(full=False, pieces=pieces, remove=gone, only_change=True))


def set_aside(host: str, strays: list[str], *, allowed: bool = False) -> None:
    """Have pieces set aside that a host has and no row knows. Where they are many they stay there, unless `allowed`."""
    hosts.send(
        host,
        NETWORK_APPLY,
        NetworkApply(full=False, pieces={}, remove=[], aside=strays, allowed=allowed, only_change=True),
    )


def allow(host: str) -> None:
    """Allow, at an operator's word, to send everything, and have all else set aside, however much it is."""
    with turn(), transaction.atomic():
        pieces, gone = _whole(host, list(HostPiece.objects.filter(host=host)))
        hosts.send(host, NETWORK_APPLY, NetworkApply(full=True, pieces=pieces, remove=gone, allowed=True))


def _send_full(host: str) -> None:
    """Order a host to be exactly this."""
    with turn():
        drain()
        with transaction.atomic():
            pieces, gone = _whole(host, list(HostPiece.objects.filter(host=host)))
            HostPiece.objects.filter(host=host).update(sent_at=now())
            hosts.send(host, NETWORK_APPLY, NetworkApply(full=True, pieces=pieces, remove=gone))


def _whole(host: str, rows: list[HostPiece]) -> tuple[dict[str, object], list[str]]:
    """Whole bodies of these rows' pieces, and the pieces that are to go."""
    desired = [row for row in rows if row.wanted]
    plain = render(row.piece for row in desired if row.piece.partition(":")[0] not in lists.KINDS)
    pieces: dict[str, object] = {
        piece: {"hash": piece_hash(on[host]), "body": on[host]} for piece, on in plain.items() if host in on
    }
    listed = [row for row in desired if row.piece not in plain]
    changed = []
    for row, ledger in zip(listed, spread.current(_ledgers, listed), strict=True):
        if host in ledger.hosts():
            has = ledger.hash_for(host)
            pieces[row.piece] = spread.told(ledger, host, has, "", takes_changes=False)
            if row.wanted != has:  # put off until now, or a hash of an older form
                row.wanted, row.history = has, [*row.history, [has, row.wanted_at]][-HISTORY:]
                row.is_behind = row.wanted != row.reported
                changed.append(row)
    save_rows(changed, ["wanted", "history", "is_behind"])
    return pieces, [row.piece for row in rows if not row.wanted]


def recover() -> None:
    """Find what got lost: changes nobody rendered, states sent long ago and not reported."""
    if _due().exists():
        drain()
    # kept for a while, because a host may still be about to report what it was told before
    gone = HostPiece.objects.filter(wanted="", reported="", sent_at__lt=now() - timedelta(seconds=FORGET_AFTER))
    gone.delete()
    late = HostPiece.objects.filter(is_behind=True, sent_at__lt=now() - timedelta(seconds=RESEND_AFTER))
    behind: dict[str, list[HostPiece]] = defaultdict(list)
    alive = set(Host.objects.filter(state__in=USABLE).values_list("name", flat=True))
    for row in late:
        if row.host in alive:
            behind[row.host].append(row)
    for host, rows in behind.items():
        _resend(host, rows)


def inspect() -> None:
    """Ask a tenth of the hosts for all that they have, each host in its turn. Nothing is changed there."""
    part = int(time.time() // (INSPECT_EVERY / PARTS)) % PARTS
    for name, number in Host.objects.filter(state__in=USABLE).values_list("name", "number"):
        if number % PARTS == part:
            hosts.send(name, NETWORK_APPLY, NetworkApply(full=False, pieces={}, remove=[]))


def _resend(host: str, rows: list[HostPiece]) -> None:
    with turn(), transaction.atomic():
        pieces, gone = _whole(host, rows)
        HostPiece.objects.filter(pk__in=[row.pk for row in rows]).update(sent_at=now())
        log.info("networking: sending %s again to %s", ", ".join([*pieces, *gone][:5]), host)
        send(host, pieces, gone)
