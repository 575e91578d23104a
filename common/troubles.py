"""What is wrong with a cloud that no host reports: apps register looks at it, `manage.py doctor` lists what they find."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong: its kind, what it is about, and a sentence with what to do."""

    kind: str
    id: str
    text: str


Look = Callable[[], Iterable[Trouble]]
_LOOKS: list[Look] = []


def register(look: Look) -> None:
    _LOOKS.append(look)


def found() -> Iterator[Trouble]:
    """All that is wrong now, as registered."""
    for look in _LOOKS:
        yield from look()
