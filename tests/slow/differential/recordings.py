"""The requests: text files, one request a line, read into steps.

    [~][@who] METHOD PATH [[Header: value]]… [BODY] [> name=where …]

`@who` is whose token goes along (@admin without it, @nobody for none), BODY is JSON, or ``raw:`` and what is sent as it is.
`> u=user.id` keeps a part of the answer as ``$u`` for later lines, `> @alice` keeps the token as alice's,
`> a=#Header` keeps a header. `~` compares what kinds of values there are, not the values: for lists of what a new cloud holds.
``# …`` is a remark, and ``...`` waits for a second: Keystone's revocations strike tokens of their own second too.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "requests"
_LINE = re.compile(
    r"(?P<shape>~)?(?:@(?P<who>\w+) )?(?P<method>[A-Z]+) (?P<path>\S+)(?P<headers>(?: \[[^\]]+: [^\]]*\])*)"
    r"(?: (?P<body>(?:[{\[\"]|raw:|null|\d).*?))?(?: > (?P<keep>[^>{}]+))?$"
)
_HEADER = re.compile(r"\[([^\]:]+): ([^\]]*)\]")


@dataclass(frozen=True)
class Step:
    """One request, with ``$names`` still in it."""

    name: str  # file: its line
    who: str
    method: str
    path: str
    headers: dict[str, str]
    body: str | None
    keep: dict[str, str] = field(default_factory=dict)
    shape: bool = False  # compare kinds of values only


WAIT = Step("(wait)", "nobody", "WAIT", "", {}, None)


class NotARequest(ValueError):
    """A line that cannot be read; the message has the file and the line."""


def read(path: Path) -> Iterator[Step]:
    """The steps of one file. Raises: NotARequest."""
    known: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line == "...":
            yield WAIT
            continue
        found = _LINE.match(line)
        if found is None:
            raise NotARequest(f"{path.name}: {line}")
        keep = dict(item.partition("=")[::2] for item in (found["keep"] or "").split())
        text = line.partition(" > ")[0]
        known[text] = known.get(text, 0) + 1
        again = f" ({known[text]})" if known[text] > 1 else ""
        yield Step(
            name=f"{path.stem}: {text}{again}",
            who=found["who"] or "admin",
            method=found["method"],
            path=found["path"],
            headers=dict(_HEADER.findall(found["headers"] or "")),
            body=found["body"],
            keep=keep,
            shape=bool(found["shape"]),
        )


class _Text(string.Template):
    idpattern = r"@?[a-z][a-z0-9_]*"


def filled(text: str, values: dict[str, str]) -> str:
    """``$name`` replaced. Raises: KeyError for a name that nothing was kept under."""
    return _Text(text).substitute(values)


def everything() -> Iterator[Step]:
    """All files, in the order of their names."""
    for path in sorted(FOLDER.glob("*.txt")):
        yield from read(path)
