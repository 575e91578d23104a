"""Where two answers to the same request differ, and the table of differences that are known and meant."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.slow.differential.recordings import Step
from tests.slow.differential.side import Said, Side

TABLE = Path(__file__).parent.parent / "keystone_differences.tsv"
COLUMNS = ("request", "part", "keystone", "ours", "reason")


@dataclass(frozen=True)
class Difference:
    """`part` is status, "header …" or body."""

    request: str
    part: str
    keystone: str
    ours: str

    def __str__(self) -> str:
        return f"{self.request}\n    {self.part}:\n      keystone  {self.keystone}\n      ours      {self.ours}"


def differences(step: Step, theirs: Said, ours: Said) -> Iterator[Difference]:
    """What is not alike. When the statuses differ, the rest differs with them and is not told apart."""
    one, other = theirs.lines(), ours.lines()
    for part in one:
        if one[part] != other[part]:
            yield Difference(step.name, part, one[part], other[part])
            if part == "status":
                return


def run(steps: Iterable[Step], keystone: Side, ours: Side) -> tuple[int, list[Difference]]:
    """Sends every step to both: how many there were, and all differences."""
    count, found = 0, []
    for step in steps:
        count += 1
        found += differences(step, keystone.ask(step), ours.ask(step))
    return count, found


def known() -> dict[Difference, str]:
    """The table: difference → its reason. A request may be a prefix that ends with "*"."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader((line for line in file if not line.startswith("#")), dialect="excel-tab")
        return {Difference(*(row[name] for name in COLUMNS[:4])): row["reason"] for row in rows}
