"""Roll-ups: a chunk that has ended becomes a row of the next tier for each thing in it.

Each is computed from what lies in the file, so doing it again (late samples, a control that was killed) gives the same.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final

from common.clock import now
from telemetry.meters import HOST, KINDS, Kind
from telemetry.samples import store
from telemetry.samples.packing import (
    BRIDGED,
    Raw,
    Rolled,
    merged,
    pack_rolled,
    steps_of,
    summed,
    unpack_raw,
    unpack_rolled,
)
from telemetry.samples.tiers import RAW, TIERS, Tier

WAIT: Final = 15.0  # seconds after a chunk's end in which its last samples come
SOME: Final = 10  # chunks a transaction: ingest waits meanwhile
#: The name under which all hosts are summed up, a minute a row: a chart of the cloud reads no host's rows.
CLOUD: Final = ""


def roll(moment: float | None = None) -> int:
    """Roll up what has ended and changed since it was. Returns how many chunks. Raises: sqlite3.Error, OSError."""
    if store.connection() is None:
        return 0
    moment = now().timestamp() if moment is None else moment
    total = 0
    for tier, above in pairwise(TIERS):
        while True:
            with store.writing() as link:
                chunks = _due(link, tier, moment)
                for chunk in chunks:
                    _roll(link, tier, above, chunk)
            total += len(chunks)
            if len(chunks) < SOME:
                break
    return total


def _due(link: sqlite3.Connection, tier: Tier, moment: float) -> list[int]:
    ended = tier.chunk_of(moment - WAIT)
    query = "SELECT chunk FROM dirty WHERE tier = ? AND chunk < ? ORDER BY chunk LIMIT ?"
    return [chunk for (chunk,) in link.execute(query, (tier.number, ended, SOME))]


def _roll(link: sqlite3.Connection, tier: Tier, above: Tier, chunk: int) -> None:
    kinds = {id_: KINDS[kind] for id_, kind in link.execute("SELECT id, kind FROM resources")}
    at = tier.start(chunk)
    rows = list(_raw(link, kinds, chunk) if tier is RAW else _coarse(link, tier, chunk))
    if tier is RAW and (hosts := [row for id_, row in rows if kinds[id_] is HOST]):
        rows.append((store.number(link, HOST.number, CLOUD, at), summed(hosts)))
    to, slot = above.chunk_of(at), above.slot_of(at)
    packed = [(above.number, to, id_, slot, pack_rolled(row)) for id_, row in rows]
    link.executemany(store.PUT, packed)
    link.execute("DELETE FROM dirty WHERE tier = ? AND chunk = ?", (tier.number, chunk))
    if packed and above is not TIERS[-1]:
        link.execute(store.MARK, (above.number, to))
    if above is TIERS[-1]:
        link.executemany("UPDATE resources SET heard = max(heard, ?) WHERE id = ?", [(at, row[2]) for row in packed])


def _raw(link: sqlite3.Connection, kinds: dict[int, Kind], chunk: int) -> Iterator[tuple[int, Rolled]]:
    """What each thing used in a minute. Its first step begins with the last sample of the minute before."""
    query = (
        "SELECT resource, chunk, slot, packed FROM samples WHERE tier = ? AND chunk IN (?, ?) AND (chunk = ? OR slot >= ?)"
        " ORDER BY chunk, resource, slot"
    )
    last = RAW.chunk // RAW.step - BRIDGED
    found: dict[int, list[Raw]] = {}
    for id_, at, slot, packed in link.execute(query, (RAW.number, chunk - 1, chunk, chunk, last)):
        found.setdefault(id_, []).append(unpack_raw(RAW.start(at, slot), packed))
    begin = RAW.start(chunk)
    for id_, samples in found.items():
        if id_ in kinds and (used := within(kinds[id_], samples, begin)):
            yield id_, merged(used)


def within(kind: Kind, samples: list[Raw], begin: float) -> list[Rolled]:
    """List the steps that end in the chunk that begins at `begin`, each with the seconds that are known."""
    return [use for at, use in steps_of(kind, samples, RAW.step) if at >= begin]


def _coarse(link: sqlite3.Connection, tier: Tier, chunk: int) -> Iterator[tuple[int, Rolled]]:
    query = "SELECT resource, packed FROM samples WHERE tier = ? AND chunk = ? ORDER BY resource, slot"
    for id_, rows in groupby(link.execute(query, (tier.number, chunk)).fetchall(), itemgetter(0)):
        yield id_, merged([unpack_rolled(packed) for _id, packed in rows])
