"""Spreading a change of a long list: to which hosts, when, and in which form."""

from datetime import datetime, timedelta
from typing import Final

from networking.desired import lists
from networking.desired.ledger import Ledger, Ledgers
from networking.desired.models import Change, HostPiece

FEW: Final = 4  # hosts that are told without delay, besides those with something of their own to do
AT_ONCE: Final = 20  # hosts that are told without delay unless they were just told: of a burst they hear together
PAUSE: Final = 0.5  # seconds between two changes that AT_ONCE hosts are told of
A_SECOND: Final = (
    100  # of the others: a change that reaches more of them is put off, and told together with what follows
)


def stale(ledger: Ledger, present: dict[str, HostPiece]) -> dict[str, str]:
    """{host: hash it must have} where that is not what it was sent; "" where the piece goes."""
    found: dict[str, str] = {}
    hosts = ledger.hosts()
    alike = ledger.hash_for("") if hosts and not ledger.near else ""
    for host in hosts | present.keys():
        desired = (alike or ledger.hash_for(host)) if host in hosts else ""
        row = present.get(host)
        if row is None or row.wanted != desired:
            found[host] = desired
        else:
            ledger.sent[host] = (desired, ledger.version)
    return found


def soon(piece: str, ledger: Ledger, hosts: dict[str, str], near: set[str], moment: datetime) -> dict[str, str]:
    """Choose the hosts that are told now; the others, where they are many, are put off by a Change.

    Only what is added to or taken from a long list waits, and never where a port is being plugged.
    """
    later = {
        host
        for host, desired in hosts.items()
        if desired and host not in near and host in ledger.sent and ledger.sent[host][1] >= ledger.fixed_version
    }
    if len(later) <= FEW:
        return hosts
    due = moment + timedelta(seconds=max(1.0, len(later) / A_SECOND))
    if len(later) <= AT_ONCE:
        due = ledger.told_at + timedelta(seconds=PAUSE) if ledger.told_at else moment
        if due <= moment:
            ledger.told_at = moment
            return hosts
    if not Change.objects.filter(piece=piece).exclude(due=None).exists():
        Change.objects.bulk_create([Change(piece=piece, due=due)])
    return {host: desired for host, desired in hosts.items() if host not in later}


def told(ledger: Ledger, host: str, desired: str, had: str, *, takes_changes: bool) -> dict[str, object] | None:
    """Body of a piece in an order: the difference where the host has what the ledger last sent, else the whole. None: it goes."""
    if not desired:
        ledger.sent.pop(host, None)
        return None
    sent = ledger.sent.get(host)
    ledger.sent[host] = (desired, ledger.version)
    if takes_changes and had and sent and sent[0] == had:
        difference = ledger.difference_for(host, sent[1])
        if difference is not None:
            return {"hash": desired, "from": had, **difference}
    return {"hash": desired, "body": ledger.body_for(host)}


def current(ledgers: Ledgers, rows: list[HostPiece]) -> list[Ledger]:
    """List the ledgers of these rows, each of one host. One that has not what the row says is read again: another process
    may have rendered meanwhile."""
    missing: dict[str, dict[str, set[str] | None]] = {}
    for row in rows:
        ledger = ledgers.get(row.piece)
        if ledger is None or row.host not in ledger.hosts() or ledger.hash_for(row.host) != row.wanted:
            kind, _, id = row.piece.partition(":")
            missing.setdefault(kind, {})[id] = None
    fresh = lists.refresh(ledgers, missing)
    return [fresh.get(row.piece) or ledgers.known[row.piece] for row in rows]
