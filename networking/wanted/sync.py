"""Rendering what changed, and telling the hosts. Runs in control only, one at a time."""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from common.clock import now
from common.prepared import Prepared, PreparedMany
from hostagent.contract import piece_hash
from hosts import services as hosts
from hosts.models import Host
from networking.securitygroups.models import SecurityGroupRule
from networking.wanted import floating
from networking.wanted.changes import TASK
from networking.wanted.models import Change, HostPiece
from networking.wanted.rendering import Rendered, render
from operations import background

log = logging.getLogger(__name__)

HISTORY = 8  # hashes sent before that a late report may still name
FEW = 12
BATCH = 2000  # changes rendered at once
RESEND_AFTER = 6.0  # seconds without the wanted state until it is sent again
FORGET_AFTER = 60.0  # seconds until the row of a piece that is gone goes too
FULL = "full:"
_TURN_KEY = 0x6E65_7477  # "netw": PostgreSQL's advisory lock of whoever renders
_turn = threading.RLock()


_oldest = Prepared(lambda: Change.objects.order_by("id")[:BATCH].values_list("id", "piece"))
_on_hosts = PreparedMany(lambda pieces: HostPiece.objects.filter(piece__in=pieces))
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
    """One renderer at a time: in this process by a lock, across processes by PostgreSQL (SQLite has one control)."""
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
    """What `operations.background` calls: ``all`` renders changes, ``full:<host>`` sends a host everything."""
    if key.startswith(FULL):
        drain()
        _send_full(key.removeprefix(FULL))
    else:
        drain()


def pool_of(key: str) -> str:
    """Whole documents have a thread of their own: a thousand of them after a restart delay no change."""
    return "renders" if key.startswith(FULL) else "network"


def send_everything(host: str) -> None:
    """Have the whole document sent to a host soon. Call it within a transaction."""
    background.kick(TASK, FULL + host)


def drain() -> None:
    """Render every piece that changed and send each host what is new to it."""
    with turn():
        while True:
            changes = _oldest()
            if not changes:
                return
            upto = max(id for id, _piece in changes)
            rendered = render(sorted({piece for _id, piece in changes}))
            with transaction.atomic():
                outgoing = _write(rendered, upto)
                Change.objects.filter(pk__in=[id for id, _piece in changes]).delete()
                for host, (pieces, gone) in outgoing.items():
                    send(host, pieces, gone)
                floating.settle(rendered.keys() - {piece for sent, _gone in outgoing.values() for piece in sent})
            if len(changes) < BATCH:
                return


Outgoing = dict[str, tuple[dict[str, Any], list[str]]]


def _write(rendered: Rendered, upto: int) -> Outgoing:
    """Store the new hashes. Returns {host: (pieces to make, pieces to remove)}."""
    moment = now()
    present: dict[str, dict[str, HostPiece]] = defaultdict(dict)
    for row in _on_hosts(rendered):
        present[row.piece][row.host] = row
    new: list[HostPiece] = []
    changed: list[HostPiece] = []
    outgoing: Outgoing = defaultdict(lambda: ({}, []))
    for piece, on in rendered.items():
        for host in on.keys() | present[piece].keys():
            body = on.get(host)
            wanted = piece_hash(body) if body is not None else ""
            row = present[piece].get(host)
            if row is None:
                row = HostPiece(host=host, piece=piece)
                new.append(row)
            elif row.wanted == wanted:
                continue
            else:
                changed.append(row)
            _want(row, wanted, upto, moment)
            if body is None:
                outgoing[host][1].append(piece)
            else:
                outgoing[host][0][piece] = {"hash": wanted, "body": body}
    HostPiece.objects.bulk_create(new, batch_size=200)
    save_rows(changed, ["wanted", "wanted_at", "reported_at", "sent_at", "failure", "history", "is_ready"])
    _note_needs(rendered, [*new, *changed])
    return outgoing


def _want(row: HostPiece, wanted: str, upto: int, moment: Any) -> None:
    row.wanted, row.wanted_at, row.sent_at, row.failure = wanted, upto, moment, None
    row.history = [*row.history, [wanted, upto]][-HISTORY:]
    row.is_ready = not (wanted and row.piece.startswith("port:"))
    if wanted and row.reported == wanted:
        row.reported_at = upto


def save_rows(rows: list[HostPiece], fields: list[str]) -> None:
    """Update these columns. Few rows are written one by one: Django spends longer on building one statement for all."""
    if len(rows) > FEW:
        HostPiece.objects.bulk_update(rows, fields, batch_size=200)
        return
    for row in rows:
        row.save(update_fields=fields)


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
    wanted: dict[Any, list[str]] = {}
    for row in ports:
        body = bodies[row.pk]
        near = {f"network:{body['network_id']}", row.piece}
        near |= {f"group:{other}" for group in body["groups"] for other in {group} | remote[group]}
        wanted[row.pk] = [*sorted(near), f"dhcp:{body['network_id']}"]
    keys = {piece for pieces in wanted.values() for piece in pieces}
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for piece, host, count in _counts(keys):
        counts[piece][host] = count
    for row in ports:
        row.needs = {}
        for piece in wanted[row.pk]:
            on = counts[piece]
            count = max(on.values(), default=None) if piece.startswith("dhcp:") else on.get(row.host)
            if count is not None:
                row.needs[piece] = count
    save_rows(ports, ["needs"])


def send(host: str, pieces: dict[str, Any], gone: list[str]) -> None:
    """Order a host to make these pieces. A host that is down gets everything when it says hello."""
    hosts.send(host, "network.apply", {"full": False, "pieces": pieces, "remove": gone})


def _send_full(host: str) -> None:
    """Order a host to be exactly this."""
    with turn():
        keys = list(HostPiece.objects.filter(host=host).exclude(wanted="").values_list("piece", flat=True))
        rendered = render(keys)
        pieces = {
            piece: {"hash": piece_hash(on[host]), "body": on[host]} for piece, on in rendered.items() if host in on
        }
        HostPiece.objects.filter(host=host).update(sent_at=now())
        hosts.send(host, "network.apply", {"full": True, "pieces": pieces, "remove": []})


def sweep() -> None:
    """Find what got lost: changes nobody rendered, states sent long ago and not reported."""
    if Change.objects.exists():
        drain()
    # kept for a while, because a host may still be about to report what it was told before
    gone = HostPiece.objects.filter(wanted="", reported="", sent_at__lt=now() - timedelta(seconds=FORGET_AFTER))
    gone.delete()
    late = HostPiece.objects.filter(sent_at__lt=now() - timedelta(seconds=RESEND_AFTER))
    behind: dict[str, list[HostPiece]] = defaultdict(list)
    alive = set(Host.objects.filter(state="up").values_list("name", flat=True))
    for row in late.exclude(wanted=F("reported")).filter(host__in=alive):
        behind[row.host].append(row)
    for host, rows in behind.items():
        _resend(host, rows)


def _resend(host: str, rows: list[HostPiece]) -> None:
    with turn():
        rendered = render([row.piece for row in rows if row.wanted])
        pieces = {
            piece: {"hash": piece_hash(on[host]), "body": on[host]} for piece, on in rendered.items() if host in on
        }
        gone = [row.piece for row in rows if not row.wanted]
        HostPiece.objects.filter(pk__in=[row.pk for row in rows]).update(sent_at=now())
        log.info("networking: sending %s again to %s", ", ".join([*pieces, *gone][:5]), host)
        send(host, pieces, gone)
