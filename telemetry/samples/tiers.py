"""Tiers: how finely samples are kept for how long. A chunk of a tier, its samples in one place, is one row of the next."""

from dataclasses import dataclass
from typing import Final

from hostagent.contract.samples import SAMPLE_EVERY

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Tier:
    """`step`, `chunk` and `kept` are seconds. `least`: how long rows stay even where the file is full."""

    number: int
    step: int
    chunk: int
    kept: int
    least: int

    def chunk_of(self, at: float) -> int:
        """Tell the number of the chunk that a Unix time lies in."""
        return int(at // self.chunk)

    def slot_of(self, at: float) -> int:
        """Tell the number of its step in that chunk."""
        return int(at % self.chunk // self.step)

    def start(self, chunk: int, slot: int = 0) -> int:
        """Tell the Unix time at which a step begins."""
        return chunk * self.chunk + slot * self.step


TIERS: Final = (
    Tier(0, round(SAMPLE_EVERY), MINUTE, HOUR, HOUR),
    Tier(1, MINUTE, 10 * MINUTE, DAY, HOUR),
    Tier(2, 10 * MINUTE, HOUR, 7 * DAY, DAY),
    Tier(3, HOUR, DAY, 400 * DAY, 7 * DAY),
)
RAW: Final = TIERS[0]
