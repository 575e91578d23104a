"""A row's values as bytes, and rates from counters.

Raw: how many ms after its step began it was measured, then each meter's value as a double. Rolled up: how many seconds of the
step are known, then for each meter the mean and the most as floats; of a counter, of its rate a second. NaN: not known.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from telemetry.meters import Kind

NOTHING: Final = math.nan
#: Steps that may be missing between two samples for the time between them to count as known.
BRIDGED: Final = 3


class Raw(NamedTuple):
    """One sample: a Unix time and the meters' values, NaN where nobody said one."""

    at: float
    values: tuple[float, ...]


class Rolled(NamedTuple):
    """A step of a coarser tier, or the time between two samples: seconds that are known, mean and most of each meter."""

    seconds: float
    means: tuple[float, ...]
    mosts: tuple[float, ...]


@cache
def _raw(meters: int) -> struct.Struct:
    return struct.Struct(f"<H{meters}d")


@cache
def _rolled(meters: int) -> struct.Struct:
    return struct.Struct(f"<H{2 * meters}f")


def pack_raw(start: int, sample: Raw) -> bytes:
    """Pack a sample whose step began at `start`."""
    return _raw(len(sample.values)).pack(min(int((sample.at - start) * 1000), 65535), *sample.values)


def unpack_raw(start: int, packed: bytes) -> Raw:
    late, *values = _raw((len(packed) - 2) // 8).unpack(packed)
    return Raw(start + late / 1000, tuple(values))


def pack_rolled(row: Rolled) -> bytes:
    return _rolled(len(row.means)).pack(min(round(row.seconds), 65535), *row.means, *row.mosts)


def unpack_rolled(packed: bytes) -> Rolled:
    meters = (len(packed) - 2) // 8
    seconds, *values = _rolled(meters).unpack(packed)
    return Rolled(seconds, tuple(values[:meters]), tuple(values[meters:]))


def between(kind: Kind, before: Raw, after: Raw, step: float) -> Rolled | None:
    """Work out what was used between two samples, None where too many are missing between them. Counters become rates a second."""
    seconds = after.at - before.at
    if not 0 < seconds <= (BRIDGED + 0.5) * step:
        return None
    anew = kind.life is None or after.values[kind.life] < before.values[kind.life]
    values = tuple(
        _rate(was, now, seconds, anew=anew) if meter.is_counter else now
        for meter, was, now in zip(kind.meters, before.values, after.values, strict=True)
    )
    return Rolled(seconds, values, values)


def _rate(was: float, now: float, seconds: float, *, anew: bool) -> float:
    if now >= was:
        return (now - was) / seconds
    return now / seconds if now < was and anew else NOTHING


def steps_of(kind: Kind, samples: Iterable[Raw], step: float) -> list[tuple[float, Rolled]]:
    """List (time of the later one, what was used since the one before) for samples in order; where that is not known, nothing."""
    found = []
    before: Raw | None = None
    for sample in samples:
        if before is not None and (use := between(kind, before, sample, step)) is not None:
            found.append((sample.at, use))
        before = sample
    return found


def merged(rows: Sequence[Rolled]) -> Rolled:
    """Make one of the rows. A mean counts as often as it has seconds."""
    means, mosts = [], []
    for at in range(len(rows[0].means)):
        weight = total = 0.0
        most = NOTHING
        for row in rows:
            value = row.means[at]
            if value == value:  # not NaN
                weight, total = weight + row.seconds, total + value * row.seconds
                most = row.mosts[at] if most != most or row.mosts[at] > most else most
        means.append(total / weight if weight else NOTHING)
        mosts.append(most)
    return Rolled(sum(row.seconds for row in rows), tuple(means), tuple(mosts))


def summed(rows: Sequence[Rolled]) -> Rolled:
    """Add up rows of several things at one time: each meter is the sum of those that say it."""

    def total(values: tuple[float, ...]) -> float:
        known = [value for value in values if value == value]
        return sum(known) if known else NOTHING

    means, mosts = (
        tuple(map(total, zip(*table, strict=True)))
        for table in ([row.means for row in rows], [row.mosts for row in rows])
    )
    return Rolled(max(row.seconds for row in rows), means, mosts)
