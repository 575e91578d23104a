"""What a measure finds."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.judge.tree import Tree


@dataclass(frozen=True)
class Found:
    """A measure's value, and the places that make it, the worst first: "file:line what"."""

    value: int
    places: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, places: list[str]) -> "Found":
        """As many as there are places."""
        return cls(len(places), places)


@dataclass(frozen=True)
class Measure:
    """A number that the house keeps within `limit`: at most that many, with `at_least` no fewer.

    `is_kept`: `make check` holds it against tests/judge/most.tsv. What `make check` finds in another way is not.
    """

    name: str
    limit: int
    find: Callable[[Tree], Found]
    at_least: bool = False
    is_kept: bool = True

    def is_met(self, value: int) -> bool:
        return not self.is_worse(value, self.limit)

    def is_worse(self, value: int, than: int) -> bool:
        return value < than if self.at_least else value > than
