"""Reading: the points of a chart. A time without samples is a hole in it, never a line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from telemetry.meters import Kind
from telemetry.samples import store
from telemetry.samples.packing import BRIDGED, Rolled, merged, steps_of, unpack_raw, unpack_rolled
from telemetry.samples.tiers import DAY, HOUR, MINUTE, RAW, TIERS, Tier


@dataclass(frozen=True)
class Span:
    """How far back a chart goes, by which tier, and how many of its steps are one point."""

    name: str
    seconds: int
    tier: Tier
    join: int = 1

    @property
    def step(self) -> int:
        """Count the seconds from one point to the next."""
        return self.tier.step * self.join


SPANS: Final = {
    span.name: span
    for span in (
        Span("1h", HOUR, TIERS[0]),
        Span("24h", DAY, TIERS[1], 4),
        Span("7d", 7 * DAY, TIERS[2], 3),
        Span("30d", 30 * DAY, TIERS[3], 2),
    )
}
#: What is used now: the last point of it.
LATEST: Final = Span("now", 2 * MINUTE, TIERS[0])
#: The same where a minute is the finest, as it is of the cloud's sums.
MINUTES: Final = {**SPANS, "1h": Span("1h", HOUR, TIERS[1]), "now": Span("now", 5 * MINUTE, TIERS[1])}
#: Of a spark in a list's row.
SPARK: Final = Span("spark", HOUR, TIERS[1])

_READ: Final = (
    store.CHUNKS + "SELECT chunk, slot, packed FROM chunks CROSS JOIN samples"
    " WHERE tier = :tier AND chunk = n AND resource = :resource ORDER BY chunk, slot"
)


@dataclass
class Points:
    """Times (Unix, of the points' ends) and what was used up to each; None where nothing is known."""

    times: list[int] = field(default_factory=list)
    rows: list[Rolled | None] = field(default_factory=list)

    def add(self, at: int, row: Rolled, step: int, bridged: int) -> None:
        """Append a point; before it a hole where too many steps are missing."""
        if self.times and at - self.times[-1] > (bridged + 1) * step:
            self.times.append(self.times[-1] + step)
            self.rows.append(None)
        self.times.append(at)
        self.rows.append(row)


def points(kind: Kind, name: str, span: Span, until: float) -> Points:
    """Read the points of one thing in the span that ends at `until`. Raises: sqlite3.Error, OSError."""
    return many(kind, [name], span, until).get(name, Points())


def many(kind: Kind, names: Iterable[str], span: Span, until: float) -> dict[str, Points]:
    """Read the same of several things; of one that was never sampled nothing."""
    link = store.connection()
    if link is None:
        return {}
    tier, since = span.tier, until - span.seconds
    bounds = {"tier": tier.number, "from": tier.chunk_of(since), "to": tier.chunk_of(until)}
    found = {}
    for name, id_ in store.numbers(link, kind.number, names).items():
        rows = link.execute(_READ, {**bounds, "resource": id_}).fetchall()
        steps = _raw(kind, rows) if tier is RAW else _rolled(tier, rows)
        found[name] = _joined(((at, row) for at, row in steps if since < at <= until), span)
    return found


_Row = tuple[int, int, bytes]


def _raw(kind: Kind, rows: list[_Row]) -> Iterable[tuple[float, Rolled]]:
    return steps_of(kind, (unpack_raw(RAW.start(chunk, slot), packed) for chunk, slot, packed in rows), RAW.step)


def _rolled(tier: Tier, rows: list[_Row]) -> Iterable[tuple[float, Rolled]]:
    return ((tier.start(chunk, slot) + tier.step, unpack_rolled(packed)) for chunk, slot, packed in rows)


def _joined(steps: Iterable[tuple[float, Rolled]], span: Span) -> Points:
    found = Points()
    step = span.step
    bridged = BRIDGED if span.tier is RAW else 0
    for at, group in groupby(((-int(-at // step) * step, row) for at, row in steps), itemgetter(0)):
        rows = [row for _at, row in group]
        found.add(at, merged(rows) if len(rows) > 1 else rows[0], step, bridged)
    return found
