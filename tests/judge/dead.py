"""Functions, methods and classes that nothing in production names, by vulture.

Tests do not keep anything alive. What templates name is alive, what a text names as a dotted path
("portal.middleware.X"), and what an annotation names that is written as a text.
What else is called by a name that vulture cannot see stands in alive.tsv, each with its reason.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from keyword import iskeyword
from pathlib import Path

from tests.judge.found import Found
from tests.judge.tree import Source, Tree

ALIVE = Path(__file__).with_name("alive.tsv")
MOST_LINES = 30  # of alive.tsv
KINDS = ("function", "method", "class")
_TAG = re.compile(r"\{[{%](.*?)[%}]\}", re.S)
_NAME = re.compile(r"[A-Za-z_]\w*")
_DOTTED = re.compile(r"[\"']([A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+)[\"']")


@dataclass(frozen=True)
class Excuse:
    """A line of alive.tsv: names, or decorators (with @), and why what they name is alive."""

    names: tuple[str, ...]
    reason: str


def alive() -> list[Excuse]:
    """The lines of alive.tsv."""
    rows = [line.split("\t") for line in ALIVE.read_text().splitlines()]
    return [Excuse(tuple(names.split()), reason) for names, reason in rows]


def unused(tree: Tree) -> list[tuple[str, str]]:
    """(name, place) of all that nothing names, exceptions among them, in the order of the files."""
    from vulture import Vulture  # a second's import that only this measure needs

    decorators = [name for line in alive() for name in line.names if name.startswith("@")]
    eye = Vulture(ignore_decorators=decorators)
    for source in tree.production:
        eye.scan(source.text, filename=source.path)
    eye.scan("\n".join(sorted(_named_elsewhere(tree))), filename="templates.py")
    found = [item for item in eye.get_unused_code() if item.typ in KINDS]
    return [(str(item.name), f"{item.filename}:{item.first_lineno} {item.typ} {item.name}") for item in found]


def _named_elsewhere(tree: Tree) -> set[str]:
    names = {
        name
        for _path, lines in tree.templates()
        for tag in _TAG.findall("\n".join(lines))
        for name in _NAME.findall(tag)
    }
    names |= {name for source in tree.production for text in _quoted(source) for name in _NAME.findall(text)}
    dotted = {text for source in tree.production for text in _DOTTED.findall(source.text)}
    return {name for name in names | {re.split(r"[.:]", text)[-1] for text in dotted} if not iskeyword(name)}


def _quoted(source: Source) -> Iterator[str]:
    """Annotations that are written as texts."""
    for node in source.nodes:
        for said in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                yield said.value


def dead(tree: Tree) -> Found:
    """What nothing names and no line of alive.tsv excuses; and names in that file that excuse nothing any more."""
    excused = {name for line in alive() for name in line.names if not name.startswith("@")}
    used = set()
    places = []
    for name, place in unused(tree):
        by = {one for one in excused if fnmatchcase(name, one)}
        used |= by
        if not by:
            places.append(place)
    return Found.of([*places, *(f"{ALIVE.name} {name} excuses nothing" for name in sorted(excused - used))])


def exceptions(tree: Tree) -> Found:
    """The lines of alive.tsv."""
    return Found.of([f"{' '.join(line.names)[:60]}: {line.reason}" for line in alive()])
