"""Where two answers to the same request differ, and the table of differences that are known and meant."""

import csv
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.slow.differential.recordings import WAIT, Step
from tests.slow.differential.side import HEADERS, Said, Side

TABLE = Path(__file__).parent.parent / "keystone_differences.tsv"
NOTHING = "(none)"


@dataclass(frozen=True)
class Difference:
    """`part` is "status", "header <name>" or "body <path>"."""

    request: str
    part: str
    keystone: str
    ours: str

    def __str__(self) -> str:
        return f"{self.request}\n    {self.part}\n      keystone  {self.keystone}\n      ours      {self.ours}"


@dataclass(frozen=True)
class Known:
    """A row of the table: in each of its four columns "*" stands for anything."""

    request: str
    part: str
    keystone: str
    ours: str
    reason: str

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        texts = (self.request, self.part, self.keystone, self.ours)
        return [re.compile(".*".join(re.escape(piece) for piece in text.split("*")), re.DOTALL) for text in texts]

    def covers(self, found: Difference) -> bool:
        texts = (found.request, found.part, found.keystone, found.ours)
        return all(pattern.fullmatch(text) for pattern, text in zip(self._patterns, texts, strict=True))


def differences(step: Step, theirs: Said, ours: Said) -> Iterator[Difference]:
    """What is not alike. When the statuses differ, the rest differs with them and is not told apart."""
    if theirs.status != ours.status:
        yield Difference(step.name, "status", str(theirs.status), str(ours.status))
        return
    for name in HEADERS:
        one, other = theirs.headers.get(name, NOTHING), ours.headers.get(name, NOTHING)
        if one != other:
            yield Difference(step.name, f"header {name}", one, other)
    for path, value, instead in _unlike("", theirs.body, ours.body):
        yield Difference(step.name, f"body {path}".strip(), value, instead)


def _unlike(path: str, one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    """(path, theirs, ours) of every value that differs. Lists are sets of alike things: `Side.plain` sorts them."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            below = f"{path}.{name}".lstrip(".")
            if name not in one or name not in other:
                yield below, *(_text(side[name]) if name in side else NOTHING for side in (one, other))
            else:
                yield from _unlike(below, one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for first, second in zip(sorted(one, key=_order), sorted(other, key=_order), strict=True):
            yield from _unlike(f"{path}[]", first, second)
    elif isinstance(one, list) and isinstance(other, list):
        yield (
            f"{path}[]",
            *(_text([row for row in some if row not in rest]) for some, rest in ((one, other), (other, one))),
        )
    else:
        yield path, _text(one), _text(other)


def _order(row: Any) -> tuple[str, ...]:
    """Things of a list are told apart by what is the same on both sides."""
    names = ("name", "path", "interface", "resource_name", "id") if isinstance(row, dict) else ()
    return (*(str(row.get(name, "")) for name in names), _text(row))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def run(steps: Iterable[Step], keystone: Side, ours: Side) -> tuple[int, list[Difference]]:
    """Sends every step to both: how many there were, and all differences."""
    count, found = 0, []
    for step in steps:
        if step is WAIT:
            time.sleep(1.1)
            continue
        count += 1
        try:
            found += differences(step, keystone.ask(step), ours.ask(step))
        except KeyError as missing:  # an earlier answer had not what this request needs
            side = "keystone" if missing.args[0] not in keystone.values else "ours"
            found.append(Difference(step.name, "what it needs", str(missing), f"missing on the side of {side}"))
    return count, found


def table() -> list[Known]:
    """The rows of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [Known(*row) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row]
