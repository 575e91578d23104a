"""Stories: the way of one verb through the code, a hop a row of docs/stories.tsv, and whether the code goes that way.

A hop is a place in the code that says where to read on (docs/decisions/0110 says what is one and what is not). It leads to the
next one when its own syntax tree names that symbol, or the key of that row; a row may also be found under a key that an
earlier hop gave ("server.stop"). A hop that stands earlier in the story needs no name again: the story comes back to it.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.judge.found import Found
from tests.judge.tree import Tree

TABLE = "docs/stories.tsv"
#: What counts as one file, however many of it a story passes.
ONE = "operations/"
_SYMBOL = re.compile(r'([A-Za-z_][\w.]*)(?:\["(?P<text>[^"]+)"\]|\[(?P<name>\w+)\])?')


class Wrong(Exception):
    """A row of the table that is none, or that the code does not have; the message says what is missing."""


@dataclass(frozen=True)
class Hop:
    """One row of the table.

    `symbol` is a function, class, method or table by its names within the file, or one row of it: `POST["stop"]` is what the
    text "stop" stands for in POST (the value of that key, the call that it is an argument of, the function that is registered
    under it), `serve[CAST_TASK]` the same for a name. Of a script it is a function, of a template an element: `a["instance-attach"]`
    is the opening tag that names that.
    """

    story: str
    number: int
    file: str
    symbol: str

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.symbol):
            raise Wrong(f"{self}: that is no symbol")

    def __str__(self) -> str:
        return f"{self.story} {self.number}: {self.file} {self.symbol}"

    @property
    def path(self) -> list[str]:
        """The symbol's names from the outside in, without its row."""
        return self.symbol.partition("[")[0].split(".")

    @property
    def text(self) -> str:
        """The key of the row where it is a text, else ""."""
        return _SYMBOL.fullmatch(self.symbol)["text"] or ""  # type: ignore[index]

    @property
    def key(self) -> str:
        """The key of the row, a text or a name, "" where the symbol is no row."""
        return self.text or _SYMBOL.fullmatch(self.symbol)["name"] or ""  # type: ignore[index]


def read(root: Path) -> dict[str, list[Hop]]:
    """Read the stories of docs/stories.tsv, each in its order, from 1 on, or from the button: 0. Raises: Wrong where the numbers have a gap."""
    found: dict[str, list[Hop]] = {}
    with (root / TABLE).open() as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            hop = Hop(row["story"], int(row["number"]), row["file"], row["symbol"])
            hops = found.setdefault(hop.story, [])
            hops.append(hop)
            number = len(hops) - (hops[0].number == 0)
            if hop.number != number:
                raise Wrong(f"{hop}: its number should be {number}")
    return found


def opened(story: str) -> Callable[[Tree], Found]:
    """Make the measure of a story: the files that it opens, in its order, each once; those of ONE as one.

    Hop 0, the button in its page, opens none: the browser shows the address that it leads to.
    """

    def find(tree: Tree) -> Found:
        hops = read(tree.root)[story]
        return Found.of(
            list(dict.fromkeys(ONE if hop.file.startswith(ONE) else hop.file for hop in hops if hop.number))
        )

    return find
